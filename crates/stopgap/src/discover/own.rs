//! The configuration of our own gateway, read as the gateway reads it.

use std::path::Path;

use discovery::{Found, Point};
use gateway::{Config, Role};

/// This kind's name.
pub(super) const KIND: &str = "gateway";

/// What it says, and how it calls its ingress point.
pub(super) fn read(file: &Path) -> anyhow::Result<(Found, String)> {
    let config = Config::load(file)?;
    let forwards = config.listen.iter().any(|it| it.role == Role::Proxy);
    let mut point = Point {
        listens: config
            .listen
            .iter()
            .map(|it| it.address.to_string())
            .collect(),
        ..Point::default()
    };
    // Where others forward, the ways are in their configuration.
    for application in config.application.iter().filter(|_| forwards) {
        let mut hosts: Vec<String> = application.hosts.iter().map(ToString::to_string).collect();
        if hosts.is_empty() {
            hosts.push("*".to_owned());
        }
        let upstreams: Vec<String> = application
            .upstreams
            .iter()
            .filter_map(|it| address(it.uri()))
            .collect();
        point
            .paths
            .extend(hosts.into_iter().map(|host| discovery::Path {
                host: host.to_ascii_lowercase(),
                prefix: "/".to_owned(),
                application: Some(application.name.clone()),
                upstreams: upstreams.clone(),
                asks: None,
            }));
    }
    let found = Found {
        points: vec![point],
        ..Found::default()
    };
    Ok((found, config.ingress))
}

fn address(uri: &http::Uri) -> Option<String> {
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let port = uri.port_u16().unwrap_or(usual);
    Some(format!("{}:{port}", uri.host()?))
}

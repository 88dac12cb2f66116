//! Lists of hosts: `shop.example`, `shop.example 192.0.2.1`, or as /etc/hosts has them,
//! `192.0.2.1 shop.example`. What follows `#` is a remark.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::{Found, Limits, Path, Point, Problem, Source, address, at};

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (line, text) in (1..).zip(source.text.lines()) {
            let text = text.split('#').next().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            let Some((first, rest)) = words.split_first() else {
                continue;
            };
            let (names, addresses) = match first.parse::<IpAddr>() {
                Ok(_) => (rest, std::slice::from_ref(first)),
                Err(_) => (std::slice::from_ref(first), rest),
            };
            if names.is_empty() {
                let why = format!("`{first}` has no host behind it");
                return Err(Problem(at(source, line, why)));
            }
            for address in addresses {
                if address.parse::<IpAddr>().is_err() {
                    let why = format!("`{}` is no IP address", address.escape_debug());
                    return Err(Problem(at(source, line, why)));
                }
            }
            for name in names {
                let host = address::plain(name);
                if !address::is_host(&host) {
                    let why = format!("`{}` is no host", name.escape_debug());
                    return Err(Problem(at(source, line, why)));
                }
                let known = hosts.entry(host).or_default();
                known.extend(addresses.iter().map(|&address| address.to_owned()));
            }
            limits.within("hosts", hosts.len(), limits.paths)?;
        }
    }
    Ok(of_names(hosts))
}

/// What names and their addresses say.
pub(crate) fn of_names(names: BTreeMap<String, Vec<String>>) -> Found {
    let paths = names.into_iter().map(|(host, upstreams)| Path {
        host,
        prefix: "/".to_owned(),
        upstreams,
        ..Path::default()
    });
    let point = Point {
        paths: paths.collect(),
        ..Point::default()
    };
    Found {
        points: vec![point],
        ..Found::default()
    }
}

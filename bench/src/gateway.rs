//! CPU per request of the gateway against peers on the same requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::documents::{self, ATTACK, CONCERNED, UNCONCERNED};
use crate::load::{self, CONNECTIONS};
use crate::process::{Server, Tells};
use crate::table::{Table, median};
use crate::{Settings, nginx};

/// One stream of equal requests.
struct Stream {
    name: &'static str,
    bytes: Vec<u8>,
}

/// Ratios that are asked for: server, base, stream, reach.
const RATIOS: &[(&str, &str, &str, Option<f64>)] = &[
    ("0 patches", "bare proxy", "GET", Some(1.15)),
    ("0 patches", "bare proxy", "POST", Some(1.15)),
    ("0 patches", "nginx", "GET", Some(1.5)),
    ("0 patches", "nginx", "POST", Some(1.5)),
    ("1 patch", "0 patches", "GET", None),
    ("1 patch", "0 patches", "POST", None),
    ("100 patches", "0 patches", "GET", Some(1.3)),
    ("100 patches", "0 patches", "POST", Some(1.3)),
    ("10,000 patches", "0 patches", "GET", Some(1.3)),
    ("10,000 patches", "0 patches", "POST", Some(1.3)),
    ("10,000 patches", "0 patches", "GET elsewhere", Some(1.15)),
    ("10,000 patches", "0 patches", "POST elsewhere", Some(1.15)),
];

const GATEWAYS: [(&str, usize); 4] = [
    ("0 patches", 0),
    ("1 patch", 1),
    ("100 patches", 100),
    ("10,000 patches", 10_000),
];

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let (rounds, requests) = if settings.quick {
        (5, 1_000)
    } else {
        (60, 2_000)
    };
    let folder = tempfile::tempdir()?;
    let upstream = load::application()?;
    let servers = servers(settings, folder.path(), upstream)?;
    let streams = [
        stream("GET", load::get(CONCERNED)),
        stream("POST", load::post(CONCERNED)),
        stream("GET elsewhere", load::get(UNCONCERNED)),
        stream("POST elsewhere", load::post(UNCONCERNED)),
    ];
    for (name, server) in &servers {
        // What is measured works: good requests pass, and where there are patches they stop bad ones.
        for stream in &streams {
            load::send(
                server.address,
                &stream.bytes,
                500,
                CONNECTIONS,
                "HTTP/1.1 200",
            )
            .with_context(|| (*name).to_owned())?;
        }
        if name.ends_with("patch") || name.ends_with("00 patches") {
            load::send(server.address, &load::get(ATTACK), 1, 1, "HTTP/1.1 403")?;
        }
    }
    let used = |server: &str, stream: &str| {
        RATIOS
            .iter()
            .any(|(above, below, on, _)| *on == stream && (*above == server || *below == server))
    };
    let mut costs: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for stream in &streams {
            for (name, server) in servers.iter().filter(|(name, _)| used(name, stream.name)) {
                let cost = cost(server, stream, requests)?;
                costs.entry((name, stream.name)).or_default().push(cost);
            }
        }
    }
    let mut table = Table::new(
        "gateway",
        format!(
            "CPU of the server process for each request; {rounds} rounds, servers in turn, each {requests} \
             requests on {CONNECTIONS} connections; medians of the rounds' ratios. \"elsewhere\": a route that no patch concerns; \
             on the other, 3 do (1 of 1)."
        ),
    );
    let cost_of = |server: &str, stream: &str| {
        let of = |(known, on): &(&str, &str)| *known == server && *on == stream;
        costs
            .iter()
            .find(|(key, _)| of(key))
            .map_or(&[][..], |(_, costs)| costs)
    };
    for (above, below, stream, reach) in RATIOS {
        let pairs = cost_of(above, stream).iter().zip(cost_of(below, stream));
        let ratios: Vec<f64> = pairs.map(|(above, below)| above / below).collect();
        table.ratio(format!("{stream}: {above} / {below}"), &ratios, *reach);
    }
    for ((server, stream), costs) in &costs {
        table.number(format!("{stream}: {server}"), median(costs), "µs", None);
    }
    for (name, server) in &servers {
        let reach = name.starts_with("10,000").then_some(150.0);
        table.number(
            format!("peak memory, {name}"),
            server.peak_megabytes()?,
            "MB",
            reach,
        );
    }
    Ok(table)
}

fn stream(name: &'static str, bytes: Vec<u8>) -> Stream {
    Stream { name, bytes }
}

fn servers(
    settings: &Settings,
    folder: &Path,
    upstream: SocketAddr,
) -> anyhow::Result<Vec<(&'static str, Server)>> {
    let mut proxy = Command::new(&settings.bench);
    proxy.args(["as", "proxy", &upstream.to_string()]);
    let mut servers = vec![
        (
            "bare proxy",
            Server::start(proxy, Tells::Stdout, "listening on ")?,
        ),
        ("nginx", nginx::start(folder, upstream)?),
    ];
    for (name, count) in GATEWAYS {
        let patches = folder.join(count.to_string());
        documents::write(&patches, count)?;
        servers.push((name, gateway(settings, &patches, upstream)?));
    }
    Ok(servers)
}

/// Starts the gateway with the patches of a folder.
pub(crate) fn gateway(
    settings: &Settings,
    patches: &Path,
    upstream: SocketAddr,
) -> anyhow::Result<Server> {
    let mut command = Command::new(&settings.stopgap);
    command.args(["gateway", "--listen", "127.0.0.1:0"]);
    command.args(["--upstream", &format!("http://{upstream}")]);
    command.arg("--events").arg(patches.with_extension("jsonl"));
    command.arg("--patch").arg(patches);
    Server::start(command, Tells::Stderr, "listening on ")
}

/// Microseconds of CPU for each request.
fn cost(server: &Server, stream: &Stream, requests: usize) -> anyhow::Result<f64> {
    // Connections to the upstream may have been closed since the last turn.
    load::send(
        server.address,
        &stream.bytes,
        200,
        CONNECTIONS,
        "HTTP/1.1 200",
    )?;
    let before = server.cpu()?;
    load::send(
        server.address,
        &stream.bytes,
        requests,
        CONNECTIONS,
        "HTTP/1.1 200",
    )?;
    Ok((server.cpu()? - before) * 1e6 / requests as f64)
}

//! CPU per request of the gateway against peers on the same requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;

use crate::documents::{self, ATTACK, CONCERNED, UNCONCERNED};
use crate::engines::mixes::{self, Request};
use crate::load::{self, CONNECTIONS};
use crate::process::{Server, Tells};
use crate::table::{Table, median};
use crate::{Settings, engines, nginx};

/// One stream of requests.
struct Stream {
    name: &'static str,
    requests: Arc<[Vec<u8>]>,
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
    (RULES, "0 patches", DIFFERENT_GETS, Some(2.0)),
    (RULES, "0 patches", DIFFERENT_POSTS, Some(6.0)),
    (RULES_ON_RESPONSES, "0 patches", DIFFERENT_GETS, None),
    (RULES_AND_PATCHES, RULES, DIFFERENT_GETS, Some(1.15)),
    (RULES_AND_PATCHES, RULES, DIFFERENT_POSTS, Some(1.15)),
];

const RULES: &str = "core rule set";
const RULES_ON_RESPONSES: &str = "core rule set, bodies of responses too";
const RULES_AND_PATCHES: &str = "core rule set and 10,000 patches";
const DIFFERENT_GETS: &str = "GET, 12 browser headers, all different";
const DIFFERENT_POSTS: &str = "POST, 2 kB of JSON, all different";
/// More requests than the gateway remembers of values.
const DIFFERENT: usize = 1_000;

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
        stream("GET", [load::get(CONCERNED)]),
        stream("POST", [load::post(CONCERNED)]),
        stream("GET elsewhere", [load::get(UNCONCERNED)]),
        stream("POST elsewhere", [load::post(UNCONCERNED)]),
        stream(
            DIFFERENT_GETS,
            mixes::gets(DIFFERENT).iter().map(Request::http),
        ),
        stream(
            DIFFERENT_POSTS,
            mixes::orders(DIFFERENT).iter().map(Request::http),
        ),
    ];
    for (name, server) in &servers {
        // What is measured works: good requests pass, and where there are patches they stop bad ones.
        for stream in &streams {
            load::send(
                server.address,
                &stream.requests,
                500,
                CONNECTIONS,
                "HTTP/1.1 200",
            )
            .with_context(|| (*name).to_owned())?;
        }
        if !["bare proxy", "nginx", "0 patches"].contains(name) {
            let attack = [load::get(ATTACK)].into();
            load::send(server.address, &attack, 1, 1, "HTTP/1.1 403")?;
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
                let cost = cost(server, &stream.requests, requests)?;
                costs.entry((name, stream.name)).or_default().push(cost);
            }
        }
    }
    let mut table = Table::new(
        "gateway",
        format!(
            "CPU of the server process for each request; {rounds} rounds, servers in turn, each {requests} \
             requests on {CONNECTIONS} connections; medians of the rounds' ratios. \"elsewhere\": a route that no patch concerns; \
             on the other, 3 do (1 of 1). \"core rule set\": its rules at paranoia level 1, blocking; no patch \
             concerns the requests that are all different."
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
        if ratios.is_empty() {
            continue;
        }
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

fn stream(name: &'static str, requests: impl IntoIterator<Item = Vec<u8>>) -> Stream {
    Stream {
        name,
        requests: requests.into_iter().collect(),
    }
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
        servers.push((name, start(settings, &patches, None, upstream)?));
    }
    let Some(rules) = engines::core_rule_set() else {
        eprintln!(
            "bench: the gateway with the core rule set is skipped: set STOPGAP_CORPORA to a folder that holds crs/rules"
        );
        return Ok(servers);
    };
    for (name, count, responses) in [
        (RULES, 0, false),
        (RULES_AND_PATCHES, 10_000, false),
        (RULES_ON_RESPONSES, 0, true),
    ] {
        let patches = folder.join(format!("rules-{count}-{responses}"));
        documents::write(&patches, count)?;
        let file = folder.join(format!("rules-{responses}.conf"));
        std::fs::write(&file, engines::settings_of(1, &rules, responses)?)?;
        servers.push((name, start(settings, &patches, Some(&file), upstream)?));
    }
    Ok(servers)
}

/// Starts the gateway with the patches of a folder, and with rules.
pub(crate) fn start(
    settings: &Settings,
    patches: &Path,
    rules: Option<&Path>,
    upstream: SocketAddr,
) -> anyhow::Result<Server> {
    let mut command = Command::new(&settings.stopgap);
    command.args(["gateway", "--listen", "127.0.0.1:0"]);
    command.args(["--upstream", &format!("http://{upstream}")]);
    command.arg("--events").arg(patches.with_extension("jsonl"));
    command.arg("--patch").arg(patches);
    if let Some(rules) = rules {
        command.arg("--rules").arg(rules);
    }
    Server::start(command, Tells::Stderr, "listening on ")
}

/// Microseconds of CPU for each request.
pub(crate) fn cost(
    server: &Server,
    stream: &Arc<[Vec<u8>]>,
    requests: usize,
) -> anyhow::Result<f64> {
    // Connections to the upstream may have been closed since the last turn.
    load::send(server.address, stream, 200, CONNECTIONS, "HTTP/1.1 200")?;
    let before = server.cpu()?;
    load::send(
        server.address,
        stream,
        requests,
        CONNECTIONS,
        "HTTP/1.1 200",
    )?;
    Ok((server.cpu()? - before) * 1e6 / requests as f64)
}

//! Instructions per request, counted by valgrind: the same on a busy machine as on a quiet one.
//!
//! Two runs differ only in the number of requests, so their difference holds no start-up:
//! (I(N2) − I(N1)) / (N2 − N1).

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, bail};
use engine::{BodyNeed, Flow, Limits, RequestHead};

use crate::documents::{CONCERNED, UNCONCERNED};
use crate::process::{Server, Tells};
use crate::table::Table;
use crate::{Settings, compile, documents, load, valgrind};

/// Requests of the two runs.
const FEW: usize = 200;
const MANY: usize = 1_200;

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    valgrind::install()?;
    let folder = tempfile::tempdir()?;
    let mut table = Table::new(
        "instructions",
        format!(
            "Instructions for each request, from the difference of {FEW} and {MANY} requests. \
             inspect: the engine alone. proxy, gateway: the whole server, one connection."
        ),
    );
    // Compiling 10,000 under valgrind takes minutes; what they cost is in the bench of the gateway.
    for count in [1, 100] {
        let patches = folder.path().join(count.to_string());
        documents::write(&patches, count)?;
        for route in ["GET", "POST", "GET elsewhere", "POST elsewhere"] {
            let counted =
                |requests: usize| inspections(settings, folder.path(), &patches, route, requests);
            let each = (counted(MANY)? - counted(FEW)?) / (MANY - FEW) as f64;
            table.number(
                format!("inspect, {count} patches, {route}"),
                each,
                "instructions",
                None,
            );
        }
    }
    let upstream = load::application()?;
    let mut proxy = vec![settings.bench.as_os_str().to_owned()];
    proxy.extend(["as".into(), "proxy".into(), upstream.to_string().into()]);
    let gateway = |patches: usize| {
        let events = folder.path().join("events.jsonl");
        let patches = folder.path().join(patches.to_string());
        let mut words = vec![settings.stopgap.as_os_str().to_owned()];
        words.extend(["gateway", "--listen", "127.0.0.1:0", "--upstream"].map(Into::into));
        words.push(format!("http://{upstream}").into());
        words.extend(["--events".into(), events.into_os_string()]);
        words.extend(["--patch".into(), patches.into_os_string()]);
        words
    };
    documents::write(&folder.path().join("0"), 0)?;
    for (name, words, tells) in [
        ("bare proxy", proxy, Tells::Stdout),
        ("gateway, 0 patches", gateway(0), Tells::Stderr),
        ("gateway, 100 patches", gateway(100), Tells::Stderr),
    ] {
        for (route, bytes) in [
            ("GET", load::get(CONCERNED)),
            ("POST", load::post(CONCERNED)),
        ] {
            let counted = |requests| served(&words, tells, &bytes, requests, folder.path());
            let each = (counted(MANY)? - counted(FEW)?) / (MANY - FEW) as f64;
            table.number(format!("{name}, {route}"), each, "instructions", None);
        }
    }
    Ok(table)
}

fn inspections(
    settings: &Settings,
    folder: &Path,
    patches: &Path,
    route: &str,
    requests: usize,
) -> anyhow::Result<f64> {
    let (mut command, log) = valgrind::command(folder);
    command.arg(&settings.bench).args(["as", "inspector"]);
    command.arg(patches).args([route, &requests.to_string()]);
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    valgrind::total(&log)
}

/// What a server counted until it was ended in good order.
fn served(
    words: &[std::ffi::OsString],
    tells: Tells,
    request: &[u8],
    requests: usize,
    folder: &Path,
) -> anyhow::Result<f64> {
    let (mut command, log) = valgrind::command(folder);
    command.args(words);
    let server = Server::start(command, tells, "listening on ")?;
    send(server.address, request, requests)?;
    drop(server);
    valgrind::total(&log)
}

fn send(address: SocketAddr, request: &[u8], requests: usize) -> anyhow::Result<()> {
    let one = [request.to_vec()].into();
    load::send(address, &one, requests, 1, "HTTP/1.1 200")
}

/// The role: inspects one request so many times, as the gateway does.
pub(crate) fn run(patches: &Path, route: &str, count: &str) -> anyhow::Result<()> {
    let sources = compile::sources(patches)?;
    let plan = patch::load::plan(&[], &sources, Limits::default(), &engine::NoResources)
        .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    drop(sources);
    let target = match route.ends_with("elsewhere") {
        true => UNCONCERNED,
        false => CONCERNED,
    };
    let is_post = route.starts_with("POST");
    let bytes = match is_post {
        true => load::post(target),
        false => load::get(target),
    };
    let text = std::str::from_utf8(&bytes)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no head")?;
    let headers: Vec<(&str, &str)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .collect();
    let method: &[u8] = if is_post { b"POST" } else { b"GET" };
    let mut request = RequestHead::new(method, target.as_bytes(), &headers);
    request.host = b"shop.example.org";
    for _ in 0..count.parse::<usize>()? {
        let mut transaction = plan.begin();
        let mut flow = transaction.request_head(&request);
        if transaction.is_concerned() {
            if flow == Flow::Continue && transaction.request_body_need() != BodyNeed::None {
                flow = transaction.request_body(body.as_bytes());
            }
            if flow == Flow::Continue {
                flow = transaction.request_body_end();
            }
        }
        anyhow::ensure!(flow == Flow::Continue, "a good request is stopped");
        std::hint::black_box(transaction.finish());
    }
    Ok(())
}

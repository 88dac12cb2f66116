//! What all imported patches cost, loaded together, where nothing is stopped: of a gateway's CPU,
//! and of the engine's instructions.
//!
//! Patches and requests are those of `cargo xtask score`: `score --write` makes them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Exchange, Limits, NoResources};
use serde::Deserialize;

use crate::load::{self, CONNECTIONS};
use crate::table::Table;
use crate::{Settings, compile, gateway, valgrind};

/// The files of requests, and where these are sent.
const TRAFFIC: [(&str, &str); 2] = [
    (ELSEWHERE, "requests that no patch is about"),
    (NEAR, "at the endpoints of patches"),
];
const ELSEWHERE: &str = "elsewhere.jsonl";
const NEAR: &str = "near.jsonl";

/// So often all requests are inspected in the two runs that are counted.
const ONCE: usize = 1;
const OFTEN: usize = 3;

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    valgrind::install()?;
    let folder = tempfile::tempdir()?;
    let mut table = Table::new(
        "imported",
        "The patches made of nuclei's templates, all loaded, and legitimate requests, all different. The gateway: CPU of the \
         server process, in turn with one that has no patches. The engine alone: instructions of the calls that inspect."
            .to_owned(),
    );
    if !write(settings, folder.path())? {
        return Ok(table);
    }
    let patches = folder.path().join("patches");
    let none = folder.path().join("none");
    std::fs::create_dir(&none)?;
    through_the_gateway(settings, folder.path(), &patches, &none, &mut table)?;
    for (file, what) in TRAFFIC {
        let file = folder.path().join(file);
        let mut counts = [0.0; 2];
        for (count, patches) in counts.iter_mut().zip([&none, &patches]) {
            let counted = |times| counted(settings, folder.path(), patches, &file, times);
            let more = counted(OFTEN)? - counted(ONCE)?;
            *count = more / (OFTEN - ONCE) as f64 / records(&file)?.len() as f64;
        }
        let [none, all] = counts;
        let row = format!("the engine alone, {what}: all more than none");
        table.number(row, all - none, "instructions", None);
    }
    Ok(table)
}

/// How `score` exits where it cannot begin.
const NO_CORPORA: i32 = 2;

/// Writes patches and requests; false where there are no corpora.
fn write(settings: &Settings, folder: &Path) -> anyhow::Result<bool> {
    let score = settings.bench.with_file_name("score");
    let output = Command::new(&score)
        .args([OsStr::new("--write"), folder.as_os_str()])
        .output()
        .with_context(|| format!("cannot start {}", score.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(true),
        Some(NO_CORPORA) => {
            eprint!("bench: imported patches are skipped: {said}");
            Ok(false)
        }
        _ => bail!("{said}"),
    }
}

fn through_the_gateway(
    settings: &Settings,
    folder: &Path,
    patches: &Path,
    none: &Path,
    table: &mut Table,
) -> anyhow::Result<()> {
    let upstream = load::application()?;
    let all = gateway::start(settings, patches, None, upstream)?;
    let none = gateway::start(settings, none, None, upstream)?;
    let rounds = if settings.quick { 5 } else { 30 };
    let traffic = TRAFFIC.map(|(file, what)| (vec![file], what));
    let both = (vec![ELSEWHERE, NEAR], "all of these requests");
    for (files, what) in traffic.into_iter().chain([both]) {
        let mut requests = Vec::new();
        for file in files {
            requests.extend(records(&folder.join(file))?.iter().map(http));
        }
        let requests: Arc<[Vec<u8>]> = requests.into();
        let count = requests.len();
        let cost = |server| gateway::cost(server, &requests, count);
        // What is compiled when traffic first asks for it.
        load::send(all.address, &requests, count, CONNECTIONS, "HTTP/1.1 200")?;
        let (mut ratios, mut nones) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let without = cost(&none)?;
            ratios.push(cost(&all)? / without);
            nones.push(without);
        }
        let row = format!("the gateway, {what}: all / none");
        table.ratio(row, &ratios, Some(1.3));
        let row = format!("the gateway, {what}: none");
        table.number(row, crate::table::median(&nones), "µs", None);
    }
    table.number("peak memory, all", all.peak_megabytes()?, "MB", None);
    Ok(())
}

/// Instructions of a process that inspects all requests so many times.
fn counted(
    settings: &Settings,
    folder: &Path,
    patches: &Path,
    requests: &Path,
    times: usize,
) -> anyhow::Result<f64> {
    let (mut command, log) = valgrind::command(folder);
    command.arg(&settings.bench).args(["as", "replayer"]);
    command.arg(patches).arg(requests).arg(times.to_string());
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    valgrind::total(&log)
}

/// The role: inspects all requests of a file so many times.
pub(crate) fn run(patches: &Path, requests: &Path, times: &str) -> anyhow::Result<()> {
    let sources = compile::sources(patches)?;
    let plan = patch::load::plan(&[], &sources, Limits::default(), &NoResources)
        .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let exchanges: Vec<Exchange> = records(requests)?.into_iter().map(exchange).collect();
    for _ in 0..times.parse::<usize>()? {
        for exchange in &exchanges {
            let verdict = exchange.inspect(&plan);
            anyhow::ensure!(verdict.action() == "pass", "a good request is stopped");
        }
    }
    Ok(())
}

/// As `stopgap inspect` reads it.
#[derive(Deserialize)]
struct Record {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    #[serde(deserialize_with = "base64")]
    body: Vec<u8>,
}

fn base64<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    let decoded = BASE64_STANDARD.decode(text);
    decoded.map_err(serde::de::Error::custom)
}

fn records(file: &Path) -> anyhow::Result<Vec<Record>> {
    let text = std::fs::read_to_string(file)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

fn exchange(record: Record) -> Exchange {
    let headers = record.headers.into_iter();
    Exchange {
        method: record.method.into_bytes(),
        target: record.uri.into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        body: record.body,
        ..Exchange::default()
    }
}

fn http(record: &Record) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", record.method, record.uri).into_bytes();
    // Writing to memory does not fail.
    for (name, value) in &record.headers {
        let _ = write!(bytes, "{name}: {value}\r\n");
    }
    if !record.body.is_empty() {
        let _ = write!(bytes, "Content-Length: {}\r\n", record.body.len());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&record.body);
    bytes
}

//! `stopgap inspect` against reading and writing its JSON lines alone.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::table::{Table, median};
use crate::{Settings, documents, load, process};

pub(crate) fn bench(settings: &Settings) -> anyhow::Result<Table> {
    let (rounds, count) = if settings.quick {
        (3, 10_000)
    } else {
        (9, 60_000)
    };
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("requests.jsonl");
    record(&input, count)?;
    let patches = folder.path().join("patches");
    documents::write(&patches, 1)?;
    let (mut ratios, mut copied, mut inspected) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut copy = Command::new(&settings.bench);
        copy.args(["as", "copier"]).arg(&input);
        let (copy, lines) = process::run(copy)?;
        let mut inspect = Command::new(&settings.stopgap);
        inspect.args(["inspect", "--json", "--input"]).arg(&input);
        inspect.arg("--patch").arg(&patches);
        let (inspect, answers) = process::run(inspect)?;
        let count = |text: &[u8]| text.iter().filter(|&&byte| byte == b'\n').count();
        anyhow::ensure!(count(&lines) == count(&answers), "an answer is missing");
        ratios.push(inspect / copy);
        copied.push(copy * 1e6);
        inspected.push(inspect * 1e6);
    }
    let mut table = Table::new(
        "inspect",
        format!(
            "{count} recorded requests: a third GET, a third a form, a third 2 kB of JSON; one patch, \
             which concerns half of them. CPU, {rounds} rounds in turn."
        ),
    );
    table.ratio("inspect / copy", &ratios, Some(3.0));
    table.number("copy", median(&copied) / count as f64, "µs a line", None);
    table.number(
        "inspect",
        median(&inspected) / count as f64,
        "µs a line",
        None,
    );
    Ok(table)
}

fn record(path: &Path, count: usize) -> anyhow::Result<()> {
    let mut output = BufWriter::new(File::create(path)?);
    let headers = [
        ["Host", "shop.example.org"],
        [
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ],
        [
            "Accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ],
        ["Accept-Language", "en-GB,en;q=0.5"],
        [
            "Cookie",
            "session=5f0c2a9e7b1d4c3f8a6e; theme=dark; consent=1",
        ],
    ];
    let with = |kind| {
        let mut headers = headers.to_vec();
        headers.push(["Content-Type", kind]);
        headers
    };
    let form = base64("name=Ann+O%27Neil&city=Oak+Street&note=please+select+the+green+one");
    let document = base64(&load::json());
    for id in 0..count {
        let uri = match id % 2 {
            0 => format!("/api/orders?page={id}&sort=desc"),
            _ => format!("/shop/item/{id}?colour=green"),
        };
        let line = match id % 3 {
            0 => json!({"id": id, "method": "GET", "uri": uri, "headers": headers}),
            1 => json!({"id": id, "method": "POST", "uri": uri, "body": form,
                "headers": with("application/x-www-form-urlencoded")}),
            _ => json!({"id": id, "method": "POST", "uri": uri, "body": document,
                "headers": with("application/json")}),
        };
        writeln!(output, "{line}")?;
    }
    Ok(output.flush()?)
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize);
            let shown = digit.filter(|_| at <= three.len()).unwrap_or(&b'=');
            encoded.push(char::from(*shown));
        }
    }
    encoded
}

/// A line, as far as it must be read to be known.
#[derive(Deserialize)]
struct Line {
    id: Option<serde_json::Value>,
    method: String,
    uri: String,
    version: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Option<serde_json::Value>,
    action: &'static str,
    status: Option<u16>,
    matches: [(); 0],
}

/// The role: reads every line, and writes one of the form of an answer.
pub(crate) fn run(input: &Path) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(256 * 1024, File::open(input)?);
    let mut output = BufWriter::with_capacity(256 * 1024, std::io::stdout().lock());
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes)? > 0 {
        let line: Line = serde_json::from_slice(&bytes)?;
        std::hint::black_box((&line.method, &line.uri, &line.version));
        std::hint::black_box((&line.headers, &line.body));
        let answer = Answer {
            id: &line.id,
            action: "pass",
            status: None,
            matches: [],
        };
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        bytes.clear();
    }
    Ok(output.flush()?)
}

//! Recorded requests, in the formats in which people have them.

mod access;
mod har;
mod http;
mod jsonl;
mod modsecurity;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use engine::Exchange;
use patch::Request;
use patch::prove::Recorded;

/// An exchange, what its record calls it, and what the record leaves out.
pub(crate) struct Record {
    pub(crate) id: Option<serde_json::Value>,
    pub(crate) exchange: Exchange,
    pub(crate) recorded: Recorded,
}

/// How requests are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A JSON object a line.
    Jsonl,
    /// An HTTP Archive 1.2; ids are the entries' positions, from 0.
    Har,
    /// Raw HTTP requests, lines that begin with `###` between them; ids are their
    /// positions, from 0.
    Http,
    /// The audit log of ModSecurity 2 or 3 or of Coraza, serial or in JSON; ids are its own.
    Modsecurity,
    /// An access log of nginx or Apache, common or combined: no bodies, few headers.
    Access,
    /// An access log of Envoy in its default format: no bodies, few headers.
    Envoy,
}

/// Bytes of a HAR or HTTP file at most.
const FILE_BYTES: u64 = 512 * 1024 * 1024;
/// Bytes of one line, or of one entry of an audit log, at most.
const LINE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes at the start of a file that tell its format.
const SNIFFED: usize = 4096;

/// Receives records, each with its number from 1: of its line, or of its entry in the file.
pub(crate) type Each<'e> = &'e mut dyn FnMut(u64, anyhow::Result<Record>) -> anyhow::Result<()>;

/// Reads all records of a file, `-` being standard input. Without a format it is told by
/// the file's start.
pub(crate) fn each(path: &Path, format: Option<Format>, each: Each<'_>) -> anyhow::Result<()> {
    let mut input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(256 * 1024, io::stdin().lock()))
    } else {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Box::new(BufReader::with_capacity(256 * 1024, file))
    };
    let format = match format {
        Some(format) => format,
        None => {
            let start = input
                .fill_buf()
                .with_context(|| format!("cannot read {}", path.display()))?;
            let start = start.get(..start.len().min(SNIFFED)).unwrap_or_default();
            sniffed(start).with_context(|| {
                format!(
                    "{}: this is none of the known formats; name it with --format",
                    path.display()
                )
            })?
        }
    };
    match format {
        Format::Jsonl => lines(&mut input, &mut |number, line| {
            each(number, line.and_then(jsonl::read))
        }),
        Format::Access => lines(&mut input, &mut |number, line| {
            each(number, line.and_then(access::combined))
        }),
        Format::Envoy => lines(&mut input, &mut |number, line| {
            each(number, line.and_then(access::envoy))
        }),
        Format::Modsecurity => modsecurity::read(&mut input, each),
        Format::Har => {
            let records = har::read(&whole(&mut input)?)
                .with_context(|| format!("cannot read {}", path.display()))?;
            (1..)
                .zip(records)
                .try_for_each(|(at, record)| each(at, record))
        }
        Format::Http => {
            let records = http::read(&whole(&mut input)?);
            (1..)
                .zip(records)
                .try_for_each(|(at, record)| each(at, record))
        }
    }
}

/// Requests as JSON lines, which [`each`] reads.
pub(crate) fn jsonl(requests: &[Request]) -> String {
    let lines = requests.iter().map(jsonl::written);
    lines.map(|line| line + "\n").collect()
}

/// What a file is by its first line.
fn sniffed(start: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let line = text.lines().next().unwrap_or_default();
    if text.starts_with('{') {
        let first = text.split('"').nth(1);
        return Some(match first {
            Some("log") => Format::Har,
            Some("transaction") => Format::Modsecurity,
            _ => Format::Jsonl,
        });
    }
    if modsecurity::is_mark(line.as_bytes()) {
        return Some(Format::Modsecurity);
    }
    if line.starts_with("###") || line.contains(" HTTP/") && !line.contains('"') {
        return Some(Format::Http);
    }
    match line.starts_with('[') {
        true if line.contains("] \"") => Some(Format::Envoy),
        false if line.contains(" [") && line.contains("] \"") => Some(Format::Access),
        _ => None,
    }
}

type Line<'l> = &'l mut dyn FnMut(u64, anyhow::Result<&[u8]>) -> anyhow::Result<()>;

/// Reads lines one by one, each within the bound.
fn lines(input: &mut dyn BufRead, each: Line<'_>) -> anyhow::Result<()> {
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let mut bounded = input.take(LINE_BYTES + 1);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 > LINE_BYTES {
            input.skip_until(b'\n')?;
            let error = anyhow!("the line is longer than {LINE_BYTES} bytes");
            each(number, Err(error))?;
        } else {
            each(number, Ok(&line))?;
        }
    }
}

fn whole(input: &mut dyn BufRead) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        bail!(
            "the input is larger than {FILE_BYTES} bytes; use JSON lines, which are read one by one"
        );
    }
    Ok(bytes)
}

//! Audit logs of ModSecurity 2 and 3 and of Coraza, serial or in JSON.
//!
//! Source: ModSecurity 2 Data Formats (audit log sections A to Z), and the members that
//! ModSecurity 3 and Coraza write in JSON.

use std::io::BufRead;

use anyhow::{Context, anyhow, bail};
use engine::Exchange;
use patch::prove::Recorded;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Each, LINE_BYTES, Record, access};

/// Reads both: a line that begins with `{` is an entry, one that begins with a mark begins
/// a section.
pub(super) fn read(input: &mut dyn BufRead, each: Each<'_>) -> anyhow::Result<()> {
    let mut entry = Entry::default();
    super::lines(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(error) => return each(number, Err(error)),
        };
        if let Some(section) = mark(line) {
            if section == b'A' {
                // The one before has no end.
                entry = Entry::default();
                entry.line = number;
            }
            entry.section = section;
            return match section {
                b'Z' => {
                    let entry = std::mem::take(&mut entry);
                    each(entry.line, entry.record())
                }
                _ => Ok(()),
            };
        }
        match (entry.section, line.first()) {
            (0, Some(b'{')) => each(number, json(line)),
            (0, _) => Ok(()),
            _ => {
                entry.add(line);
                Ok(())
            }
        }
    })
}

/// Whether a line begins a section: `--abcdef12-A--`, in version 3 `---AbCdEf12---A--`.
pub(super) fn is_mark(line: &[u8]) -> bool {
    mark(line).is_some()
}

fn mark(line: &[u8]) -> Option<u8> {
    let inner = line.trim_ascii_end().strip_prefix(b"--")?;
    let inner = inner.strip_suffix(b"--")?;
    let (section, boundary) = inner.split_last()?;
    let boundary = boundary.strip_suffix(b"-")?;
    let boundary = boundary.strip_suffix(b"--").unwrap_or(boundary);
    let boundary = boundary.strip_prefix(b"-").unwrap_or(boundary);
    let known = section.is_ascii_uppercase()
        && !boundary.is_empty()
        && boundary.iter().all(u8::is_ascii_alphanumeric);
    known.then_some(*section)
}

/// The sections of an entry that tell of the request.
#[derive(Default)]
struct Entry {
    line: u64,
    section: u8,
    /// Section A: time, id, addresses.
    about: Vec<u8>,
    /// Section B.
    head: Vec<u8>,
    /// Section C, or I, which is C without files.
    body: Option<Vec<u8>>,
    whole: bool,
    too_long: bool,
}

impl Entry {
    fn add(&mut self, line: &[u8]) {
        let held = self.head.len() + self.body.as_ref().map_or(0, Vec::len) + line.len();
        if held as u64 > LINE_BYTES {
            self.too_long = true;
            return;
        }
        match self.section {
            b'A' => self.about.extend_from_slice(line),
            b'B' => self.head.extend_from_slice(line),
            b'C' => {
                self.whole = true;
                self.body.get_or_insert_default().extend_from_slice(line);
            }
            b'I' => self.body.get_or_insert_default().extend_from_slice(line),
            _ => {}
        }
    }

    fn record(self) -> anyhow::Result<Record> {
        if self.too_long {
            return Err(anyhow!("the entry is longer than {LINE_BYTES} bytes"));
        }
        let about = String::from_utf8_lossy(&self.about).into_owned();
        let id = about
            .split_once(']')
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .map(Into::into);
        let mut body = self.body.unwrap_or_default();
        // The line end before the next mark is not the body's.
        if body.ends_with(b"\n") {
            body.pop();
        }
        let exchange = Exchange {
            body,
            ..head(&self.head).context("section B")?
        };
        let length = exchange.header("content-length").unwrap_or(b"0");
        let bodyless =
            length.trim_ascii() == b"0" && exchange.header("transfer-encoding").is_none();
        Ok(Record {
            id,
            exchange,
            recorded: Recorded {
                headers: None,
                body: self.whole || bodyless,
            },
        })
    }
}

/// A request line and header lines.
fn head(text: &[u8]) -> anyhow::Result<Exchange> {
    let mut lines = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default();
    let (method, target, version) = access::request_line(line)?;
    let mut headers = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            bail!("`{}` is no header line", String::from_utf8_lossy(line));
        };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        headers.push((name.to_vec(), value.to_vec()));
    }
    Ok(Exchange {
        method: method.to_vec(),
        target: target.to_vec(),
        version: version.to_vec(),
        headers,
        ..Exchange::default()
    })
}

/// What stands in a JSON entry, wherever the version that wrote it puts the request.
#[derive(Deserialize)]
struct Line {
    transaction: Transaction,
    /// Version 2.
    request: Option<Logged>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(alias = "transaction_id", alias = "unique_id")]
    id: Option<String>,
    /// Version 3 and Coraza.
    request: Option<Logged>,
}

#[derive(Deserialize)]
struct Logged {
    /// Version 2: the whole line.
    request_line: Option<String>,
    method: Option<String>,
    uri: Option<String>,
    /// A number or a text.
    #[serde(alias = "protocol")]
    http_version: Option<Value>,
    #[serde(default)]
    headers: Headers,
    /// A text, or a list of its pieces.
    body: Option<Value>,
}

fn json(line: &[u8]) -> anyhow::Result<Record> {
    let line: Line = serde_json::from_slice(line).context("this is no entry of an audit log")?;
    let logged = line.request.or(line.transaction.request);
    let logged = logged.context("the entry has no request")?;
    let mut exchange = match (&logged.request_line, &logged.method, &logged.uri) {
        (Some(line), ..) => head(line.as_bytes())?,
        (None, Some(method), Some(uri)) => Exchange {
            method: method.clone().into_bytes(),
            target: uri.clone().into_bytes(),
            version: version(logged.http_version.as_ref()).into_bytes(),
            ..Exchange::default()
        },
        _ => bail!("the entry's request has no method and uri"),
    };
    exchange.headers = logged.headers.0;
    let body = match logged.body {
        Some(Value::String(text)) => Some(text),
        Some(Value::Array(pieces)) => Some(pieces.iter().filter_map(Value::as_str).collect()),
        _ => None,
    };
    let length = exchange.header("content-length").unwrap_or(b"0");
    let bodyless = length.trim_ascii() == b"0" && exchange.header("transfer-encoding").is_none();
    let seen = bodyless || body.as_ref().is_some_and(|body| !body.is_empty());
    exchange.body = body.unwrap_or_default().into_bytes();
    Ok(Record {
        id: line.transaction.id.map(Value::String),
        exchange,
        recorded: Recorded {
            headers: None,
            body: seen,
        },
    })
}

fn version(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) if text.starts_with("HTTP/") => text.clone(),
        Some(Value::String(text)) => format!("HTTP/{text}"),
        Some(Value::Number(number)) => format!("HTTP/{number}"),
        _ => "HTTP/1.1".to_owned(),
    }
}

/// Names and values in their order; a name may come twice, or have a list of values.
#[derive(Default)]
struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Headers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("names and values of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let values = match value {
                        Value::Array(values) => values,
                        value => vec![value],
                    };
                    for value in values.iter().filter_map(Value::as_str) {
                        pairs.push((name.clone().into_bytes(), value.into()));
                    }
                }
                Ok(Headers(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

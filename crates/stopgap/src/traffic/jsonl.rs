//! One recorded transaction, as a JSON line has it.

use std::borrow::Cow;

use anyhow::{Context, anyhow, bail};
use engine::{Answer, Exchange};
use patch::Request;
use patch::prove::Recorded;
use serde::Deserialize;

use super::Record;

#[derive(Deserialize)]
struct Line<'l> {
    id: Option<serde_json::Value>,
    #[serde(borrow)]
    method: Written<'l>,
    uri: Written<'l>,
    version: Option<Written<'l>>,
    #[serde(default)]
    headers: Vec<(Written<'l>, Written<'l>)>,
    body: Option<Written<'l>>,
    response: Option<ResponseLine<'l>>,
}

#[derive(Deserialize)]
struct ResponseLine<'l> {
    status: u16,
    #[serde(default, borrow)]
    headers: Vec<(Written<'l>, Written<'l>)>,
    body: Option<Written<'l>>,
}

/// A string as it stands in the line; only one with escapes is copied.
#[derive(Deserialize)]
struct Written<'l>(#[serde(borrow)] Cow<'l, str>);

/// Reads one line.
pub(super) fn read(line: &[u8]) -> anyhow::Result<Record> {
    // PERF: of the whole line at once, not of each string: 2,500 → 750 instructions a line.
    let line = std::str::from_utf8(line).context("this is no request")?;
    let line: Line<'_> = serde_json::from_str(line).context("this is no request")?;
    if line.method.0.is_empty() {
        bail!("\"method\" is empty; write GET, POST, …");
    }
    let exchange = Exchange {
        application: String::new(),
        method: bytes("method", &line.method.0)?,
        target: bytes("uri", &line.uri.0)?,
        version: match &line.version {
            Some(version) => bytes("version", &version.0)?,
            None => b"HTTP/1.1".to_vec(),
        },
        headers: headers(&line.headers)?,
        body: body(line.body.as_ref())?,
        response: line.response.map(ResponseLine::read).transpose()?,
    };
    Ok(Record {
        id: line.id,
        exchange,
        recorded: Recorded::WHOLE,
    })
}

/// Writes one line, without its end.
pub(super) fn written(request: &Request) -> String {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|&byte| char::from(byte))
            .collect::<String>()
    };
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    serde_json::json!({
        "method": text(&request.method),
        "uri": text(&request.target),
        "version": text(&request.version),
        "headers": headers,
        "body": base64_simd::STANDARD.encode_to_string(&request.body),
    })
    .to_string()
}

impl ResponseLine<'_> {
    fn read(self) -> anyhow::Result<Answer> {
        Ok(Answer {
            status: self.status,
            headers: headers(&self.headers)?,
            body: body(self.body.as_ref())?,
        })
    }
}

fn headers(lines: &[(Written<'_>, Written<'_>)]) -> anyhow::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    lines
        .iter()
        .map(|(name, value)| Ok((bytes("header name", &name.0)?, bytes(&name.0, &value.0)?)))
        .collect()
}

/// Code points U+0000 to U+00FF to bytes.
fn bytes(what: &str, text: &str) -> anyhow::Result<Vec<u8>> {
    if text.is_ascii() {
        return Ok(text.as_bytes().to_vec());
    }
    text.chars()
        .map(|letter| {
            u8::try_from(u32::from(letter)).map_err(|_| {
                anyhow!(
                    "{what:?} holds {letter:?}; bytes are written as code points U+0000 to U+00FF"
                )
            })
        })
        .collect()
}

/// PERF: with vectors 5,800 → 1,100 instructions a line of `bench inspect`.
fn body(text: Option<&Written<'_>>) -> anyhow::Result<Vec<u8>> {
    base64_simd::STANDARD
        .decode_to_vec(text.map_or("", |text| &*text.0))
        .map_err(|_| anyhow!("\"body\" is no base64"))
}

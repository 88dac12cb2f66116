//! One recorded transaction, as a JSON line has it.

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Answer, Exchange};
use serde::Deserialize;

/// An exchange and what its line calls it.
pub(super) struct Record {
    pub(super) id: Option<serde_json::Value>,
    pub(super) exchange: Exchange,
}

#[derive(Deserialize)]
struct Line {
    id: Option<serde_json::Value>,
    method: String,
    uri: String,
    version: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    response: Option<ResponseLine>,
}

#[derive(Deserialize)]
struct ResponseLine {
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Record {
    /// Reads one line.
    pub(super) fn read(line: &[u8]) -> anyhow::Result<Self> {
        let line: Line = serde_json::from_slice(line).context("this is no request")?;
        if line.method.is_empty() {
            bail!("\"method\" is empty; write GET, POST, …");
        }
        let exchange = Exchange {
            application: String::new(),
            method: bytes("method", &line.method)?,
            target: bytes("uri", &line.uri)?,
            version: bytes("version", line.version.as_deref().unwrap_or("HTTP/1.1"))?,
            headers: headers(&line.headers)?,
            body: body(line.body.as_deref())?,
            response: line.response.map(ResponseLine::read).transpose()?,
        };
        Ok(Self {
            id: line.id,
            exchange,
        })
    }
}

impl ResponseLine {
    fn read(self) -> anyhow::Result<Answer> {
        Ok(Answer {
            status: self.status,
            headers: headers(&self.headers)?,
            body: body(self.body.as_deref())?,
        })
    }
}

fn headers(lines: &[(String, String)]) -> anyhow::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    lines
        .iter()
        .map(|(name, value)| Ok((bytes("header name", name)?, bytes(name, value)?)))
        .collect()
}

/// Code points U+0000 to U+00FF to bytes.
fn bytes(what: &str, text: &str) -> anyhow::Result<Vec<u8>> {
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

fn body(text: Option<&str>) -> anyhow::Result<Vec<u8>> {
    BASE64_STANDARD
        .decode(text.unwrap_or_default())
        .context("\"body\" is no base64")
}

//! HTTP Archive 1.2: what browsers' developer tools and proxies save.
//!
//! Source: W3C Web Performance, HTTP Archive (HAR) format, sections 5 (log) to
//! 5.11 (content). Fields that are not asked here are not read.

use anyhow::{Context, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Answer, Exchange};
use patch::prove::Recorded;
use serde::Deserialize;

use super::Record;

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Sent,
    response: Option<Received>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    method: String,
    url: String,
    #[serde(default)]
    http_version: String,
    #[serde(default)]
    headers: Vec<Header>,
    post_data: Option<Content>,
    /// -1 where it is not known.
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize)]
struct Received {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    headers: Vec<Header>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    params: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    value: Option<String>,
}

/// All entries, in order; their ids are their positions, from 0.
pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Vec<anyhow::Result<Record>>> {
    let archive: Archive = serde_json::from_slice(bytes).context("this is no HTTP Archive")?;
    Ok(archive
        .log
        .entries
        .into_iter()
        .enumerate()
        .map(|(at, entry)| {
            // Browsers leave out what they do not hold as text.
            let body = entry.request.body_size <= 0 || entry.request.post_data.is_some();
            let exchange = exchange(entry).with_context(|| format!("entry {at}"))?;
            Ok(Record {
                id: Some(at.into()),
                exchange,
                recorded: Recorded {
                    body,
                    ..Recorded::WHOLE
                },
            })
        })
        .collect())
}

fn exchange(entry: Entry) -> anyhow::Result<Exchange> {
    let request = entry.request;
    let (_, rest) = request
        .url
        .split_once("://")
        .ok_or_else(|| anyhow!("`{}` is no absolute URL", request.url))?;
    let slash = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(slash);
    let target = target.split('#').next().unwrap_or_default();
    let target = match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("/{target}"),
    };
    let mut headers = lines(&request.headers);
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(b"host"))
    {
        headers.insert(0, (b"Host".to_vec(), host.as_bytes().to_vec()));
    }
    let mut body = Vec::new();
    if let Some(data) = request.post_data {
        let typed = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
        if !typed && !data.mime_type.is_empty() {
            headers.push((
                b"Content-Type".to_vec(),
                data.mime_type.clone().into_bytes(),
            ));
        }
        body = data.bytes()?;
    }
    let version = match request.http_version.to_ascii_lowercase().as_str() {
        "h2" | "http/2" | "http/2.0" => "HTTP/2.0",
        "http/1.0" => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    let response = match entry.response {
        // Status 0: there was no answer.
        Some(received) if received.status > 0 => Some(Answer {
            status: u16::try_from(received.status).context("the status is no status")?,
            headers: lines(&received.headers),
            body: match received.content {
                Some(content) => content.bytes()?,
                None => Vec::new(),
            },
        }),
        _ => None,
    };
    Ok(Exchange {
        application: String::new(),
        method: request.method.into_bytes(),
        target: target.into_bytes(),
        version: version.into(),
        headers,
        body,
        response,
    })
}

/// Header lines without HTTP/2's pseudo headers. Bodies are archived decoded.
fn lines(headers: &[Header]) -> Vec<(Vec<u8>, Vec<u8>)> {
    headers
        .iter()
        .filter(|header| !header.name.starts_with(':'))
        .filter(|header| !header.name.eq_ignore_ascii_case("content-encoding"))
        .map(|header| {
            (
                header.name.clone().into_bytes(),
                header.value.clone().into_bytes(),
            )
        })
        .collect()
}

impl Content {
    fn bytes(self) -> anyhow::Result<Vec<u8>> {
        if self.encoding.eq_ignore_ascii_case("base64") {
            return BASE64_STANDARD
                .decode(&self.text)
                .context("the content is no base64");
        }
        if self.text.is_empty() && !self.params.is_empty() {
            let pairs: Vec<String> = self
                .params
                .iter()
                .map(|pair| {
                    format!(
                        "{}={}",
                        pair.name,
                        pair.value.as_deref().unwrap_or_default()
                    )
                })
                .collect();
            return Ok(pairs.join("&").into_bytes());
        }
        Ok(self.text.into_bytes())
    }
}

//! HTTP Archive 1.2: what browsers' developer tools and proxies save.
//!
//! Source: W3C Web Performance, HTTP Archive (HAR) format, sections 5 (log) to
//! 5.11 (content). Fields that are not asked here are not read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Answer, Exchange};
use serde::Deserialize;

use crate::request::percent_encoded;

/// An entry, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is recorded.
    pub url: String,
    /// Without HTTP/2's pseudo headers; bodies are archived decoded, and without the header that
    /// says otherwise.
    pub exchange: Exchange,
    /// Whether the request's body is recorded, or there was none.
    pub has_body: bool,
}

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
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
    headers: Vec<Field>,
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
    headers: Vec<Field>,
    content: Option<Content>,
}

/// A header or a parameter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(default)]
    value: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
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
    params: Vec<Field>,
}

/// An entry, with its position from 0; or what is wrong with it.
pub type Placed = (usize, Result<Entry, String>);

/// All entries by their positions, in order, without those that asked no server. What is wrong
/// with one is said of that one.
///
/// # Errors
/// What is no archive.
pub fn read(text: &[u8]) -> Result<Vec<Placed>, serde_json::Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let archive: Archive = serde_json::from_slice(text)?;
    let asked = |(_, recorded): &(usize, Recorded)| !is_local(&recorded.request.url);
    let entries = archive.log.entries.into_iter().enumerate().filter(asked);
    Ok(entries
        .map(|(at, recorded)| (at, entry(recorded)))
        .collect())
}

/// What browsers record of their own: pictures within pages, parts of extensions.
fn is_local(url: &str) -> bool {
    const LOCAL: &[&str] = &[
        "data",
        "blob",
        "about",
        "file",
        "chrome",
        "chrome-extension",
        "moz-extension",
        "safari-web-extension",
        "devtools",
    ];
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    LOCAL.contains(&scheme.to_ascii_lowercase().as_str())
}

fn entry(recorded: Recorded) -> Result<Entry, String> {
    let Recorded { request, response } = recorded;
    // Browsers leave out what they do not hold as text.
    let has_body = request.body_size <= 0 || request.post_data.is_some();
    let (_, rest) = request
        .url
        .split_once("://")
        .ok_or_else(|| format!("`{}` is no absolute URL", request.url))?;
    let slash = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(slash);
    let host = authority.rsplit_once('@').map_or(authority, |both| both.1);
    let target = target.split('#').next().unwrap_or_default();
    let target = match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("/{target}"),
    };
    let mut headers = lines(&request.headers);
    if header(&headers, "host").is_none() {
        headers.insert(0, (b"Host".to_vec(), host.as_bytes().to_vec()));
    }
    let mut body = Vec::new();
    if let Some(data) = request.post_data {
        if header(&headers, "content-type").is_none() && !data.mime_type.is_empty() {
            let kind = data.mime_type.clone().into_bytes();
            headers.push((b"Content-Type".to_vec(), kind));
        }
        let kind = header(&headers, "content-type").unwrap_or_default();
        body = data.bytes(&String::from_utf8_lossy(kind))?;
    }
    let version = match request.http_version.to_ascii_lowercase().as_str() {
        "h2" | "http/2" | "http/2.0" => "HTTP/2.0",
        "http/1.0" => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    let response = match response {
        // Status 0: there was no answer.
        Some(received) if received.status > 0 => Some(answer(received)?),
        _ => None,
    };
    Ok(Entry {
        url: request.url,
        exchange: Exchange {
            application: String::new(),
            method: request.method.into_bytes(),
            target: target.into_bytes(),
            version: version.into(),
            headers,
            body,
            response,
        },
        has_body,
    })
}

fn answer(received: Received) -> Result<Answer, String> {
    let status = received.status;
    Ok(Answer {
        status: u16::try_from(status).map_err(|_| format!("{status} is no status"))?,
        headers: lines(&received.headers),
        body: match received.content {
            Some(content) => content.bytes("")?,
            None => Vec::new(),
        },
    })
}

type Lines = Vec<(Vec<u8>, Vec<u8>)>;

fn lines(headers: &[Field]) -> Lines {
    headers
        .iter()
        .filter(|header| !header.name.is_empty() && !header.name.starts_with(':'))
        .filter(|header| !header.name.eq_ignore_ascii_case("content-encoding"))
        .map(|header| (header.name.clone().into_bytes(), header.value().into()))
        .collect()
}

fn header<'a>(headers: &'a Lines, wanted: &str) -> Option<&'a [u8]> {
    let is = |name: &[u8]| name.eq_ignore_ascii_case(wanted.as_bytes());
    let found = headers.iter().find(|(name, _)| is(name));
    found.map(|(_, value)| value.as_slice())
}

impl Field {
    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

impl Content {
    /// The text where there is one, else what the parameters become in the media type.
    fn bytes(self, kind: &str) -> Result<Vec<u8>, String> {
        if self.encoding.eq_ignore_ascii_case("base64") {
            return BASE64_STANDARD
                .decode(self.text.as_bytes())
                .map_err(|error| format!("the content is no base64: {error}"));
        }
        if !self.text.is_empty() || self.params.is_empty() {
            return Ok(self.text.into_bytes());
        }
        if kind.to_ascii_lowercase().starts_with("multipart/") {
            let boundary = kind
                .split(';')
                .filter_map(|piece| piece.trim().split_once('='))
                .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
                .map(|(_, value)| value.trim_matches('"'))
                .ok_or("postData: its media type has no boundary")?;
            return Ok(multipart(&self.params, boundary).into_bytes());
        }
        let pairs: Vec<String> = self
            .params
            .iter()
            .map(|field| {
                let name = percent_encoded(field.name.as_bytes());
                format!("{name}={}", percent_encoded(field.value().as_bytes()))
            })
            .collect();
        Ok(pairs.join("&").into_bytes())
    }
}

/// RFC 7578
fn multipart(fields: &[Field], boundary: &str) -> String {
    let mut body = String::new();
    for field in fields {
        let file = field
            .file_name
            .as_ref()
            .map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        let kind = field
            .content_type
            .as_ref()
            .map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n{kind}\r\n{}\r\n",
            field.name,
            field.value()
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    body
}

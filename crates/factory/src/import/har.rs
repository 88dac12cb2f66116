//! HTTP Archive 1.2: what browsers' developer tools and proxies save.
//!
//! Source: HTTP Archive (HAR) format, W3C Web Performance. Fields that are not asked here
//! are not read. A recording is one exploit: its requests, in their order. What only
//! loads a page (pictures, fonts, styles, scripts) is no part of it, and told.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patch::document::{Severity, Vulnerability};
use patch::{Request, percent_encoded};
use serde::Deserialize;

use super::target::Target;
use super::{Imported, Importer, Options, Outcome, stem};
use crate::{Description, Exploit, Limits, Step};

/// `har`
pub(super) const IMPORTER: Importer = Importer {
    kind: "har",
    summary: "HTTP Archive 1.2: one exploit, recorded; static resources are left out",
    suffixes: &["har"],
    read,
};

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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Field>,
    post_data: Option<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(default)]
    value: String,
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

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let id = stem(name);
    let (steps, loaded) = match steps(text, name, &options.limits) {
        Ok(found) => found,
        Err(reason) => return vec![Imported::rejected(id, reason)],
    };
    let mut found = Vec::new();
    if loaded > 0 {
        found.push(Imported {
            id: id.clone(),
            outcome: Outcome::Needless(format!(
                "{name}: {loaded} of its requests fetch static resources and are no part of the exploit"
            )),
        });
    }
    let description = Description {
        title: format!("the recorded requests of {id}"),
        id,
        severity: Severity::High,
        vulnerability: Vulnerability::default(),
        hints: Vec::new(),
        notes: Vec::new(),
        source: name.to_owned(),
        exploits: vec![Exploit {
            name: "recorded".to_owned(),
            stage: 0,
            steps,
        }],
    };
    found.push(Imported::synthesised(&description, options));
    found
}

/// The requests, and how many were left out.
fn steps(text: &str, name: &str, limits: &Limits) -> Result<(Vec<Step>, usize), String> {
    let text = text.trim_start_matches('\u{feff}');
    let archive: Archive = serde_json::from_str(text)
        .map_err(|error| format!("{name}:{}: this is no HTTP Archive: {error}", error.line()))?;
    let all = archive.log.entries.len();
    let mut steps = Vec::new();
    for (at, entry) in archive.log.entries.into_iter().enumerate() {
        let at_entry = |why| format!("{name}: entry {at}: {why}");
        let request = request(entry.request).map_err(at_entry)?;
        if is_static(&request) {
            continue;
        }
        if steps.len() == limits.steps {
            return Err(at_entry(format!(
                "more than {} requests; keep those that exploit something",
                limits.steps
            )));
        }
        if request.target.len() + request.body.len() > limits.request_bytes {
            let bound = limits.request_bytes;
            return Err(at_entry(format!("a request of more than {bound} bytes")));
        }
        steps.push(Step::of(request));
    }
    match steps.is_empty() {
        true => Err(format!(
            "{name}: none of its {all} entries asks for more than a static resource"
        )),
        false => {
            let loaded = all - steps.len();
            Ok((steps, loaded))
        }
    }
}

fn request(sent: Sent) -> Result<Request, String> {
    let url = Target::of(&sent.url)?;
    // HTTP/2 has pseudo headers, which tools write among the others.
    let named = |name: &str| !name.is_empty() && !name.starts_with(':') && !frames(name);
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = sent
        .headers
        .iter()
        .filter(|header| named(&header.name))
        .map(|header| {
            (
                header.name.clone().into_bytes(),
                header.value.clone().into_bytes(),
            )
        })
        .collect();
    let has = |headers: &[(Vec<u8>, Vec<u8>)], wanted: &[u8]| {
        headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if !has(&headers, b"host") {
        headers.insert(0, (b"Host".to_vec(), url.host.clone().into_bytes()));
    }
    let mut body = Vec::new();
    if let Some(data) = sent.post_data {
        if !has(&headers, b"content-type") && !data.mime_type.is_empty() {
            headers.push((
                b"Content-Type".to_vec(),
                data.mime_type.clone().into_bytes(),
            ));
        }
        let kind = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
            .map_or_else(String::new, |(_, kind)| {
                String::from_utf8_lossy(kind).into_owned()
            });
        body = data.bytes(&kind)?;
    }
    Ok(Request {
        method: sent.method.into_bytes(),
        target: url.target.into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers,
        body,
        chunked: false,
    })
}

/// Headers that follow from the body.
fn frames(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

impl Content {
    /// The text where there is one, else what the parameters become.
    fn bytes(self, kind: &str) -> Result<Vec<u8>, String> {
        if self.encoding.eq_ignore_ascii_case("base64") {
            return BASE64_STANDARD
                .decode(self.text.as_bytes())
                .map_err(|error| format!("postData.text: {error}"));
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
                format!("{name}={}", percent_encoded(field.value.as_bytes()))
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
            field.name, field.value
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    body
}

/// Whether a page's picture, font, style or script is fetched, by a path in which nothing
/// can hide.
fn is_static(request: &Request) -> bool {
    const SUFFIXES: &[&str] = &[
        "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico",
        "woff", "woff2", "ttf", "otf", "eot", "mp4", "webm", "mp3",
    ];
    let Ok(target) = std::str::from_utf8(&request.target) else {
        return false;
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plain = |text: &str, more: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
    };
    let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    request.method == b"GET"
        && request.body.is_empty()
        && !path.contains("..")
        && plain(path, "/-_.~@+")
        // Such as a version.
        && plain(query, "=.-_")
        && SUFFIXES.contains(&suffix.to_ascii_lowercase().as_str())
}

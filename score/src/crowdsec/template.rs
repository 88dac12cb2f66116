//! The part of nuclei's templates that these tests use, read apart from the importer: what
//! measures the patches must not have made them.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patch::Request;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{Block, Expected};

const HOST: &str = "target.example.net";

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default, alias = "requests")]
    http: Vec<Http>,
}

#[derive(Deserialize)]
struct Http {
    #[serde(default)]
    raw: Vec<String>,
    method: Option<String>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    payloads: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    matchers: Vec<Matcher>,
}

#[derive(Deserialize)]
struct Matcher {
    #[serde(default)]
    dsl: Vec<String>,
    #[serde(default)]
    status: Vec<Value>,
}

pub(super) fn blocks(text: &str) -> anyhow::Result<Vec<Block>> {
    let template: Template =
        serde_saphyr::from_str(text).map_err(|error| anyhow!("{}", error.without_snippet()))?;
    template
        .http
        .iter()
        .map(|http| {
            let mut names: BTreeMap<&str, &str> = BTreeMap::new();
            for (name, value) in &template.variables {
                names.insert(name, value);
            }
            for (name, values) in &http.payloads {
                names.insert(name, values.first().map_or("", String::as_str));
            }
            Ok(Block {
                requests: http.requests(&names)?,
                expected: http.expected()?,
            })
        })
        .collect()
}

impl Http {
    fn requests(&self, names: &BTreeMap<&str, &str>) -> anyhow::Result<Vec<Request>> {
        let render = |text: &str| rendered(text, names, 0);
        let parsed = |raw: &[u8]| {
            Request::from_raw(raw)
                .map(sent)
                .map_err(|error| anyhow!(error))
        };
        if !self.raw.is_empty() {
            return self
                .raw
                .iter()
                .map(|raw| {
                    // Annotations stand before the request line.
                    let raw = raw.trim_start();
                    let lines: Vec<&str> = raw
                        .lines()
                        .skip_while(|line| line.starts_with('@'))
                        .collect();
                    let raw = render(&lines.join("\n"))?;
                    parsed(&crlf(&raw))
                })
                .collect();
        }
        let method = self.method.as_deref().unwrap_or("GET");
        self.path
            .iter()
            .map(|path| {
                let path = String::from_utf8_lossy(&render(path)?).into_owned();
                let target = path
                    .strip_prefix(&format!("http://{HOST}"))
                    .unwrap_or(&path);
                let target = match target.replace(' ', "%20") {
                    target if target.is_empty() => "/".to_owned(),
                    target => target,
                };
                let mut raw =
                    format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n").into_bytes();
                for (name, value) in &self.headers {
                    raw.extend_from_slice(format!("{name}: ").as_bytes());
                    raw.extend_from_slice(&render(value)?);
                    raw.extend_from_slice(b"\r\n");
                }
                raw.extend_from_slice(b"\r\n");
                if let Some(body) = &self.body {
                    raw.extend_from_slice(&render(body)?);
                }
                parsed(&raw)
            })
            .collect()
    }

    fn expected(&self) -> anyhow::Result<Expected> {
        let status = Regex::new(r"status_code_(\d+)\s*==\s*(\d+)")?;
        let mut each = Vec::new();
        for text in self.matchers.iter().flat_map(|matcher| &matcher.dsl) {
            let found = status
                .captures(text)
                .with_context(|| format!("`{text}` says nothing of a status"))?;
            let number = |at: usize| -> Option<usize> { found.get(at)?.as_str().parse().ok() };
            let (Some(request @ 1..), Some(code)) = (number(1), number(2)) else {
                bail!("`{text}` names no request");
            };
            each.push((request - 1, code == 403));
        }
        let blocks = self
            .matchers
            .iter()
            .flat_map(|matcher| &matcher.status)
            .any(|status| status.as_u64() == Some(403));
        match (each.is_empty(), blocks) {
            (false, _) => Ok(Expected::Each(each)),
            (true, true) => Ok(Expected::Some),
            (true, false) => bail!("its matchers expect no block"),
        }
    }
}

/// As the scanner's HTTP client sends it: with a user agent, unless one that is empty keeps it
/// from saying any.
fn sent(mut request: Request) -> Request {
    let is_agent = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"user-agent");
    match request.headers.iter().find(|header| is_agent(header)) {
        None => request
            .headers
            .push((b"User-Agent".to_vec(), b"Mozilla/5.0".to_vec())),
        Some((_, value)) if value.is_empty() => request.headers.retain(|header| !is_agent(header)),
        Some(_) => {}
    }
    request
}

/// The head's lines end as HTTP says; the body stays, but for the line break that YAML adds.
fn crlf(raw: &[u8]) -> Vec<u8> {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let end = raw
        .windows(2)
        .position(|two| two == b"\n\n")
        .unwrap_or(raw.len());
    let (head, body) = raw.split_at(end);
    let mut out = Vec::with_capacity(raw.len() + 64);
    for line in head.split(|&byte| byte == b'\n') {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    let body = body.get(2..).unwrap_or_default();
    // Templates write multipart bodies with bare line feeds, which browsers do not send.
    match head
        .windows(10)
        .any(|part| part.eq_ignore_ascii_case(b"multipart/"))
    {
        true => {
            for (at, line) in body.split(|&byte| byte == b'\n').enumerate() {
                if at > 0 {
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(line);
            }
        }
        false => out.extend_from_slice(body),
    }
    out
}

/// Text with its `{{…}}` evaluated; what is no expression stays.
fn rendered(text: &str, names: &BTreeMap<&str, &str>, depth: usize) -> anyhow::Result<Vec<u8>> {
    if depth > 8 {
        bail!("variables name each other in a circle");
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.extend_from_slice(before.as_bytes());
        let Some((inner, tail)) = after.split_once("}}") else {
            rest = after;
            out.extend_from_slice(b"{{");
            continue;
        };
        match evaluated(inner.trim(), names, depth)? {
            Some(value) => {
                out.extend_from_slice(&value);
                rest = tail;
            }
            // Not an expression: an attack may hold braces.
            None => {
                out.extend_from_slice(b"{{");
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn evaluated(
    text: &str,
    names: &BTreeMap<&str, &str>,
    depth: usize,
) -> anyhow::Result<Option<Vec<u8>>> {
    let fixed = match text {
        "Hostname" | "Host" => Some(HOST.to_owned()),
        "BaseURL" | "RootURL" => Some(format!("http://{HOST}")),
        "randstr" => Some("q7KdPwXz".to_owned()),
        "interactsh-url" => Some("c9x2.callback.example".to_owned()),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return Ok(Some(fixed.into_bytes()));
    }
    if let Some(value) = names.get(text) {
        return rendered(value, names, depth + 1).map(Some);
    }
    let Some((function, argument)) = text.strip_suffix(')').and_then(|text| text.split_once('('))
    else {
        return Ok(None);
    };
    let argument = argument.trim();
    let quoted = argument
        .strip_prefix(['\'', '"'])
        .and_then(|inner| inner.strip_suffix(['\'', '"']));
    let value = match (quoted, names.get(argument)) {
        (Some(text), _) => rendered(text, names, depth + 1)?,
        (None, Some(text)) => rendered(text, names, depth + 1)?,
        (None, None) => Vec::new(),
    };
    Ok(Some(match function {
        "base64" => BASE64_STANDARD.encode(value).into_bytes(),
        "base64_decode" => BASE64_STANDARD.decode(value)?,
        "rand_int" => b"481516".to_vec(),
        "rand_base" => b"w3Tq9z".to_vec(),
        // What such a gadget begins with: a serialised java.util.HashMap.
        "generate_java_gadget" => {
            let stream =
                b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1";
            BASE64_STANDARD.encode(stream).into_bytes()
        }
        _ => return Ok(None),
    }))
}

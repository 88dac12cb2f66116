//! A request taken apart: where which value stands.

use engine::body::percent;
use patch::Request;
use patch::document::{Member, Place, PlaceKind};

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// Where a rule would look for it.
    pub(super) place: Place,
    /// As the application gets it: decoded once.
    pub(super) value: Vec<u8>,
}

impl Part {
    fn new(kind: PlaceKind, name: Option<&str>, value: Vec<u8>) -> Self {
        let member = name.map(|name| Member::Name(name.to_owned()));
        Self {
            place: Place { kind, member },
            value,
        }
    }

    /// A whole body.
    pub(super) fn body(value: Vec<u8>) -> Self {
        Self::new(PlaceKind::Body, None, value)
    }

    /// The name of the parameter, header or cookie.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.place.member {
            Some(Member::Name(name)) => Some(name),
            _ => None,
        }
    }
}

/// Headers that say how the message is carried, not what it asks.
const CARRIAGE: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "pragma",
    "upgrade-insecure-requests",
    "cookie",
];

/// The path of a target, without its query.
pub(super) fn path(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|&byte| byte == b'?');
    target.get(..end.unwrap_or(target.len())).unwrap_or(target)
}

fn query(target: &[u8]) -> &[u8] {
    match target.iter().position(|&byte| byte == b'?') {
        Some(mark) => target.get(mark + 1..).unwrap_or_default(),
        None => &[],
    }
}

/// All values of a request but the path's, in the order in which they stand.
pub(super) fn parts(request: &Request) -> Vec<Part> {
    let mut parts = Vec::new();
    for (name, value) in pairs(query(&request.target)) {
        parts.push(Part::new(PlaceKind::Query, Some(&name), value));
    }
    for (name, value) in &request.headers {
        let name = String::from_utf8_lossy(name);
        let lower = name.to_ascii_lowercase();
        // A host's name that is none carries something else.
        let host = lower == "host" && value.iter().any(|byte| b" ;|&`$'\"<(".contains(byte));
        if host || !CARRIAGE.contains(&lower.as_str()) {
            parts.push(Part::new(PlaceKind::Header, Some(&name), value.clone()));
        }
        if lower == "authorization" {
            let opened = super::credentials::opened(value).into_iter();
            parts.extend(opened.map(|text| Part::new(PlaceKind::Credentials, None, text)));
        }
        if lower == "cookie" {
            for pair in value.split(|&byte| byte == b';') {
                let (name, value) = halves(pair.trim_ascii(), b'=');
                let name = String::from_utf8_lossy(name);
                parts.push(Part::new(PlaceKind::Cookie, Some(&name), value.to_vec()));
            }
        }
    }
    if !request.body.is_empty() {
        body(request, &mut parts);
    }
    // What has no name is seen where the whole is.
    for part in &mut parts {
        if part.place.kind == PlaceKind::Query && part.name() == Some("") {
            *part = Part::new(
                PlaceKind::QueryString,
                None,
                std::mem::take(&mut part.value),
            );
        }
    }
    parts.retain(|part| part.name() != Some(""));
    parts
}

fn body(request: &Request, parts: &mut Vec<Part>) {
    let media = request.media_type();
    let first = request.body.trim_ascii_start().first();
    if media.starts_with("multipart/") {
        super::multipart::parts(&request.body, parts);
    } else if media.contains("json") || matches!(first, Some(b'{' | b'[')) {
        match serde_json::from_slice(&request.body) {
            Ok(value) => json(&value, &mut String::new(), parts),
            Err(_) => parts.push(Part::body(request.body.clone())),
        }
    } else if media == "application/x-www-form-urlencoded" && first == Some(&b'<') {
        // What is cut at `=` and `&` there are no fields.
        parts.push(Part::body(request.body.clone()));
    } else if media == "application/x-www-form-urlencoded" {
        for (name, value) in pairs(&request.body) {
            parts.push(Part::new(PlaceKind::Form, Some(&name), value));
        }
    } else {
        if first == Some(&b'<') {
            xml(&request.body, parts);
        }
        parts.push(Part::body(request.body.clone()));
    }
}

/// Texts of elements and values of attributes, name spaces left out.
fn xml(body: &[u8], parts: &mut Vec<Part>) {
    let mut rest = body;
    while let Some(open) = rest.iter().position(|&byte| byte == b'<') {
        let (text, tag) = rest.split_at(open);
        if !text.trim_ascii().is_empty() {
            parts.push(Part::new(PlaceKind::Xml, None, text.trim_ascii().to_vec()));
        }
        let close = tag.iter().position(|&byte| byte == b'>');
        let (tag, after) = tag.split_at(close.map_or(tag.len(), |close| close + 1));
        attributes(tag, parts);
        rest = after;
    }
}

fn attributes(tag: &[u8], parts: &mut Vec<Part>) {
    if matches!(tag, [b'<', b'?' | b'!', ..]) {
        return;
    }
    let mut pieces = tag.split(|byte| matches!(byte, b'"' | b'\''));
    while let (Some(before), Some(value)) = (pieces.next(), pieces.next()) {
        let name = before.trim_ascii().strip_suffix(b"=").unwrap_or_default();
        let name = name
            .rsplit(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        let of_xml = name.starts_with(b"xmlns")
            || name.starts_with(b"xsi:")
            || name.ends_with(b"encodingStyle");
        if !name.is_empty() && !of_xml {
            parts.push(Part::new(PlaceKind::XmlAttributes, None, value.to_vec()));
        }
    }
}

/// Leaves by path; what stands in a list is at any index.
fn json(value: &serde_json::Value, path: &mut String, parts: &mut Vec<Part>) {
    use serde_json::Value as V;
    let mut below = |step: &str, value: &V| {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(step);
        json(value, path, parts);
        path.truncate(length);
    };
    match value {
        V::Object(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
        V::Array(items) => items.iter().for_each(|value| below("*", value)),
        leaf => {
            let text = match leaf {
                V::String(text) => text.clone(),
                other => other.to_string(),
            };
            let name = (!path.is_empty()).then_some(path.as_str());
            parts.push(Part::new(PlaceKind::Json, name, text.into_bytes()));
        }
    }
}

/// Names and values of an urlencoded text, decoded.
pub(super) fn pairs(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    text.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = halves(pair, b'=');
            let name = String::from_utf8_lossy(&percent::form_decoded(name)).into_owned();
            (name, percent::form_decoded(value))
        })
        .collect()
}

fn halves(pair: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match pair.iter().position(|&byte| byte == mark) {
        Some(at) => {
            let (name, value) = pair.split_at(at);
            (name, value.get(1..).unwrap_or_default())
        }
        None => (pair, &[]),
    }
}

//! The parts of a request that evasions change, wherever they stand.

use std::cell::Cell;

use engine::body::percent;
use serde_json::Value;

use super::{multipart, xml};
use crate::request::{Request, percent_encoded};

/// The target's path and its query with the `?`.
pub(super) fn split(target: &[u8]) -> (&[u8], &[u8]) {
    let mark = target.iter().position(|&byte| byte == b'?');
    target.split_at(mark.unwrap_or(target.len()))
}

/// The path of a target in origin form changed.
pub(super) fn with_path(request: &Request, change: fn(&[u8]) -> Vec<u8>) -> Request {
    let (path, query) = split(&request.target);
    match path.first() {
        // Another first byte would name another host.
        Some(b'/') => with_target(request, [&change(path), query].concat()),
        _ => request.clone(),
    }
}

/// Another target.
pub(super) fn with_target(request: &Request, target: Vec<u8>) -> Request {
    Request {
        target,
        ..request.clone()
    }
}

/// Another body.
pub(super) fn with_body(request: &Request, body: Vec<u8>) -> Request {
    Request {
        body,
        ..request.clone()
    }
}

/// Whether the body is an urlencoded form.
pub(super) fn is_form(request: &Request) -> bool {
    !request.body.is_empty() && request.media_type() == "application/x-www-form-urlencoded"
}

/// Whether the body is JSON.
pub(super) fn json(request: &Request) -> Option<Value> {
    let kind = request.media_type();
    // JSON passes as text, too, as one of the evasions has it.
    if !(kind.contains("json") || kind == "text/plain") {
        return None;
    }
    serde_json::from_slice(&request.body).ok()
}

/// Query and form with each parameter, as it is written, changed.
pub(super) fn with_written(request: &Request, change: fn(&[u8], &[u8]) -> Vec<u8>) -> Request {
    let change = |text: &[u8]| {
        let pairs = pairs(text).map(|(name, value)| change(name, value));
        pairs.collect::<Vec<_>>().join(&b'&')
    };
    with_urlencoded(request, &change)
}

/// Query and form changed as a whole.
pub(super) fn with_urlencoded(request: &Request, change: &dyn Fn(&[u8]) -> Vec<u8>) -> Request {
    let mut changed = request.clone();
    if let (path, [b'?', query @ ..]) = split(&request.target)
        && !query.is_empty()
    {
        changed.target = [path, b"?", &change(query)].concat();
    }
    if is_form(request) {
        changed.body = change(&request.body);
    }
    changed
}

/// Every value that is concerned changed, decoded, wherever it stands. Words are left as
/// they are where other values could carry the attack.
pub(super) fn with_values(
    request: &Request,
    concerns: fn(&[u8]) -> bool,
    change: fn(&[u8]) -> Vec<u8>,
) -> Request {
    let loaded = Cell::new(false);
    let look = |value: &[u8]| {
        loaded.set(loaded.get() || !is_word(value));
        value.to_vec()
    };
    rewritten(request, &look);
    let loaded = loaded.get();
    rewritten(
        request,
        &|value| match concerns(value) && !(loaded && is_word(value)) {
            true => change(value),
            false => value.to_vec(),
        },
    )
}

fn is_word(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

type Rewrite<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Every value put through a function; what comes back unchanged stays as it is written.
fn rewritten(request: &Request, change: Rewrite<'_>) -> Request {
    let encoded = |name: &[u8], value: &[u8]| {
        let plain = percent::form_decoded(value);
        match change(&plain) {
            same if same == plain => [name, b"=", value].concat(),
            new => [name, b"=", percent_encoded(&new).as_bytes()].concat(),
        }
    };
    let parameters = |text: &[u8]| {
        let pairs = pairs(text).map(|(name, value)| match value {
            // Nothing stands behind a name alone.
            b"" => name.to_vec(),
            value => encoded(name, value),
        });
        pairs.collect::<Vec<_>>().join(&b'&')
    };
    let mut changed = with_urlencoded(request, &parameters);
    segments(&mut changed, change);
    for (name, value) in &mut changed.headers {
        header(name, value, change);
    }
    if let Some(value) = json(request) {
        let new = json_strings(&value, change);
        if new != value {
            changed.body = serde_json::to_vec(&new).unwrap_or_default();
        }
    } else if let Some(mut parts) = multipart::Parts::read(request) {
        for part in &mut parts.parts {
            part.body = change(&part.body);
        }
        changed.body = parts.write();
    } else if xml::is_xml(request) {
        changed.body = xml::with_texts(&request.body, change);
    } else if !is_form(request) && !request.body.is_empty() {
        changed.body = change(&request.body);
    }
    changed
}

/// Segments of the path that hold what a path cannot hold as it is.
fn segments(request: &mut Request, change: Rewrite<'_>) {
    let (path, query) = split(&request.target);
    let segments = path.split(|&byte| byte == b'/').map(|segment| {
        if !segment.contains(&b'%') {
            return segment.to_vec();
        }
        let plain = percent::decoded(segment);
        match change(&plain) {
            same if same == plain => segment.to_vec(),
            new => percent_encoded(&new).into_bytes(),
        }
    });
    let path = segments.collect::<Vec<_>>().join(&b'/');
    request.target = [&path, query].concat();
}

/// Cookies' values, and those of headers that have no part in HTTP itself.
fn header(name: &[u8], value: &mut Vec<u8>, change: Rewrite<'_>) {
    let name = name.to_ascii_lowercase();
    let new = match &*name {
        b"cookie" => {
            let pairs = value.split(|&byte| byte == b';').map(|pair| {
                let equals = pair.iter().position(|&byte| byte == b'=');
                let (name, value) = pair.split_at(equals.map_or(pair.len(), |at| at + 1));
                match change(value) {
                    new if new.contains(&b';') => pair.to_vec(),
                    new => [name, &new].concat(),
                }
            });
            pairs.collect::<Vec<_>>().join(&b';')
        }
        b"referer" | b"user-agent" | b"origin" => change(value),
        name if name.starts_with(b"x-") => change(value),
        _ => return,
    };
    // It would end the header.
    if !new.iter().any(|byte| b"\r\n\0".contains(byte)) {
        *value = new;
    }
}

fn json_strings(value: &Value, change: Rewrite<'_>) -> Value {
    match value {
        Value::String(text) => match String::from_utf8(change(text.as_bytes())) {
            Ok(text) => Value::String(text),
            Err(_) => value.clone(),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| json_strings(item, change))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), json_strings(member, change)))
            .collect(),
        other => other.clone(),
    }
}

/// Names and values of an urlencoded string, still encoded.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'&').map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=');
        match at {
            Some(at) => (
                pair.get(..at).unwrap_or_default(),
                pair.get(at + 1..).unwrap_or_default(),
            ),
            None => (pair, &b""[..]),
        }
    })
}

/// Letters in the other case.
pub(super) fn swapped(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .map(|byte| match byte.is_ascii_lowercase() {
            true => byte.to_ascii_uppercase(),
            false => byte.to_ascii_lowercase(),
        })
        .collect()
}

/// Every byte written as something.
pub(super) fn every(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|&byte| write(byte).into_bytes())
        .collect()
}

/// Letters written as something, the rest as it is.
pub(super) fn letters(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte.is_ascii_alphabetic() {
            true => result.extend_from_slice(write(byte).as_bytes()),
            false => result.push(byte),
        }
    }
    result
}

/// Every `from` becomes `to`.
pub(super) fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        match rest.strip_prefix(from.as_bytes()) {
            Some(tail) if !from.is_empty() => {
                result.extend_from_slice(to.as_bytes());
                rest = tail;
            }
            _ => {
                result.push(byte);
                rest = after;
            }
        }
    }
    result
}

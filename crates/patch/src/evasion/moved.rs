//! Parameters in another place: query, form, multipart, JSON, cookies.

use serde_json::Value;

use super::Variants;
use super::query::{decoded, pairs};
use crate::document::Query;
use crate::request::{Request, multipart, percent_encoded, urlencoded};

/// Where parameters may stand: its name, and the request with them there.
type Place = (&'static str, fn(Request, &Query) -> Request);

const PLACES: &[Place] = &[
    ("the query", |request, fields| in_query(request, fields)),
    ("a form", |request, fields| {
        let body = urlencoded(fields).into_bytes();
        with(request, FORM, body)
    }),
    ("a form in chunks", |request, fields| Request {
        chunked: true,
        ..with(request, FORM, urlencoded(fields).into_bytes())
    }),
    ("multipart", |request, fields| {
        let (kind, body) = multipart(fields);
        with(request, &kind, body)
    }),
    ("JSON", |request, fields| {
        let body = serde_json::to_vec(fields).unwrap_or_default();
        with(request, "application/json", body)
    }),
    ("cookies", |request, fields| {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value.as_bytes())))
            .collect();
        let mut request = without(request);
        request.set_header("Cookie", &pairs.join("; "));
        request
    }),
    ("the body of a GET", |request, fields| Request {
        method: b"GET".to_vec(),
        ..with(request, FORM, urlencoded(fields).into_bytes())
    }),
];

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn vary(found: &mut Variants<'_>) {
    let original = found.original.clone();
    let Some((from, fields)) = parameters(&original) else {
        return;
    };
    for (to, place) in PLACES.iter().filter(|(to, _)| *to != from) {
        let moved = match from {
            // The query goes with its parameters.
            "the query" => place(at_path(&original), &fields),
            _ => place(original.clone(), &fields),
        };
        found.add(&format!("{from} moved to {to}"), moved);
    }
}

/// Where the parameters are, and what they are called and say; later ones of a name count.
fn parameters(request: &Request) -> Option<(&'static str, Query)> {
    let read = |text: &[u8]| -> Query {
        pairs(text)
            .map(|(name, value)| (string(&decoded(name)), string(&decoded(value))))
            .collect()
    };
    let kind = request.media_type();
    if request.body.is_empty() {
        let mark = request.target.iter().position(|&byte| byte == b'?')?;
        return Some(("the query", read(request.target.get(mark + 1..)?)));
    }
    if kind == FORM {
        return Some(("a form", read(&request.body)));
    }
    if kind.contains("json") {
        let Ok(Value::Object(members)) = serde_json::from_slice(&request.body) else {
            return None;
        };
        let fields = members.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            // Lists are written as most frameworks read them.
            Value::Array(items) => (
                format!("{name}[]"),
                items.first().map(scalar).unwrap_or_default(),
            ),
            other => (name, scalar(&other)),
        });
        return Some(("JSON", fields.collect()));
    }
    None
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn in_query(request: Request, fields: &Query) -> Request {
    let mut request = without(request);
    let joint = match request.target.contains(&b'?') {
        true => b'&',
        false => b'?',
    };
    request.target.push(joint);
    request
        .target
        .extend_from_slice(urlencoded(fields).as_bytes());
    request
}

/// Without query.
fn at_path(request: &Request) -> Request {
    let target = &request.target;
    let end = target.iter().position(|&byte| byte == b'?');
    Request {
        target: target
            .get(..end.unwrap_or(target.len()))
            .unwrap_or_default()
            .to_vec(),
        ..request.clone()
    }
}

/// Without body; the method stays.
fn without(request: Request) -> Request {
    Request {
        body: Vec::new(),
        chunked: false,
        ..request
    }
}

/// With a body, and a method that may have one.
fn with(request: Request, kind: &str, body: Vec<u8>) -> Request {
    let method = match &*request.method {
        b"GET" | b"HEAD" => b"POST".to_vec(),
        _ => request.method.clone(),
    };
    let mut request = Request {
        method,
        body,
        ..request
    };
    request.set_header("Content-Type", kind);
    request
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

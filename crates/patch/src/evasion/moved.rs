//! Parameters in another place: query, form, multipart, JSON, cookies.

use engine::body::percent;
use serde_json::Value;

use super::catalogue::{Evasion, Group};
use super::fields::{is_form, json, pairs, split};
use super::multipart::Parts;
use crate::document::Query;
use crate::request::{Request, multipart, percent_encoded, urlencoded};

const EITHER: &str = "frameworks that merge parameters of all places";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) const ALL: &[Evasion] = &[
    moved("parameters moved to the query", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        (from != From::Query).then(|| in_query(request, &fields))
    }),
    moved("parameters moved to a form", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        (from != From::Form).then(|| in_form(&rest(request, from), &fields))
    }),
    moved("parameters moved to a form in chunks", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        Some(Request {
            chunked: true,
            ..in_form(&rest(request, from), &fields)
        })
    }),
    moved("parameters moved to multipart", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        let (kind, body) = multipart(&fields);
        (from != From::Multipart).then(|| with(&rest(request, from), &kind, body))
    }),
    moved("parameters moved to JSON", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        let body = serde_json::to_vec(&fields).ok()?;
        (from != From::Json).then(|| with(&rest(request, from), "application/json", body))
    }),
    moved("parameters moved to cookies", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encoded(value.as_bytes())))
            .collect();
        let mut request = without_body(&rest(request, from));
        request.set_header("Cookie", &pairs.join("; "));
        Some(request)
    }),
    moved("parameters moved to the body of a GET", EITHER, |request| {
        let (from, fields) = parameters(request)?;
        Some(Request {
            method: b"GET".to_vec(),
            ..in_form(&rest(request, from), &fields)
        })
    }),
    moved(
        "parameters in a form, harmless ones in the query",
        "frameworks in which the body comes before the query",
        |request| {
            let (from, fields) = parameters(request)?;
            let harmless: Query = fields
                .keys()
                .map(|name| (name.clone(), "1".to_owned()))
                .collect();
            let form = in_form(&rest(request, from), &fields);
            Some(Request {
                target: in_query(request, &harmless).target,
                ..form
            })
        },
    ),
];

const fn moved(
    name: &'static str,
    reader: &'static str,
    change: fn(&Request) -> Option<Request>,
) -> Evasion {
    Evasion::request(Group::Moved, name, reader, change)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Query,
    Form,
    Multipart,
    Json,
}

/// Where the parameters are, and what they are called and say; later ones of a name count.
fn parameters(request: &Request) -> Option<(From, Query)> {
    let read = |text: &[u8]| -> Query {
        pairs(text)
            .map(|(name, value)| {
                (
                    string(&percent::form_decoded(name)),
                    string(&percent::form_decoded(value)),
                )
            })
            .collect()
    };
    if request.body.is_empty() {
        let query = split(&request.target).1.strip_prefix(b"?")?;
        return Some((From::Query, read(query)));
    }
    if is_form(request) {
        return Some((From::Form, read(&request.body)));
    }
    if let Some(Value::Object(members)) = json(request) {
        let fields = members.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            // Lists are written as most frameworks read them.
            Value::Array(items) => (
                format!("{name}[]"),
                items.first().map(scalar).unwrap_or_default(),
            ),
            other => (name, scalar(&other)),
        });
        return Some((From::Json, fields.collect()));
    }
    let parts = Parts::read(request)?.parts;
    // A file would be none any more.
    let fields: Option<Query> = parts
        .iter()
        .map(|part| Some((part.name()?, string(&part.body))))
        .collect();
    Some((From::Multipart, fields?))
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The query goes with its parameters.
fn rest(request: &Request, from: From) -> Request {
    let target = match from {
        From::Query => split(&request.target).0,
        _ => &request.target,
    };
    Request {
        target: target.to_vec(),
        ..request.clone()
    }
}

fn in_query(request: &Request, fields: &Query) -> Request {
    let mut request = without_body(request);
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

fn in_form(request: &Request, fields: &Query) -> Request {
    with(request, FORM, urlencoded(fields).into_bytes())
}

/// Without body; the method stays.
fn without_body(request: &Request) -> Request {
    Request {
        body: Vec::new(),
        chunked: false,
        ..request.clone()
    }
}

/// With a body, and a method that may have one.
fn with(request: &Request, kind: &str, body: Vec<u8>) -> Request {
    let method = match &*request.method {
        b"GET" | b"HEAD" => b"POST".to_vec(),
        _ => request.method.clone(),
    };
    let mut request = Request {
        method,
        body,
        ..request.clone()
    };
    request.set_header("Content-Type", kind);
    request
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! Requests that are as a contract says, and requests that are not.

use std::collections::BTreeSet;
use std::sync::Arc;

use patch::document::{Case, Cases, Document, Located};
use patch::{Request, Source, percent_encoded, prove};
use serde_json::Value;

use super::contract::{Contract, Operation};
use super::rules::is_json;
use super::shape::{Object, Shape};

/// Cases of one kind that a document holds.
const CASES: usize = 24;
/// A text that hardly any schema allows.
const ODD: &str = "'\"><script>alert(1)</script>;../../x";

/// Requests with their names.
#[derive(Default)]
pub(super) struct Requests {
    benign: Vec<(String, Request)>,
    exploit: Vec<(String, Request)>,
}

/// Requests for every operation; paths and methods that are not in the contract.
pub(super) fn of_paths(base: &str, operations: &[Operation]) -> Requests {
    let mut found = Requests::default();
    for operation in operations {
        let name = format!("{} {}", operation.method, operation.route.template);
        found.benign.push((name, benign(base, operation)));
    }
    found.benign.truncate(CASES);
    let plain = |method: &str, target: String| Request {
        method: method.as_bytes().to_vec(),
        target: target.into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Host".to_vec(), b"app".to_vec())],
        body: Vec::new(),
        chunked: false,
    };
    let unknown = plain("GET", format!("{base}/stopgap-unknown/path"));
    found
        .exploit
        .push(("a path that is not in the contract".to_owned(), unknown));
    let mut seen = BTreeSet::new();
    let first = |operation: &&Operation| seen.insert(operation.route.template.clone());
    for operation in operations.iter().filter(first).take(CASES - 1) {
        let path = format!("{base}{}", operation.route.sample());
        let name = format!("another method at {}", operation.route.template);
        found.exploit.push((name, plain("STOPGAP", path)));
    }
    found
}

/// A request as an operation takes it, and one for each way to be other.
pub(super) fn of_operation(base: &str, operation: &Operation, contract: &Contract) -> Requests {
    let twin = benign(base, operation);
    let mut found = Requests::default();
    let mut unknown = twin.clone();
    add_query(&mut unknown, "stopgap-unknown", "1");
    let mut add = |name: String, request: Request| found.exploit.push((name, request));
    add(
        "a query parameter that is not in the contract".to_owned(),
        unknown,
    );
    for name in contract.query.fields.keys() {
        let mut request = twin.clone();
        replace_query(&mut request, name, ODD);
        add(format!("query {name} of another form"), request);
    }
    for name in contract.headers.fields.keys() {
        let mut request = twin.clone();
        request.set_header(name, ODD);
        add(format!("header {name} of another form"), request);
    }
    if contract.body.kinds.is_empty() {
        let mut request = twin.clone();
        request.set_header("Content-Type", "text/plain");
        request.body = b"unexpected".to_vec();
        add("a body where there is none".to_owned(), request);
    } else {
        let mut request = twin.clone();
        request.set_header("Content-Type", "application/x-stopgap");
        request.body = b"unexpected".to_vec();
        add("a body of another media type".to_owned(), request);
    }
    if let Some((kind, shape)) = operation.allows.body.kinds.iter().next() {
        let (object, listed) = match shape {
            Shape::List(item) => (&**item, true),
            other => (other, false),
        };
        if let Shape::Object(object) = object {
            for (name, body) in others(object) {
                let body = match listed {
                    true => Value::Array(vec![body]),
                    false => body,
                };
                let mut request = twin.clone();
                request.body = written(kind, &body);
                add(name, request);
            }
        }
    }
    found.benign.push((
        format!("{} {}", operation.method, operation.route.template),
        twin,
    ));
    found
}

/// Bodies that are not as a schema says: fields of another form, missing, too many.
fn others(object: &Object) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let sample = Shape::Object(object.clone()).sample();
    let with = |name: &str, value: Option<Value>| {
        let mut body = sample.clone();
        if let Some(fields) = body.as_object_mut() {
            match value {
                Some(value) => fields.insert(name.to_owned(), value),
                None => fields.remove(name),
            };
        }
        body
    };
    found.push((
        "a field that is not in the contract".to_owned(),
        with("stopgapUnknown", Some(Value::Bool(true))),
    ));
    for (name, field) in &object.fields {
        let odd = with(name, Some(Value::String(ODD.to_owned())));
        found.push((format!("field {name} of another form"), odd));
        let nested = serde_json::json!({ "$ne": 1 });
        found.push((
            format!("field {name} as an object"),
            with(name, Some(nested)),
        ));
        if field.required {
            found.push((format!("field {name} missing"), with(name, None)));
        }
    }
    found
}

/// With every parameter, and every field of the body.
fn benign(base: &str, operation: &Operation) -> Request {
    let mut request = Request {
        method: operation.method.as_bytes().to_vec(),
        target: format!("{base}{}", operation.route.sample()).into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Host".to_vec(), b"app".to_vec())],
        body: Vec::new(),
        chunked: false,
    };
    let contract = &operation.allows;
    for (name, field) in &contract.query.fields {
        add_query(&mut request, name, &sample(&field.shape));
    }
    for (name, field) in &contract.headers.fields {
        request.set_header(name, &sample(&field.shape));
    }
    let cookies: Vec<String> = contract
        .cookies
        .fields
        .iter()
        .map(|(name, field)| format!("{name}={}", sample(&field.shape)))
        .collect();
    if !cookies.is_empty() {
        request.set_header("Cookie", &cookies.join("; "));
    }
    if let Some((kind, shape)) = contract.body.kinds.iter().next() {
        let kind = match kind.contains('*') {
            true => "application/octet-stream",
            false => kind,
        };
        let typed = match kind.starts_with("multipart/") {
            true => format!("{kind}; boundary={BOUNDARY}"),
            false => kind.to_owned(),
        };
        request.set_header("Content-Type", &typed);
        request.body = written(kind, &shape.sample());
    }
    request
}

const BOUNDARY: &str = "stopgap-4f1c9a2e";

fn sample(shape: &Shape) -> String {
    match shape.sample() {
        Value::String(text) => text,
        Value::Array(items) => match items.into_iter().next() {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        },
        other => other.to_string(),
    }
}

/// A value as a body of a media type.
fn written(kind: &str, value: &Value) -> Vec<u8> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = || value.as_object().into_iter().flatten();
    if is_json(kind) {
        value.to_string().into_bytes()
    } else if kind == "application/x-www-form-urlencoded" {
        let pairs = fields().map(|(name, value)| {
            let name = percent_encoded(name.as_bytes());
            format!("{name}={}", percent_encoded(text(value).as_bytes()))
        });
        pairs.collect::<Vec<_>>().join("&").into_bytes()
    } else if kind.starts_with("multipart/") {
        let mut body = String::new();
        for (name, value) in fields() {
            body.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n",
                text(value)
            ));
        }
        body.push_str(&format!("--{BOUNDARY}--\r\n"));
        body.into_bytes()
    } else if kind.ends_with("xml") {
        b"<item/>".to_vec()
    } else {
        text(value).into_bytes()
    }
}

fn add_query(request: &mut Request, name: &str, value: &str) {
    let mark = match request.target.contains(&b'?') {
        true => '&',
        false => '?',
    };
    let (name, value) = (
        percent_encoded(name.as_bytes()),
        percent_encoded(value.as_bytes()),
    );
    request
        .target
        .extend_from_slice(format!("{mark}{name}={value}").as_bytes());
}

fn replace_query(request: &mut Request, name: &str, value: &str) {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let encoded = percent_encoded(name.as_bytes());
    let pairs = query.split('&').map(|pair| match pair.split('=').next() {
        Some(known) if known == encoded => {
            format!("{encoded}={}", percent_encoded(value.as_bytes()))
        }
        _ => pair.to_owned(),
    });
    request.target = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&")).into_bytes();
}

/// The cases of a document: all that is as the contract says, and of the rest what the
/// document's rules stop, for a schema may allow anything at a place.
///
/// # Errors
/// The rules do not compile.
pub(super) fn chosen(document: &Document, requests: Requests) -> Result<Cases, String> {
    let source = Source {
        name: document.id.value.clone(),
        document: document.clone(),
    };
    let compiled = patch::compile(&source).map_err(|problem| problem.message)?;
    let plan: Arc<engine::Plan> =
        prove::plan(&source, &compiled).map_err(|problem| problem.message)?;
    let case = |(name, request): (String, Request)| {
        Located::from(Case {
            name,
            request: crate::synthesis::form(&request),
            success: None,
            inert: None,
        })
    };
    let stopped = requests
        .exploit
        .into_iter()
        .filter(|(_, request)| request.exchange("").inspect(&plan).action() != "pass");
    Ok(Cases {
        exploit: stopped.take(CASES).map(case).collect(),
        benign: requests.benign.into_iter().map(case).collect(),
    })
}

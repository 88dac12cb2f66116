//! Requests made of events: what an event holds of a request, in its place again.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use patch::{Request, percent_encoded};
use serde_json::Value;
use wire::{Event, EventMatch};

/// Bytes of one event at most.
const EVENT_BYTES: u64 = 1024 * 1024;

/// Whether a file's first line is an event.
pub(super) fn is_log(path: &Path) -> anyhow::Result<bool> {
    let mut line = String::new();
    // What is no text is no event.
    let read = open(path)?.take(EVENT_BYTES).read_line(&mut line);
    Ok(read.is_ok() && Event::from_line(line.trim()).is_ok())
}

/// The requests in which a patch matched.
pub(super) fn read(path: &Path, patch: &str, requests: &mut Vec<Request>) -> anyhow::Result<()> {
    let mut input = open(path)?;
    for number in 1_u64.. {
        let mut line = String::new();
        if input.by_ref().take(EVENT_BYTES).read_line(&mut line)? == 0 {
            break;
        }
        match Event::from_line(line.trim()) {
            Ok(event) => requests.extend(of(&event, patch)),
            Err(error) => eprintln!("{}:{number}: not read: {error}", path.display()),
        }
    }
    Ok(())
}

/// The request of an event; none: the patch did not match in it.
pub(crate) fn of(event: &Event, patch: &str) -> Option<Request> {
    let own = |found: &&EventMatch| found.patch.as_deref() == Some(patch);
    let matches: Vec<&EventMatch> = event.matches.iter().filter(own).collect();
    (!matches.is_empty()).then(|| request(event, &matches))
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::new(file))
}

fn request(event: &Event, matches: &[&EventMatch]) -> Request {
    let mut request = Request {
        method: event.method.clone().into_bytes(),
        target: event.path.clone().into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Host".to_vec(), event.host.clone().into_bytes())],
        body: Vec::new(),
        chunked: false,
    };
    let mut form = Vec::new();
    let mut json = Value::Null;
    for found in matches {
        let Some((collection, name)) = found.target.split_once(':') else {
            continue;
        };
        match collection {
            "REQUEST_HEADERS" => request.set_header(name, &found.value),
            "REQUEST_COOKIES" => request.set_header("Cookie", &format!("{name}={}", found.value)),
            "ARGS" | "ARGS_POST" => match name.strip_prefix("json.") {
                Some(path) => put(&mut json, path, &found.value),
                // What the path shows is there already.
                None if in_query(&event.path, name) => {}
                None => form.push(format!(
                    "{}={}",
                    percent_encoded(name.as_bytes()),
                    percent_encoded(found.value.as_bytes())
                )),
            },
            _ => {}
        }
    }
    if !json.is_null() {
        request.set_header("Content-Type", "application/json");
        request.body = json.to_string().into_bytes();
    } else if !form.is_empty() {
        request.set_header("Content-Type", "application/x-www-form-urlencoded");
        request.body = form.join("&").into_bytes();
    }
    request
}

fn in_query(target: &str, name: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A text at a path of names.
fn put(value: &mut Value, path: &str, text: &str) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    if !value.is_object() {
        *value = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(members) = value {
        let member = members.entry(name).or_insert(Value::Null);
        match rest {
            "" => *member = Value::from(text),
            rest => put(member, rest, text),
        }
    }
}

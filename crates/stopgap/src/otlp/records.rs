//! The shapes of OTLP 1, as JSON: numbers of 64 bits are texts, ids hexadecimal.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wire::{Action, Event};

/// Who exports.
pub(super) fn resource(service: &str) -> Value {
    json!({ "attributes": [
        attribute("service.name", &service.into()),
        attribute("service.version", &env!("CARGO_PKG_VERSION").into()),
        attribute("process.pid", &std::process::id().into()),
    ] })
}

/// A message of one kind, with all that is told in it.
pub(super) fn message(resource: &Value, kind: Kind, records: &[Value]) -> Value {
    let scope = json!({ "name": "stopgap", "version": env!("CARGO_PKG_VERSION") });
    let (of_resource, of_scope, each) = match kind {
        Kind::Log => ("resourceLogs", "scopeLogs", "logRecords"),
        Kind::Span => ("resourceSpans", "scopeSpans", "spans"),
    };
    let scoped = json!({ "scope": scope, each: records });
    json!({ of_resource: [{ "resource": resource, of_scope: [scoped] }] })
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Log,
    Span,
}

impl Kind {
    /// Where it is sent to, below the collector's address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Log => "/v1/logs",
            Self::Span => "/v1/traces",
        }
    }
}

/// The ids of a request's trace and span, of its own name, sixteen digits; `trace`: the trace that
/// it came in.
pub(super) fn ids(own: &str, trace: Option<&str>) -> Option<(String, String)> {
    let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_id = own.len() == 16 && own.bytes().all(digits) && own.bytes().any(|byte| byte != b'0');
    is_id.then(|| {
        let trace = trace.map_or_else(|| format!("{own:0>32}"), str::to_owned);
        (trace, own.to_owned())
    })
}

pub(super) fn now_ns() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos())
}

pub(super) fn attribute(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": any(value) })
}

fn any(value: &Value) -> Value {
    match value {
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(any).collect();
            json!({ "arrayValue": { "values": items } })
        }
        other => json!({ "stringValue": other.to_string() }),
    }
}

/// An event of a gateway as a record; what the semantic conventions name is named so. `came_in`: the
/// trace that its request came in.
pub(super) fn event(event: &Event, came_in: Option<&str>) -> Value {
    let patches: Vec<&str> = {
        let matches = event.matches.iter();
        let mut patches: Vec<_> = matches.filter_map(|each| each.patch.as_deref()).collect();
        patches.dedup();
        patches
    };
    let (severity, name) = match event.action {
        Action::Pass | Action::Strip => (9, "INFO"),
        Action::Block | Action::Redirect | Action::Drop => (13, "WARN"),
    };
    let (path, query) = event.path.split_once('?').unwrap_or((&event.path, ""));
    let matches = serde_json::to_string(&event.matches).unwrap_or_default();
    let mut attributes = vec![
        attribute("http.request.method", &event.method.as_str().into()),
        attribute("url.path", &path.into()),
        attribute("server.address", &event.host.as_str().into()),
        attribute("client.address", &event.client.as_str().into()),
        attribute("stopgap.action", &event.action.name().into()),
        attribute("stopgap.application", &event.application.as_str().into()),
        attribute("stopgap.ingress", &event.ingress.as_str().into()),
        attribute("stopgap.matches", &matches.into()),
        attribute("stopgap.patches", &patches.clone().into()),
        attribute("stopgap.reference", &event.reference.as_str().into()),
    ];
    if !query.is_empty() {
        attributes.push(attribute("url.query", &query.into()));
    }
    if let Some(status) = event.status {
        attributes.push(attribute("http.response.status_code", &status.into()));
    }
    if let Some(id) = &event.request_id {
        attributes.push(attribute("stopgap.request_id", &id.as_str().into()));
    }
    let told = match patches.first() {
        Some(patch) => format!(
            "{}: {patch} matched {} {path}",
            event.action.name(),
            event.method
        ),
        None => format!(
            "{}: a rule matched {} {path}",
            event.action.name(),
            event.method
        ),
    };
    let mut record = json!({
        "timeUnixNano": (u128::from(event.time_ms) * 1_000_000).to_string(),
        "observedTimeUnixNano": now_ns().to_string(),
        "severityNumber": severity,
        "severityText": name,
        "eventName": "stopgap.event",
        "body": { "stringValue": told },
        "attributes": attributes,
    });
    if let Some(ids) = ids(&event.reference, came_in) {
        trace(&mut record, &ids);
    }
    record
}

/// Says to which trace a record belongs.
pub(super) fn trace(record: &mut Value, (trace, span): &(String, String)) {
    record["traceId"] = trace.as_str().into();
    record["spanId"] = span.as_str().into();
}

//! What `tracing` tells, as records.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::records::{Kind, attribute, event, ids, now_ns, trace};
use super::sender::Queue;

/// What takes all that goes to a collector: the log, and of gateways events and requests. Of so many
/// requests and calls it takes one.
pub(super) fn layers<S: Subscriber + for<'a> LookupSpan<'a>>(
    queue: Queue,
    one_in: u32,
) -> (impl Layer<S> + Send + Sync + use<S>, Requests) {
    let wanted = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target(gateway::EVENTS, LevelFilter::TRACE)
        .with_target(gateway::REQUESTS, LevelFilter::TRACE)
        // What goes wrong with exporting must not make more to export.
        .with_target("stopgap::otlp", LevelFilter::OFF);
    let share = || Share {
        one_in,
        count: AtomicU32::new(0),
    };
    let calls = share();
    let taker = Taker { queue, calls }.with_filter(wanted);
    (taker, Requests(share()))
}

/// Lets a request that is not traced be as if nobody listened: a gateway tells the next hop of those
/// that are.
pub(crate) struct Requests(Share);

impl<S: Subscriber> Layer<S> for Requests {
    fn register_callsite(&self, what: &'static Metadata<'static>) -> Interest {
        match what.target() {
            gateway::REQUESTS => Interest::sometimes(),
            _ => Interest::always(),
        }
    }

    fn enabled(&self, what: &Metadata<'_>, _: Context<'_, S>) -> bool {
        what.target() != gateway::REQUESTS || self.0.takes()
    }
}

struct Taker {
    queue: Queue,
    calls: Share,
}

/// Which spans are told.
struct Share {
    one_in: u32,
    count: AtomicU32,
}

impl Share {
    fn takes(&self) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        count.is_multiple_of(self.one_in)
    }
}

/// A span that is open.
struct Open {
    began_ns: u128,
    fields: Fields,
}

/// What was said by name.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), format!("{value:?}").into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }
}

impl Fields {
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| value.as_str())
    }

    /// The ids of the request or call that a span is of.
    fn ids(&self) -> Option<(String, String)> {
        let own = self.text("reference").or_else(|| self.text("request_id"));
        ids(own?, self.text("trace"))
    }

    fn attributes(&self) -> Vec<Value> {
        // These have a place of their own in the records.
        let apart = ["message", "trace", "parent"];
        let kept = self.0.iter().filter(|(name, _)| !apart.contains(name));
        kept.map(|(name, value)| attribute(conventional(name), value))
            .collect()
    }
}

/// As the semantic conventions of OpenTelemetry name it.
fn conventional(name: &'static str) -> &'static str {
    match name {
        "method" => "http.request.method",
        "route" => "http.route",
        "path" => "url.path",
        "status" => "http.response.status_code",
        "request_id" => "stopgap.request_id",
        "reference" => "stopgap.reference",
        other => other,
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Taker {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Open {
            began_ns: now_ns(),
            fields,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(&mut open.fields);
        }
    }

    fn on_event(&self, told: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        told.record(&mut fields);
        if told.metadata().target() == gateway::EVENTS {
            let line = fields.text("line").unwrap_or_default();
            if let Ok(of_gateway) = wire::Event::from_line(line) {
                self.queue
                    .put(Kind::Log, event(&of_gateway, fields.text("trace")));
            }
            return;
        }
        let level = told.metadata().level();
        let severity = match *level {
            Level::ERROR => 17,
            Level::WARN => 13,
            Level::INFO => 9,
            Level::DEBUG => 5,
            Level::TRACE => 1,
        };
        let now = now_ns().to_string();
        let mut record = json!({
            "timeUnixNano": now,
            "observedTimeUnixNano": now,
            "severityNumber": severity,
            "severityText": level.as_str(),
            "body": { "stringValue": fields.text("message").unwrap_or_default() },
            "attributes": fields.attributes(),
        });
        let around = context.event_span(told);
        let of_span = around.and_then(|span| span.extensions().get::<Open>()?.fields.ids());
        if let Some(ids) = of_span.or_else(|| fields.ids()) {
            trace(&mut record, &ids);
        }
        self.queue.put(Kind::Log, record);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let Some(open) = span.extensions_mut().remove::<Open>() else {
            return;
        };
        let Some(ids) = open.fields.ids() else { return };
        let of_gateway = span.metadata().target() == gateway::REQUESTS;
        if !of_gateway && !self.calls.takes() {
            return;
        }
        let text = |name| open.fields.text(name).unwrap_or_default();
        let name = format!("{} {}", text("method"), text("route"));
        let status = open.fields.0.iter().find(|(name, _)| *name == "status");
        let failed = status.and_then(|(_, status)| status.as_u64()) >= Some(500);
        let mut record = json!({
            "name": name.trim_end(),
            // It serves.
            "kind": 2,
            "startTimeUnixNano": open.began_ns.to_string(),
            "endTimeUnixNano": now_ns().to_string(),
            "attributes": open.fields.attributes(),
            "status": if failed { json!({ "code": 2 }) } else { json!({}) },
        });
        if let Some(parent) = open.fields.text("parent") {
            record["parentSpanId"] = parent.into();
        }
        trace(&mut record, &ids);
        self.queue.put(Kind::Span, record);
    }
}

//! Events in the Open Cybersecurity Schema Framework, for systems that collect from many sources.

use serde_json::{Value, json};

use crate::{Action, Event};

/// The version of the schema that is written.
const VERSION: &str = "1.6.0";
/// HTTP Activity, in the category Network Activity.
const CLASS: u32 = 4002;
const CATEGORY: u32 = 4;

impl Event {
    /// The event as HTTP Activity (4002) of OCSF 1.6.0, with the profile `security_control`.
    #[must_use]
    pub fn to_ocsf(&self) -> Value {
        let (activity, activity_name) = activity(&self.method);
        let (action, action_name) = match self.action {
            Action::Pass | Action::Strip => (1, "Allowed"),
            Action::Block | Action::Redirect | Action::Drop => (2, "Denied"),
        };
        let (disposition, disposition_name) = match self.action {
            Action::Pass => (15, "Detected"),
            Action::Strip => (11, "Corrected"),
            Action::Block | Action::Redirect => (2, "Blocked"),
            Action::Drop => (6, "Dropped"),
        };
        let severity = self.matches.iter().filter_map(|each| each.severity).min();
        let (severity, severity_name) = severity_of(severity);
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.path, None),
        };
        let (host, port) = host_of(&self.host);
        let message = self.matches.iter().map(|each| &*each.message);
        let message = message.into_iter().find(|message| !message.is_empty());
        // What was carried out, or else what would have been.
        let cause = self.matches.iter().find(|each| each.enforced);
        let cause = cause.or_else(|| self.matches.first());
        let mut event = json!({
            "activity_id": activity,
            "activity_name": activity_name,
            "action_id": action,
            "action": action_name,
            "category_uid": CATEGORY,
            "category_name": "Network Activity",
            "class_uid": CLASS,
            "class_name": "HTTP Activity",
            "type_uid": CLASS * 100 + activity,
            "type_name": format!("HTTP Activity: {activity_name}"),
            "disposition_id": disposition,
            "disposition": disposition_name,
            "severity_id": severity,
            "severity": severity_name,
            "time": self.time_ms,
            "message": message.unwrap_or("a request matched"),
            "metadata": {
                "version": VERSION,
                "uid": self.reference,
                "profiles": ["security_control"],
                "log_name": self.ingress,
                "product": {
                    "name": "Stopgap",
                    "vendor_name": "Stopgap",
                    "version": env!("CARGO_PKG_VERSION"),
                },
            },
            "app_name": self.application,
            "src_endpoint": { "ip": self.client },
            "dst_endpoint": { "hostname": host, "svc_name": self.application },
            "http_request": {
                "uid": self.request_id.as_ref().unwrap_or(&self.reference),
                "http_method": self.method,
                "url": { "hostname": host, "path": path, "url_string": self.path },
            },
            "unmapped": { "matches": self.matches },
        });
        if let Some(port) = port {
            event["dst_endpoint"]["port"] = port.into();
        }
        if let Some(query) = query {
            event["http_request"]["url"]["query_string"] = query.into();
        }
        if let Some(status) = self.status {
            event["http_response"] = json!({ "code": status });
        }
        if let Some(cause) = cause {
            event["firewall_rule"] = json!({ "uid": cause.rule.to_string() });
            if let Some(patch) = &cause.patch {
                event["firewall_rule"]["name"] = patch.as_str().into();
                event["policy"] = json!({ "name": patch });
            }
        }
        event
    }
}

fn activity(method: &str) -> (u32, &'static str) {
    match method {
        "CONNECT" => (1, "Connect"),
        "DELETE" => (2, "Delete"),
        "GET" => (3, "Get"),
        "HEAD" => (4, "Head"),
        "OPTIONS" => (5, "Options"),
        "POST" => (6, "Post"),
        "PUT" => (7, "Put"),
        "TRACE" => (8, "Trace"),
        "PATCH" => (9, "Patch"),
        _ => (99, "Other"),
    }
}

/// From a rule's severity, 0 the worst.
fn severity_of(severity: Option<u8>) -> (u32, &'static str) {
    match severity {
        None => (0, "Unknown"),
        Some(0) => (6, "Fatal"),
        Some(1 | 2) => (5, "Critical"),
        Some(3) => (4, "High"),
        Some(4) => (3, "Medium"),
        Some(5) => (2, "Low"),
        Some(_) => (1, "Informational"),
    }
}

/// Without its port, and that.
fn host_of(host: &str) -> (&str, Option<u16>) {
    let parts = host.rsplit_once(':');
    let parts = parts.and_then(|(name, port)| Some((name, port.parse().ok()?)));
    parts.map_or((host, None), |(name, port)| (name, Some(port)))
}

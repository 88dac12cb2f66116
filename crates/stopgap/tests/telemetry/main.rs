//! What every role tells of itself, as Prometheus and others read it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../support/control.rs"]
mod side;
#[path = "../support/site.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod site;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;
#[path = "../support/up.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod up;

mod events;
mod log;
mod notices;
mod otlp;
mod prometheus;

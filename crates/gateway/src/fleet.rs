//! What an ingress point that belongs to a fleet counts and tells.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use wire::Exposition;

use crate::config::Application;
use crate::events::{EventSink, now_ms};
use crate::halt::Halt;

/// What an ingress point of a fleet needs besides its configuration.
pub struct Fleet {
    /// Keeps events until they are delivered.
    pub events: Box<dyn EventSink>,
    /// Shown among the gateway's own.
    pub metrics: Arc<FleetMetrics>,
}

/// Of the bundles that an ingress point takes, and of the events that it delivers.
#[derive(Debug, Default)]
pub struct FleetMetrics {
    bundle: Mutex<InUse>,
    refused: Mutex<BTreeMap<String, u64>>,
    waiting: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default)]
struct InUse {
    number: u64,
    made_ms: i64,
    expires_ms: i64,
}

impl FleetMetrics {
    /// A bundle is in use from now on.
    pub fn took(&self, bundle: &wire::Bundle) {
        *lock(&self.bundle) = InUse {
            number: bundle.number,
            made_ms: bundle.made_ms,
            expires_ms: bundle.expires_ms,
        };
    }

    /// A bundle was refused: the reason as in attestations.
    pub fn refused(&self, reason: &str) {
        *lock(&self.refused).entry(reason.to_owned()).or_default() += 1;
    }

    /// So many events wait to be delivered.
    pub fn waiting(&self, events: u64) {
        self.waiting.store(events, Ordering::Relaxed);
    }

    /// So many more events are lost: too many waited, or they cannot be kept or delivered.
    pub fn lost(&self, events: u64) {
        self.lost.fetch_add(events, Ordering::Relaxed);
    }

    /// Events that wait, and those that are lost.
    pub fn events(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.waiting), read(&self.lost))
    }

    pub(crate) fn show(&self, to: &mut Exposition) {
        let InUse {
            number,
            made_ms,
            expires_ms,
        } = *lock(&self.bundle);
        let now = i64::try_from(now_ms()).unwrap_or(i64::MAX);
        to.gauge("stopgap_bundle_number", "The bundle in use; 0: none.")
            .sample(&[], number);
        if number > 0 {
            let age = now.saturating_sub(made_ms).max(0) / 1000;
            let help = "Since the bundle in use was signed.";
            to.gauge("stopgap_bundle_age_seconds", help)
                .sample(&[], age);
            let help = "1: the bundle in use is past its time; it stays in use.";
            to.gauge("stopgap_bundle_stale", help)
                .sample(&[], u8::from(expires_ms <= now));
        }
        let help = "Bundles not taken, by reason.";
        let mut refused = to.counter("stopgap_bundles_refused_total", help);
        for (reason, count) in &*lock(&self.refused) {
            refused.sample(&[("reason", reason)], count);
        }
        let (waiting, lost) = self.events();
        let help = "Events that wait to be delivered.";
        to.gauge("stopgap_events_waiting", help)
            .sample(&[], waiting);
        let help = "Events that could not be kept until they were delivered.";
        to.counter("stopgap_events_lost_total", help)
            .sample(&[], lost);
    }
}

/// What was answered for one application.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    requests: AtomicU64,
    errors: AtomicU64,
    latency_us: AtomicU64,
}

impl Answered {
    /// Counts a request, with what the application answered, or what kept it from that.
    pub(crate) fn count(&self, outcome: Result<Option<StatusCode>, &Halt>, took: Duration) {
        let failed = match outcome {
            Ok(status) => status.is_some_and(|status| status.is_server_error()),
            Err(Halt::Upstream(..) | Halt::Uninspected | Halt::Busy) => true,
            Err(Halt::Decided(_) | Halt::Request(..)) => false,
        };
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.latency_us.fetch_add(took, Ordering::Relaxed);
    }

    pub(crate) fn told(&self, of: &Application) -> wire::Traffic {
        // Errors first: there are never more of them than requests.
        let errors = self.errors.load(Ordering::Relaxed);
        wire::Traffic {
            application: of.name.clone(),
            hosts: of.hosts.iter().map(ToString::to_string).collect(),
            errors,
            requests: self.requests.load(Ordering::Relaxed).max(errors),
            latency_us: self.latency_us.load(Ordering::Relaxed),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

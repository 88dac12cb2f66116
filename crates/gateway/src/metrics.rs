//! What is counted, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wire::Exposition;

/// Upper bounds of the inspection histogram, in microseconds.
const BOUNDS: [u64; 10] = [10, 25, 50, 100, 250, 500, 1000, 5000, 25_000, 100_000];

/// A patch, none for general rules, and what was done.
type PatchAction = (Option<Arc<str>>, &'static str);

/// Counters of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: AtomicU64,
    decisions: Mutex<BTreeMap<PatchAction, u64>>,
    inspections: [AtomicU64; BOUNDS.len()],
    inspections_all: AtomicU64,
    inspection_nanoseconds: AtomicU64,
    failures: Mutex<BTreeMap<&'static str, u64>>,
    reloads: AtomicU64,
    reloads_failed: AtomicU64,
    connections: AtomicI64,
    pub(crate) events_dropped: AtomicU64,
}

impl Metrics {
    pub(crate) fn requested(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn decided(&self, patch: Option<&Arc<str>>, action: &'static str) {
        let mut decisions = lock(&self.decisions);
        *decisions.entry((patch.cloned(), action)).or_default() += 1;
    }

    pub(crate) fn inspected(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let slot = BOUNDS.iter().position(|&bound| nanoseconds <= bound * 1000);
        if let Some(count) = slot.and_then(|slot| self.inspections.get(slot)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.inspections_all.fetch_add(1, Ordering::Relaxed);
        self.inspection_nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, kind: &'static str) {
        *lock(&self.failures).entry(kind).or_default() += 1;
    }

    pub(crate) fn reloaded(&self, success: bool) {
        let count = if success {
            &self.reloads
        } else {
            &self.reloads_failed
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connected(&self, by: i64) {
        self.connections.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn show(&self, to: &mut Exposition, patches: usize) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        to.counter("stopgap_requests_total", "Requests received.")
            .sample(&[], read(&self.requests));
        let help = "Requests decided or matched, by patch and what was done.";
        let mut decisions = to.counter("stopgap_decisions_total", help);
        for ((patch, action), count) in &*lock(&self.decisions) {
            let patch = patch.as_deref().unwrap_or_default();
            decisions.sample(&[("patch", patch), ("action", action)], count);
        }
        let help = "Time that inspecting a concerned request took.";
        let within = BOUNDS.iter().zip(&self.inspections).map(|(bound, count)| {
            let bound = Duration::from_micros(*bound).as_secs_f64();
            (bound, read(count))
        });
        let seconds = Duration::from_nanos(read(&self.inspection_nanoseconds)).as_secs_f64();
        to.histogram("stopgap_inspection_seconds", help).sizes(
            &[],
            within,
            (seconds, read(&self.inspections_all)),
        );
        let help = "Requests that got no answer of their application, by kind.";
        let mut failures = to.counter("stopgap_failures_total", help);
        for (what, count) in &*lock(&self.failures) {
            failures.sample(&[("kind", what)], count);
        }
        let help = "Plans taken into use, by outcome.";
        let mut reloads = to.counter("stopgap_plan_reloads_total", help);
        reloads.sample(&[("outcome", "success")], read(&self.reloads));
        reloads.sample(&[("outcome", "failure")], read(&self.reloads_failed));
        to.gauge("stopgap_patches", "Patches in the plan.")
            .sample(&[], patches);
        to.gauge("stopgap_connections", "Client connections open.")
            .sample(&[], self.connections.load(Ordering::Relaxed));
        let help = "Events not written because the queue was full.";
        to.counter("stopgap_events_dropped_total", help)
            .sample(&[], read(&self.events_dropped));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_what_was_counted() {
        let metrics = Metrics::default();
        metrics.requested();
        metrics.decided(Some(&Arc::from("CVE-\"1\"")), "block");
        metrics.inspected(Duration::from_micros(30));
        metrics.inspected(Duration::from_secs(1));
        metrics.failed("upstream");
        let mut told = Exposition::default();
        metrics.show(&mut told, 3);
        let text = told.text();
        for line in [
            "stopgap_requests_total 1",
            "stopgap_decisions_total{patch=\"CVE-\\\"1\\\"\",action=\"block\"} 1",
            "stopgap_inspection_seconds_bucket{le=\"0.000025\"} 0",
            "stopgap_inspection_seconds_bucket{le=\"0.00005\"} 1",
            "stopgap_inspection_seconds_bucket{le=\"+Inf\"} 2",
            "stopgap_failures_total{kind=\"upstream\"} 1",
            "stopgap_patches 3",
        ] {
            assert!(text.lines().any(|each| each == line), "{line}\n{text}");
        }
    }
}

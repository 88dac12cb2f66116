//! What is counted, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

    /// The text format, version 0.0.4.
    pub(crate) fn render(&self, patches: usize) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _: std::fmt::Result = self.write(&mut text, patches);
        text
    }

    fn write(&self, to: &mut String, patches: usize) -> std::fmt::Result {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        kind(
            to,
            "stopgap_requests_total",
            "counter",
            "Requests received.",
        )?;
        writeln!(to, "stopgap_requests_total {}", read(&self.requests))?;

        let name = "stopgap_decisions_total";
        kind(
            to,
            name,
            "counter",
            "Requests decided or matched, by patch and what was done.",
        )?;
        for ((patch, action), count) in &*lock(&self.decisions) {
            let patch = escaped(patch.as_deref().unwrap_or_default());
            writeln!(
                to,
                "{name}{{patch=\"{patch}\",action=\"{action}\"}} {count}"
            )?;
        }

        let name = "stopgap_inspection_seconds";
        kind(
            to,
            name,
            "histogram",
            "Time that inspecting a concerned request took.",
        )?;
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.inspections) {
            sum += read(count);
            let bound = Duration::from_micros(*bound).as_secs_f64();
            writeln!(to, "{name}_bucket{{le=\"{bound}\"}} {sum}")?;
        }
        let all = read(&self.inspections_all);
        writeln!(to, "{name}_bucket{{le=\"+Inf\"}} {all}")?;
        let seconds = Duration::from_nanos(read(&self.inspection_nanoseconds)).as_secs_f64();
        writeln!(to, "{name}_sum {seconds}\n{name}_count {all}")?;

        let name = "stopgap_failures_total";
        kind(
            to,
            name,
            "counter",
            "Requests that got no answer of their application, by kind.",
        )?;
        for (what, count) in &*lock(&self.failures) {
            writeln!(to, "{name}{{kind=\"{what}\"}} {count}")?;
        }

        let name = "stopgap_plan_reloads_total";
        kind(to, name, "counter", "Plans taken into use, by outcome.")?;
        writeln!(to, "{name}{{outcome=\"success\"}} {}", read(&self.reloads))?;
        writeln!(
            to,
            "{name}{{outcome=\"failure\"}} {}",
            read(&self.reloads_failed)
        )?;

        kind(to, "stopgap_patches", "gauge", "Patches in the plan.")?;
        writeln!(to, "stopgap_patches {patches}")?;
        kind(
            to,
            "stopgap_connections",
            "gauge",
            "Client connections open.",
        )?;
        let connections = self.connections.load(Ordering::Relaxed);
        writeln!(to, "stopgap_connections {connections}")?;
        let name = "stopgap_events_dropped_total";
        kind(
            to,
            name,
            "counter",
            "Events not written because the queue was full.",
        )?;
        writeln!(to, "{name} {}", read(&self.events_dropped))
    }
}

pub(crate) fn kind(to: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(to, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
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
        let text = metrics.render(3);
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

//! Calls of the API, of ingress points and of the console, as they are counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use wire::Exposition;

/// Upper bounds of the histogram, in milliseconds.
const BOUNDS: [u64; 8] = [5, 10, 25, 100, 500, 1000, 5000, 30_000];

/// By method and route.
#[derive(Default)]
pub(super) struct Calls(Mutex<BTreeMap<(&'static str, String), Counts>>);

#[derive(Default)]
struct Counts {
    by_status: BTreeMap<u16, u64>,
    within: [u64; BOUNDS.len()],
    took: Duration,
}

impl Calls {
    pub(super) fn count(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = calls.entry((method, route.to_owned())).or_default();
        *counts.by_status.entry(status).or_default() += 1;
        let slot = BOUNDS
            .iter()
            .position(|&bound| took <= Duration::from_millis(bound));
        if let Some(count) = slot.and_then(|slot| counts.within.get_mut(slot)) {
            *count += 1;
        }
        counts.took = counts.took.saturating_add(took);
    }

    pub(super) fn show(&self, to: &mut Exposition) {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let help = "Calls answered, by route and status; a route is empty where there is none.";
        let mut answered = to.counter("stopgap_api_requests_total", help);
        for ((method, route), counts) in &*calls {
            for (status, count) in &counts.by_status {
                let status = status.to_string();
                let labels = [("method", *method), ("route", route), ("status", &status)];
                answered.sample(&labels, count);
            }
        }
        let help = "Time that answering a call took; waiting for a bundle is meant to.";
        let mut took = to.histogram("stopgap_api_request_seconds", help);
        for ((method, route), counts) in &*calls {
            let within = BOUNDS.iter().zip(counts.within).map(|(bound, count)| {
                let bound = Duration::from_millis(*bound).as_secs_f64();
                (bound, count)
            });
            let all = counts.by_status.values().sum();
            let labels = [("method", *method), ("route", route.as_str())];
            took.sizes(&labels, within, (counts.took.as_secs_f64(), all));
        }
    }
}

/// A method that is known by name: callers can make up others.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

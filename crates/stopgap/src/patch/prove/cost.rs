//! What an inspection costs on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Plan;
use patch::Source;
use patch::prove::{self, Cost};

/// Inspections of each request at most.
const ROUNDS: usize = 1000;
/// Milliseconds that measuring may take.
const MEASURING_MS: u64 = 200;

/// The median over the benign requests, which are what there is most of.
pub(super) fn measure(source: &Source, plan: &Arc<Plan>) -> anyhow::Result<Cost> {
    let application = prove::application(&source.document);
    let requests = prove::requests(source, &source.document.cases.benign)?;
    let exchanges: Vec<_> = requests
        .iter()
        .map(|request| request.exchange(&application))
        .collect();
    let started = Instant::now();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        for exchange in &exchanges {
            let begun = Instant::now();
            drop(exchange.inspect(plan));
            times.push(begun.elapsed());
        }
        if started.elapsed() > Duration::from_millis(MEASURING_MS) {
            break;
        }
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(Cost {
        inspections: times.len() as u64,
        median_ns: u64::try_from(median.as_nanos()).unwrap_or(u64::MAX),
    })
}

/// `850 ns`, `12.3 µs`.
pub(super) fn told(nanoseconds: u64) -> String {
    if nanoseconds < 1_000 {
        format!("{nanoseconds} ns")
    } else if nanoseconds < 1_000_000 {
        format!("{:.1} µs", nanoseconds as f64 / 1e3)
    } else {
        format!("{:.1} ms", nanoseconds as f64 / 1e6)
    }
}

//! Legitimate requests: none may be stopped, and what they cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Exchange, Plan};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::traffic::Legitimate;

/// What stopped a request that nobody should have stopped.
pub(crate) struct Blocked {
    pub(crate) patch: String,
    pub(crate) line: String,
}

/// Every request that is stopped, with patch, place and value.
pub(crate) fn blocked(plan: &Arc<Plan>, requests: &[Legitimate]) -> Vec<Blocked> {
    let mut found = Vec::new();
    for one in requests {
        let verdict = one.request.exchange("").inspect(plan);
        let Some(decision) = verdict.decision else {
            continue;
        };
        let cause = decision.cause;
        let patch = cause.patch.as_deref().unwrap_or("-").to_owned();
        let line = format!(
            "{} {} | near {} | {}: {:?} | {}",
            String::from_utf8_lossy(&one.request.method),
            String::from_utf8_lossy(&one.request.target),
            one.near.as_deref().unwrap_or("nothing"),
            cause.target,
            String::from_utf8_lossy(&cause.value),
            cause.message,
        );
        found.push(Blocked { patch, line });
    }
    found
}

/// How often each patch stopped one, most first.
pub(crate) fn by_patch(blocked: &[Blocked]) -> Vec<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in blocked {
        *counts.entry(&one.patch).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[derive(Serialize, Deserialize)]
struct Record {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// What a request costs: it is read from a record and inspected.
pub(crate) struct Cost {
    /// The median of rounds in turn: with all patches, as a multiple of none.
    pub(crate) ratio: f64,
    /// The median with none.
    pub(crate) none_us: f64,
}

/// The cost in CPU time of this thread.
pub(crate) fn cost(
    all: &Arc<Plan>,
    none: &Arc<Plan>,
    requests: &[&Legitimate],
    rounds: usize,
) -> anyhow::Result<Cost> {
    let lines = records(requests)?;
    let (mut ratios, mut nones) = (Vec::new(), Vec::new());
    // The first round fills the scratch and compiles what is compiled when it is asked.
    for round in 0..=rounds {
        let without = pass(none, &lines)?;
        let with = pass(all, &lines)?;
        if round > 0 {
            ratios.push(with / without);
            nones.push(without * 1e6 / lines.len() as f64);
        }
    }
    Ok(Cost {
        ratio: median(ratios),
        none_us: median(nones),
    })
}

/// A JSON object for each.
pub(crate) fn records(requests: &[&Legitimate]) -> serde_json::Result<Vec<String>> {
    let each = requests.iter();
    each.map(|one| record(&one.request.exchange(""))).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn record(exchange: &Exchange) -> serde_json::Result<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    serde_json::to_string(&Record {
        method: text(&exchange.method),
        uri: text(&exchange.target),
        headers: exchange
            .headers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        body: BASE64_STANDARD.encode(&exchange.body),
    })
}

/// Seconds for all lines.
fn pass(plan: &Arc<Plan>, lines: &[String]) -> anyhow::Result<f64> {
    let begun = now();
    let mut answers = String::new();
    for line in lines {
        let record: Record = serde_json::from_str(line)?;
        let exchange = Exchange {
            method: record.method.into_bytes(),
            target: record.uri.into_bytes(),
            version: b"HTTP/1.1".to_vec(),
            headers: record
                .headers
                .into_iter()
                .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
                .collect(),
            body: BASE64_STANDARD.decode(record.body)?,
            ..Exchange::default()
        };
        let verdict = exchange.inspect(plan);
        answers.clear();
        answers.push_str(verdict.action());
        std::hint::black_box(&answers);
    }
    Ok(now() - begun)
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

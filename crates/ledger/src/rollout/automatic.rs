//! What a rollout does by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evidence, Policy, Rollout, Stage};

/// What was seen of the present step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signals {
    /// Requests that the patch was asked about.
    pub requests: u64,
    /// Of these, those that the application failed to answer (5xx).
    pub errors: u64,
    /// What an answer took on average, in microseconds.
    pub latency_us: u64,
    /// Requests before the patch.
    pub baseline_requests: u64,
    /// Of these, those that failed.
    pub baseline_errors: u64,
    /// What an answer took on average before the patch.
    pub baseline_latency_us: u64,
    /// Hits that nobody has looked at.
    pub unreviewed_hits: u64,
    /// Legitimate requests that were reported as stopped.
    pub false_positives: u64,
}

/// Why a rollout goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It stopped legitimate requests.
    FalsePositives,
    /// More requests fail than before.
    Errors,
    /// Answers take longer than before.
    Latency,
}

/// Why a rollout does not go on yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Waiting {
    /// It has come as far as it goes by itself.
    ForPeople,
    /// It is paused.
    Paused,
    /// Its proof is owed.
    ForProof,
    /// The step has not lasted long enough.
    ForTime,
    /// It has not seen enough requests.
    ForTraffic,
    /// Hits must be looked at.
    ForReview,
    /// Somebody must approve it.
    ForApproval,
}

/// What a rollout does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, and why.
    Stay(Vec<Waiting>),
    /// One step on.
    Promote,
    /// One step back, and why.
    Demote(Fault),
}

impl Rollout {
    /// What the rollout's rules say to what was seen. Going back is not held up by a pause:
    /// whoever pauses does not want people stopped meanwhile.
    #[must_use]
    pub fn next_step(&self, seen: &Signals, policy: Policy, now_ms: i64) -> Step {
        if let Some(fault) = self.fault(seen) {
            return Step::Demote(fault);
        }
        let waiting = self.waiting(seen, policy, now_ms);
        if waiting.is_empty() {
            Step::Promote
        } else {
            Step::Stay(waiting)
        }
    }

    fn fault(&self, seen: &Signals) -> Option<Fault> {
        let rules = &self.rules;
        // Elsewhere there is nobody to be spared.
        if !matches!(self.stage, Stage::Canary | Stage::Enforce) {
            return None;
        }
        if seen.false_positives > rules.false_positives {
            return Some(Fault::FalsePositives);
        }
        let enough = seen.requests.min(seen.baseline_requests) >= rules.guard_requests.max(1);
        if !enough {
            return None;
        }
        // errors / requests > baseline_errors / baseline_requests + increase / 1000
        let wide = u128::from;
        let times = |one: u64, two: u64, three: u32| {
            (wide(one) * wide(two)).saturating_mul(u128::from(three))
        };
        let now = times(seen.errors, seen.baseline_requests, 1000);
        let before = times(seen.baseline_errors, seen.requests, 1000);
        let grown = times(
            seen.requests,
            seen.baseline_requests,
            rules.error_increase_permille,
        );
        if now > before.saturating_add(grown) {
            return Some(Fault::Errors);
        }
        let allowed = u128::from(rules.latency_increase_percent) + 100;
        if wide(seen.latency_us) * 100 > wide(seen.baseline_latency_us).saturating_mul(allowed) {
            return Some(Fault::Latency);
        }
        None
    }

    fn waiting(&self, seen: &Signals, policy: Policy, now_ms: i64) -> Vec<Waiting> {
        let rules = &self.rules;
        let next = self.step_on().ok().map(|(stage, _)| stage);
        let within = next.is_some_and(|next| rules.automatic_until.is_some_and(|end| next <= end));
        let enforces = next == Some(Stage::Enforce);
        [
            (!within, Waiting::ForPeople),
            (self.paused.is_some(), Waiting::Paused),
            (
                matches!(self.evidence, Evidence::Owed { .. }),
                Waiting::ForProof,
            ),
            (
                now_ms.saturating_sub(self.since_ms) < rules.minimum_ms,
                Waiting::ForTime,
            ),
            (seen.requests < rules.minimum_requests, Waiting::ForTraffic),
            (
                rules.review_hits && seen.unreviewed_hits > 0,
                Waiting::ForReview,
            ),
            (
                enforces && self.may_enforce(policy).is_err(),
                Waiting::ForApproval,
            ),
        ]
        .into_iter()
        .filter_map(|(holds, waiting)| holds.then_some(waiting))
        .collect()
    }
}

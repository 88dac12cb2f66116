//! What becomes due as time passes and traffic comes, without anybody asking for it.

use crate::exception::{Exception, Standing};
use crate::rollout::{Fault, Move, Policy, Signals, Stage, Step};
use crate::{Attention, Environment, Finding, Gateway, Rollout, State, VirtualPatch, finding};

/// How long before its expiry a patch is told of, in milliseconds.
pub const WARNING_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// How long a step that stops people is compared with what was before it, in milliseconds.
pub const GUARDED_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Something that must be told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// What, as the audit log names it.
    pub action: &'static str,
    /// Since when it is so: what was told before that was another time.
    pub since_ms: i64,
    /// For people.
    pub why: &'static str,
}

/// The environment whose traffic says how a rollout's step goes; none: nothing is to be looked at.
#[must_use]
pub fn watched(rollout: &Rollout, now_ms: i64) -> Option<Environment> {
    let until = rollout.rules.automatic_until;
    let goes_on = until.is_some_and(|until| rollout.stage < until) && rollout.paused.is_none();
    let stops = matches!(rollout.stage, Stage::Canary | Stage::Enforce);
    let young = now_ms.saturating_sub(rollout.since_ms) < GUARDED_MS;
    let watched = goes_on || (stops && (young || rollout.false_positives > 0));
    watched.then_some(match rollout.stage {
        Stage::Test => Environment::Test,
        _ => rollout.environment,
    })
}

/// The moves that a rollout makes by itself now, and why. What goes back is paused too, or it
/// would come again.
#[must_use]
pub fn moves(
    rollout: &Rollout,
    seen: &Signals,
    policy: Policy,
    now_ms: i64,
) -> (Vec<Move>, &'static str) {
    let fault = match rollout.next_step(seen, policy, now_ms) {
        Step::Stay(_) => return (Vec::new(), ""),
        Step::Promote => return (vec![Move::Promote {}], "its rules allow the next step"),
        Step::Demote(fault) => fault,
    };
    let why = match fault {
        Fault::FalsePositives => "it stopped legitimate requests",
        Fault::Errors => "more requests fail than before",
        Fault::Latency => "answers take longer than before",
    };
    let reason = format!("it went back by itself: {why}");
    (vec![Move::Demote {}, Move::Pause { reason }], why)
}

/// What must be told of a rollout.
#[must_use]
pub fn of_rollout(rollout: &Rollout, now_ms: i64) -> Option<Telling> {
    let overdue = rollout.stage != Stage::Retired && rollout.proof_is_overdue(now_ms);
    overdue.then_some(Telling {
        action: "rollout.proof-overdue",
        since_ms: rollout.since_ms,
        why: "the proof that it owes is not there in time",
    })
}

/// How long an ingress point may be silent before that is told: ten of its attestations, in
/// milliseconds.
pub const SILENT_MS: i64 = 10 * 60 * 1000;

/// What must be told of an ingress point that attested something last at a time.
#[must_use]
pub fn of_gateway(gateway: &Gateway, seen_ms: i64, now_ms: i64) -> Option<Telling> {
    let silent = now_ms.saturating_sub(seen_ms) > SILENT_MS;
    (silent && gateway.revoked_ms.is_none()).then_some(Telling {
        action: "gateway.silent",
        since_ms: seen_ms,
        why: "it has not told for ten minutes what it enforces",
    })
}

/// What must be told of a patch that is deployed.
#[must_use]
pub fn of_patch(patch: &VirtualPatch, now_ms: i64) -> Option<Telling> {
    let telling = |action, since_ms, why| {
        Some(Telling {
            action,
            since_ms,
            why,
        })
    };
    match patch.attention(now_ms, WARNING_MS) {
        Attention::Retire => telling(
            "patch.propose-retirement",
            0,
            "the fix was verified: the patch may be retired",
        ),
        Attention::Expired => telling(
            "patch.expired",
            patch.expires_ms,
            "it is past its expiry, and still protects: renew it or bring the fix",
        ),
        Attention::Expiring => telling(
            "patch.expiring",
            patch.expires_ms.saturating_sub(WARNING_MS),
            "it expires within 14 days",
        ),
        Attention::None => None,
    }
}

/// The states of findings that a patch can shield.
pub const UNFIXED: &[State] = &[
    State::Open,
    State::Scheduled,
    State::Excepted,
    State::Shielded,
];

/// What a finding becomes while a patch for its advisory is, or is not any more, enforced in production.
#[must_use]
pub fn of_finding(finding: &Finding, patch: &str, enforced: bool) -> Option<finding::Move> {
    match (finding.shield.as_deref(), enforced) {
        (None, true) => Some(finding::Move::Shield {
            patch: patch.to_owned(),
        }),
        (Some(shield), false) if shield == patch => Some(finding::Move::Expose {}),
        _ => None,
    }
}

/// What must be told of an exception that is in force.
#[must_use]
pub fn of_exception(exception: &Exception, now_ms: i64) -> Option<Telling> {
    let since_ms = exception.until_ms().saturating_sub(WARNING_MS);
    let soon = exception.standing() == Standing::InForce && since_ms <= now_ms;
    soon.then_some(Telling {
        action: "exception.ending",
        since_ms: since_ms.max(exception.requested_ms),
        why: "it ends within 14 days, unless somebody looks at its evidence again or asks for another",
    })
}

//! The staged deployment of a virtual patch:
//! test → shadow → canary, share by share → enforce → retired, and back.

mod automatic;
mod machine;

pub use automatic::{Fault, Signals, Step, Waiting};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Environment, Limits, Proven, Refused, check};

named! {
    /// How far a rollout has come.
    pub enum Stage {
        /// Enforced in the test environment alone.
        Test = "test",
        /// Records, and stops nobody.
        Shadow = "shadow",
        /// Stops a sticky share of the clients.
        Canary = "canary",
        /// Stops everybody.
        Enforce = "enforce",
        /// Does nothing any more.
        Retired = "retired",
    }
}

/// When a rollout may go on by itself, and when it must go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RolloutRules")]
pub struct Rules {
    /// The stage up to which it goes on by itself; none: people promote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_until: Option<Stage>,
    /// The shares of clients, in percent, that the canary goes through; rising.
    #[schemars(inner(range(min = 1, max = 99)))]
    pub canary_percent: Vec<u8>,
    /// How long each step lasts at least.
    #[schemars(range(min = 0))]
    pub minimum_ms: i64,
    /// How many requests each step must have seen.
    #[schemars(range(max = u64::MAX))]
    pub minimum_requests: u64,
    /// Whether a person must have looked at every hit.
    pub review_hits: bool,
    /// With how many requests errors and latency can be judged.
    #[schemars(range(max = u64::MAX))]
    pub guard_requests: u64,
    /// How many more requests of a thousand than before may fail.
    #[schemars(range(max = u32::MAX))]
    pub error_increase_permille: u32,
    /// How much slower than before, in percent, answers may be on average.
    #[schemars(range(max = u32::MAX))]
    pub latency_increase_percent: u32,
    /// How many legitimate requests may be reported as stopped.
    #[schemars(range(max = u64::MAX))]
    pub false_positives: u64,
}

impl Default for Rules {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            automatic_until: None,
            canary_percent: vec![5, 25, 50],
            minimum_ms: DAY_MS,
            minimum_requests: 1000,
            review_hits: true,
            guard_requests: 100,
            error_increase_permille: 10,
            latency_increase_percent: 20,
            false_positives: 0,
        }
    }
}

impl Rules {
    /// Whether a rollout can follow them.
    ///
    /// # Errors
    /// The shares do not rise from 1 to 99, or a number makes no sense.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::entries("canary_percent", &self.canary_percent, limits)?;
        let rising = self.canary_percent.is_sorted_by(|one, next| one < next);
        let within = self
            .canary_percent
            .iter()
            .all(|share| (1..=99).contains(share));
        if !rising || !within {
            return Err(Refused::new(
                "canary_percent must be rising shares between 1 and 99",
            ));
        }
        if self.minimum_ms < 0 {
            return Err(Refused::new("minimum_ms must not be negative"));
        }
        if self.automatic_until == Some(Stage::Retired) {
            return Err(Refused::new(
                "automatic_until must not be `retired`: people retire a patch",
            ));
        }
        Ok(())
    }
}

/// Somebody's consent to enforcing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who consents.
    pub who: String,
    /// When.
    pub time_ms: i64,
}

/// What shows that the patch does what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Evidence {
    /// A proof of this very document.
    Proven(Proven),
    /// Nothing yet: it is an emergency, and the proof follows.
    Owed {
        /// Why it could not wait.
        reason: String,
        /// When the proof must be there.
        due_ms: i64,
    },
}

/// The staged deployment of one document of a virtual patch to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Its number.
    pub id: i64,
    /// The virtual patch, by its identifier.
    pub patch: String,
    /// The document: SHA-256, in hexadecimal.
    pub digest: String,
    /// Where it is deployed to.
    pub environment: Environment,
    /// How far it has come.
    pub stage: Stage,
    /// In the canary, the share of clients that it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_percent: Option<u8>,
    /// When this step began.
    pub since_ms: i64,
    /// Why it does not go on; it can still go back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Who started it.
    pub started_by: String,
    /// Who consents to enforcing it.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Until when somebody has looked at every hit of this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_ms: Option<i64>,
    /// Legitimate requests that were reported as stopped since this step began.
    #[serde(default, skip_serializing_if = "is_none")]
    pub false_positives: u64,
    /// What shows that it does what it should.
    pub evidence: Evidence,
    /// When it goes on and back by itself.
    pub rules: Rules,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What an organisation demands of rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether a second person must consent to enforcing in production.
    pub two_persons: bool,
}

/// What can be done with a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "RolloutMove")]
pub enum Move {
    /// One step on.
    Promote {},
    /// One step back; from `retired`, back to enforcing.
    Demote {},
    /// No step on until it is resumed.
    Pause {
        /// Why.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        reason: String,
    },
    /// Steps on are possible again.
    Resume {},
    /// Somebody consents to enforcing.
    Approve {},
    /// Straight to enforcing.
    Emergency {
        /// Why it cannot wait.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        reason: String,
        /// When a proof that is not there yet must be.
        proof_due_ms: i64,
    },
    /// Somebody has looked at every hit so far.
    Review {},
    /// A legitimate request was stopped, or would have been.
    Report {
        /// Which.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        reason: String,
    },
    /// The patch is needed no more.
    Retire {},
}

impl Move {
    /// As in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Promote {} => "promote",
            Self::Demote {} => "demote",
            Self::Pause { .. } => "pause",
            Self::Resume {} => "resume",
            Self::Approve {} => "approve",
            Self::Emergency { .. } => "emergency",
            Self::Review {} => "review",
            Self::Report { .. } => "report",
            Self::Retire {} => "retire",
        }
    }
}

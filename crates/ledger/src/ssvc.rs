//! How soon a finding wants attention: CISA's Stakeholder-Specific Vulnerability Categorization.
//! The decision is what the inputs say, so it is never kept without them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Limits, Refused, check};

named! {
    /// What is known of attacks.
    pub enum Exploitation {
        /// None is known.
        None = "none",
        /// How to attack is public.
        PublicPoc = "public-poc",
        /// Attacks were seen.
        Active = "active",
    }
}

named! {
    /// How much an attacker gets.
    pub enum TechnicalImpact {
        /// Some control, or some information.
        Partial = "partial",
        /// Total control, or all information.
        Total = "total",
    }
}

named! {
    /// What comes to harm: the organisation's mission and people's well-being.
    pub enum Mission {
        /// Neither in a way that counts.
        Low = "low",
        /// The mission is supported by it, or harm is material.
        Medium = "medium",
        /// The mission does not go on without it, or harm is irreversible.
        High = "high",
    }
}

named! {
    /// How soon to act.
    pub enum Decision {
        /// With the usual updates.
        Track = "track",
        /// With the usual updates, watched more closely.
        TrackClosely = "track*",
        /// Sooner than the usual updates.
        Attend = "attend",
        /// As soon as possible.
        Act = "act",
    }
}

/// What the decision depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// What is known of attacks.
    pub exploitation: Exploitation,
    /// Whether attacks can be carried out by a program alone.
    pub automatable: bool,
    /// How much an attacker gets.
    pub technical_impact: TechnicalImpact,
    /// What comes to harm.
    pub mission: Mission,
    /// Where these are from: which of them a source tells, and which were assumed.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub because: String,
}

/// A decision and what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// What it depends on.
    pub inputs: Inputs,
    /// How soon to act.
    pub decision: Decision,
    /// When that was found.
    pub assessed_ms: i64,
}

impl Inputs {
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::text("because", &self.because, limits)
    }

    /// CISA's coordinator table, version 2.0.3, as the CERT Coordination Center publishes it.
    #[must_use]
    pub fn decision(&self) -> Decision {
        use Decision::{Act, Attend, Track, TrackClosely};
        use Exploitation::{Active, None, PublicPoc};
        use TechnicalImpact::{Partial, Total};
        let by_mission = match (self.exploitation, self.automatable, self.technical_impact) {
            (None | PublicPoc, true, Partial) | (None, true, Total) => [Track, Track, Attend],
            (None, false, Partial) => [Track, Track, Track],
            (None, false, Total) | (PublicPoc, false, Partial) => [Track, Track, TrackClosely],
            (PublicPoc, _, Total) => [Track, TrackClosely, Attend],
            (Active, false, Partial) => [Track, Track, Attend],
            (Active, false, Total) => [Track, Attend, Act],
            (Active, true, Partial) => [Attend, Attend, Act],
            (Active, true, Total) => [Attend, Act, Act],
        };
        let [low, medium, high] = by_mission;
        match self.mission {
            Mission::Low => low,
            Mission::Medium => medium,
            Mission::High => high,
        }
    }
}

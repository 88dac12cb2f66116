//! What a campaign means for the findings that its vendor patches fix.

use ledger::{Finding, Move, Schedule, State};

use crate::campaign::Campaign;
use crate::journal::Journal;
use crate::machine::{Fate, fates};

/// What a campaign says of one asset's findings of one advisory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Course {
    /// The asset.
    pub asset: String,
    /// The advisory.
    pub advisory: String,
    /// The campaign, as findings name it.
    by: String,
    /// What brings the fix, as findings name it.
    version: String,
    /// When it is meant to be there.
    due_ms: i64,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Planned,
    Fixed,
    Missed,
}

/// What a campaign says of all findings that its patches fix, as far as it has come.
#[must_use]
pub fn courses(campaign: &Campaign, journal: &Journal) -> Vec<Course> {
    let plan = &campaign.plan;
    let mut courses = Vec::new();
    for became in fates(campaign, journal) {
        let wave = plan.rings.get(became.ring);
        let wave = wave.and_then(|ring| ring.waves.get(became.wave));
        let (Some(wave), Some(asset)) = (wave, plan.asset(became.asset)) else {
            continue;
        };
        let stage = match became.fate {
            // Before it restarts it may still run what it ran before.
            Fate::Open {}
            | Fate::Done {
                outstanding: Some(_),
            } => Stage::Planned,
            Fate::Done { outstanding: None } => Stage::Fixed,
            Fate::Skipped { .. } | Fate::RolledBack { .. } | Fate::Failed { .. } => Stage::Missed,
        };
        for patch in plan.patches_of(asset) {
            courses.extend(patch.fixes.iter().map(|advisory| Course {
                asset: asset.id.clone(),
                advisory: advisory.clone(),
                by: format!("campaign {}", campaign.id),
                version: format!("{}, by campaign {}", patch.id, campaign.id),
                due_ms: wave.begins_ms.saturating_add(wave.takes_ms),
                stage,
            }));
        }
    }
    courses
}

impl Course {
    /// What becomes of a finding; none: it stays as it is. What people have decided otherwise
    /// meanwhile is left alone.
    #[must_use]
    pub fn step(&self, finding: &Finding) -> Option<Move> {
        let ours = finding.schedule.as_ref().is_some_and(|it| it.by == self.by);
        match (self.stage, finding.state()) {
            (Stage::Planned, State::Open | State::Shielded) => Some(Move::Schedule(Schedule {
                by: self.by.clone(),
                due_ms: self.due_ms,
            })),
            (Stage::Fixed, State::Open | State::Shielded | State::Scheduled) => Some(Move::Fix {
                version: self.version.clone(),
            }),
            (Stage::Missed, State::Scheduled) if ours => Some(Move::Unschedule {}),
            (Stage::Missed, State::Fixed) if finding.fixed_by.as_ref() == Some(&self.version) => {
                Some(Move::Reopen {})
            }
            _ => None,
        }
    }
}

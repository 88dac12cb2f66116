//! What became of an asset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::phase::Phase;
use super::wave::WaveView;
use crate::hands::Failure;
use crate::journal::Outcome;
use crate::plan::PlannedAsset;

/// What became of an asset in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fate {
    /// It has not come to an end.
    Open {},
    /// Its patches are there, and its checks hold.
    Done {
        /// Why it still has to restart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outstanding: Option<String>,
    },
    /// Nothing was installed.
    Skipped {
        /// Why.
        why: String,
        /// What went wrong, where something did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// It is as it was before.
    RolledBack {
        /// In which phase it went wrong.
        phase: String,
        /// What went wrong; none: somebody took the campaign back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// It did not end well, and could not be taken back.
    Failed {
        /// In which phase.
        phase: String,
        /// What went wrong.
        failure: Failure,
    },
}

impl Fate {
    /// In a word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open {} => "open",
            Self::Done { .. } => "done",
            Self::Skipped { .. } => "skipped",
            Self::RolledBack { .. } => "rolled back",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether it counts against what may fail.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::RolledBack {
                failure: Some(_),
                ..
            } | Self::Failed { .. }
        )
    }

    fn skipped(why: impl Into<String>, failure: Option<&Failure>) -> Self {
        Self::Skipped {
            why: why.into(),
            failure: failure.cloned(),
        }
    }

    fn failed(phase: Phase, failure: &Failure) -> Self {
        Self::Failed {
            phase: phase.name().to_owned(),
            failure: failure.clone(),
        }
    }
}

impl<'a> WaveView<'a> {
    /// What became of an asset, also if the whole campaign was taken back.
    pub(super) fn fate(&self, asset: &PlannedAsset) -> Fate {
        let there = self.fate_there(asset);
        if !matches!(there, Fate::Done { .. }) {
            return there;
        }
        let back = self.back();
        match back.ended(Phase::RollBack, asset) {
            None if back.entry(Phase::RollBack, asset).is_some() => Fate::Open {},
            None => there,
            Some(Outcome::Failed(failure)) => Fate::failed(Phase::RollBack, failure),
            Some(_) => match back.ended(Phase::Again, asset) {
                Some(Outcome::Failed(failure)) => Fate::failed(Phase::Again, failure),
                None if !asset.checks.is_empty() => Fate::Open {},
                _ => Fate::RolledBack {
                    phase: "campaign".to_owned(),
                    failure: None,
                },
            },
        }
    }

    /// What became of an asset on the way there.
    pub(super) fn fate_there(&self, asset: &PlannedAsset) -> Fate {
        if self
            .entry(Phase::Apply, asset)
            .is_none_or(|it| it.attempts == 0)
        {
            return self.out(asset).unwrap_or(Fate::Open {});
        }
        if self.ended(Phase::Apply, asset).is_none() {
            return Fate::Open {};
        }
        let Some((phase, failure)) = self.bad(asset) else {
            return self.good(asset);
        };
        match self.ended(Phase::RollBack, asset) {
            None => Fate::Open {},
            Some(Outcome::Failed(failure)) => Fate::failed(Phase::RollBack, failure),
            Some(_) => match self.ended(Phase::Again, asset) {
                Some(Outcome::Failed(failure)) => Fate::failed(Phase::Again, failure),
                None if !asset.checks.is_empty() => Fate::Open {},
                _ => Fate::RolledBack {
                    phase: phase.name().to_owned(),
                    failure: Some(failure.clone()),
                },
            },
        }
    }

    /// Why nothing is installed on an asset to which nothing was done yet; none: it may be.
    pub(super) fn out(&self, asset: &PlannedAsset) -> Option<Fate> {
        // Nothing was installed, but it is worse than before.
        if let Some(failure) = self.brought_down(asset) {
            return Some(Fate::failed(Phase::BackUp, failure));
        }
        if let Some(Outcome::Skipped { why }) = self.ended(Phase::Apply, asset) {
            return Some(Fate::skipped(why, None));
        }
        if self.changes(asset).is_empty() {
            return Some(Fate::skipped(self.why_blocked(asset), None));
        }
        for (phase, why) in [
            (Phase::Hold, "its jobs could not be put on hold"),
            (Phase::Before, "it was not well before"),
            (Phase::BackUp, "its backup could not be made"),
        ] {
            if let Some(Outcome::Failed(failure)) = self.ended(phase, asset) {
                return Some(Fate::skipped(why, Some(failure)));
            }
        }
        if let Some((whose, failure)) = self.first_failure(Phase::Verify) {
            let why = format!("the backup of {whose}, of the same wave, could not be restored");
            return Some(Fate::skipped(why, Some(failure)));
        }
        if self.stops_first()
            && let Some((whose, failure)) = self.first_failure(Phase::Stop)
        {
            let why = format!("{whose}, which depends on it, could not be stopped");
            return Some(Fate::skipped(why, Some(failure)));
        }
        if let Some(why) = self.stopped() {
            return Some(Fate::skipped(format!("the campaign stopped: {why}"), None));
        }
        let quorum = asset.quorum.as_ref()?;
        self.is_unwell(quorum).then(|| {
            let why = format!("another member of {quorum} is down");
            Fate::skipped(why, None)
        })
    }

    /// What went wrong with an asset to which something was done.
    pub(super) fn bad(&self, asset: &PlannedAsset) -> Option<(Phase, &'a Failure)> {
        self.own_fault(asset).or_else(|| {
            let wave = self.view.campaign.rules.roll_back == crate::Scope::Wave;
            let others = wave.then(|| self.assets().find_map(|it| self.own_fault(it)));
            others.flatten()
        })
    }

    fn own_fault(&self, asset: &PlannedAsset) -> Option<(Phase, &'a Failure)> {
        if self.entry(Phase::Apply, asset)?.attempts == 0 {
            return None;
        }
        for phase in [Phase::Apply, Phase::Reboot, Phase::After] {
            if let Some(Outcome::Failed(failure)) = self.ended(phase, asset) {
                return Some((phase, failure));
            }
        }
        if self.must_restart(asset) {
            for phase in [Phase::Stop, Phase::Start, Phase::After] {
                let found = self
                    .bystanders()
                    .iter()
                    .find_map(|it| match self.ended(phase, it) {
                        Some(Outcome::Failed(failure)) => Some((phase, failure)),
                        _ => None,
                    });
                if found.is_some() {
                    return found;
                }
            }
        }
        match self.gate_ended() {
            Some(Outcome::Failed(failure)) => Some((Phase::Gate, failure)),
            _ => None,
        }
    }

    /// What an asset is with which nothing went wrong so far.
    fn good(&self, asset: &PlannedAsset) -> Fate {
        let wave = self.view.campaign.rules.roll_back == crate::Scope::Wave;
        let open = self.is_under_way(asset)
            || (wave && self.assets().any(|it| self.is_under_way(it)))
            || (!self.ring.gate.is_empty() && self.gate_ended().is_none());
        if open {
            return Fate::Open {};
        }
        let outstanding = match self.ended(Phase::Reboot, asset) {
            Some(Outcome::Skipped { why }) => Some(why.clone()),
            _ => None,
        };
        Fate::Done { outstanding }
    }

    /// Whether something of its own may still go wrong with an asset.
    fn is_under_way(&self, asset: &PlannedAsset) -> bool {
        match self.ended(Phase::Apply, asset) {
            None => self.entry(Phase::Apply, asset).is_some() || self.out(asset).is_none(),
            Some(Outcome::Done(_)) => {
                let restarts = self.must_restart(asset);
                let restarted = self.ended(Phase::Reboot, asset);
                let failed = matches!(restarted, Some(Outcome::Failed(_)));
                let unseen = !asset.checks.is_empty() && self.ended(Phase::After, asset).is_none();
                (restarts && restarted.is_none())
                    || (unseen && !failed)
                    || (restarts && self.bystanders().iter().any(|it| self.stands_still(it)))
            }
            Some(_) => false,
        }
    }

    /// Whether an asset was stopped and has not been seen to be well since.
    fn stands_still(&self, asset: &PlannedAsset) -> bool {
        let sick = matches!(self.ended(Phase::Before, asset), Some(Outcome::Failed(_)));
        let started = self.ended(Phase::Start, asset);
        let seen = asset.checks.is_empty()
            || sick
            || matches!(started, Some(Outcome::Failed(_)))
            || self.ended(Phase::After, asset).is_some();
        self.entry(Phase::Stop, asset).is_some() && (started.is_none() || !seen)
    }
}

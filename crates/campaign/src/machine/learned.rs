//! What the test region has shown of a vendor patch; it decides about the rings behind it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fate::Fate;
use super::phase::Phase;
use super::wave::WaveView;
use crate::journal::Outcome;
use crate::plan::PlannedAsset;

/// What is known of how a vendor patch behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// From where: a test region, or as what the evidence of others is named.
    pub from: String,
    /// On how many of our assets it went well.
    pub well: usize,
    /// On how many it did not.
    pub badly: usize,
    /// Whether it wants a restart.
    pub reboot: bool,
    /// Whether it restarts an asset by itself.
    pub restarts: bool,
    /// How long an asset took at most.
    pub took_ms: i64,
}

impl Learned {
    /// Whether it was seen on our own assets.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.well + self.badly > 0
    }

    /// Adds what was shown before.
    pub(super) fn add(&mut self, before: Option<&Self>) {
        let Some(before) = before else { return };
        self.well += before.well;
        self.badly += before.badly;
        self.reboot |= before.reboot;
        self.restarts |= before.restarts;
        self.took_ms = self.took_ms.max(before.took_ms);
    }
}

impl WaveView<'_> {
    /// Adds what an asset shows of its patches.
    pub(super) fn show(
        &self,
        asset: &PlannedAsset,
        fate: &Fate,
        shown: &mut BTreeMap<u32, Learned>,
    ) {
        let well = match fate {
            Fate::Done { .. } => true,
            fate if fate.is_failure() => false,
            _ => return,
        };
        let took_ms: i64 = [Phase::Apply, Phase::Reboot, Phase::After]
            .iter()
            .filter_map(|phase| self.entry(*phase, asset))
            .map(|entry| entry.took_ms())
            .sum();
        let seen = match self.ended(Phase::Apply, asset) {
            Some(Outcome::Done(done)) => done.clone(),
            _ => crate::Done::default(),
        };
        let changes = self.changes(asset);
        let plan = &self.view.campaign.plan;
        let installed = asset.patches.iter().filter(|at| {
            let patch = plan.patches.get(**at as usize);
            patch.is_some_and(|patch| changes.iter().any(|it| it.patch == patch.id))
        });
        for patch in installed {
            let learned = shown.entry(*patch).or_default();
            learned.well += usize::from(well);
            learned.badly += usize::from(!well);
            learned.reboot |= seen.reboot_needed;
            learned.restarts |= seen.rebooted;
            if well {
                learned.took_ms = learned.took_ms.max(took_ms);
            }
        }
    }
}

//! The plan of a campaign: which vendor patches go where, when, and in which order.

mod graph;
mod make;
mod picture;
mod text;

use ledger::Job;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::{Freeze, Window, WindowRule, Zone};
use crate::policy::{Due, Lane};
use crate::{Check, Means, Retreat};

pub(crate) use make::wave_ms;
pub use make::{Host, Inputs, Offer, RingRule, Service, make};
pub(crate) use picture::escaped;
pub use picture::{gantt, graph};
pub use text::told;

/// The plan of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignPlan")]
pub struct Plan {
    /// Whether it is a month's campaign or an urgent one.
    pub lane: Lane,
    /// The vendor patches.
    pub patches: Vec<PlannedPatch>,
    /// The assets that they go to, and those that stand still meanwhile.
    pub assets: Vec<PlannedAsset>,
    /// The rings, in their order.
    pub rings: Vec<Ring>,
    /// What does not come with this campaign, and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// When nothing is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// What assets do not get by an exception, and what protects them instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excepted: Vec<Excepted>,
    /// What whoever approves should know.
    #[serde(default)]
    pub remarks: Vec<String>,
}

/// A vendor patch of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedPatch {
    /// Names it.
    pub id: String,
    /// For people.
    pub title: String,
    /// The advisories that it fixes.
    #[serde(default)]
    pub fixes: Vec<String>,
    /// When it is due, and why.
    pub due: Due,
    /// By what means it is installed.
    pub means: Means,
}

/// An asset of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedAsset {
    /// Names it.
    pub id: String,
    /// What is installed: places in the plan's list of patches. None: it only stands still
    /// while what it depends on restarts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<u32>,
    /// What depends on it: places in the plan's list of assets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<u32>,
    /// How many assets stand before it, one behind the other, in the order of dependencies.
    pub level: u32,
    /// The group of which never more than one is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<String>,
    /// The units that stop while what they depend on restarts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// What is put on hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Job>,
    /// Whether it updates itself, and must not meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic_updates: bool,
    /// Whether somebody works at it, and is told there, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attended: bool,
    /// What must hold, before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// How its backup is made and how long it is kept; none: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<crate::Backup>,
    /// How it is brought back.
    pub retreat: Retreat,
    /// How long it is thought to take, where the test region has not shown it.
    pub takes_ms: i64,
    /// Who answers for it.
    pub owner: String,
}

/// Assets that are done together: a region, a department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Names it.
    pub name: String,
    /// Whether what it shows decides about the rings behind it.
    #[serde(default)]
    pub test: bool,
    /// By whose clock its windows are told.
    pub zone: Zone,
    /// What its windows come from; none: it was planned before plans told that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<WindowRule>,
    /// When may be worked, in order; some more than the plan needs.
    pub windows: Vec<Window>,
    /// The waves, in order: each ends before the next begins.
    pub waves: Vec<Wave>,
    /// Who must consent.
    pub consents: Vec<Consent>,
    /// Who is told: addresses.
    pub audience: Vec<String>,
    /// What must hold after each wave.
    #[serde(default)]
    pub gate: Vec<Check>,
}

/// Assets that are done at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// Places in the plan's list of assets.
    pub assets: Vec<u32>,
    /// When it is meant to begin.
    pub begins_ms: i64,
    /// How long it is thought to take.
    pub takes_ms: i64,
}

/// Somebody whose consent is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// For which service.
    pub service: String,
    /// Who is asked: an address.
    pub stakeholder: String,
    /// Who is asked when there is no answer in time: an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
}

/// What does not come with a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The vendor patch.
    pub patch: String,
    /// How many assets wait for it.
    pub assets: usize,
    /// Why.
    pub why: String,
    /// The advisories that it fixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<String>,
    /// The assets that it was described for; none: all with findings that it fixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// When it is due, and why; none: it was planned before plans told that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
}

impl LeftOut {
    /// Why, with what is known of when it is due.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.due {
            Some(due) if self.assets > 0 => format!("{}: {}", self.why, due.explained()),
            _ => self.why.clone(),
        }
    }

    /// When it is due, and why it does not come, in one sentence.
    #[must_use]
    pub fn explained(&self) -> String {
        match &self.due {
            Some(due) => format!("{}; not in this campaign: {}", due.explained(), self.why),
            None => format!("{} is not in this campaign: {}", self.patch, self.why),
        }
    }
}

/// What an asset does not get by an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excepted {
    /// The asset.
    pub asset: String,
    /// The vendor patch.
    pub patch: String,
    /// The exception, by its number.
    pub exception: i64,
    /// What protects it meanwhile.
    pub protection: String,
    /// Until when the exception holds.
    pub until_ms: i64,
}

impl Excepted {
    /// In words.
    #[must_use]
    pub fn why(&self) -> String {
        let until = crate::text::date(self.until_ms);
        format!(
            "exception {} until {until}, protected by {}",
            self.exception, self.protection
        )
    }
}

impl Plan {
    /// A ring by its name.
    #[must_use]
    pub fn ring(&self, name: &str) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.name == name)
    }

    /// Whether a vendor patch is in it.
    #[must_use]
    pub(crate) fn has_patch(&self, id: &str) -> bool {
        self.patches.iter().any(|patch| patch.id == id)
    }

    /// An asset by its place.
    #[must_use]
    pub fn asset(&self, at: u32) -> Option<&PlannedAsset> {
        self.assets.get(usize::try_from(at).ok()?)
    }

    /// The patches of an asset.
    pub fn patches_of<'a>(
        &'a self,
        asset: &'a PlannedAsset,
    ) -> impl Iterator<Item = &'a PlannedPatch> {
        let places = asset.patches.iter();
        places.filter_map(|at| self.patches.get(usize::try_from(*at).ok()?))
    }

    /// Assets whose services stop when any of these restarts, those first that others depend on.
    /// Of a quorum group none is stopped for that.
    #[must_use]
    pub fn disturbed(&self, restarting: &[u32]) -> Vec<u32> {
        disturbed(&self.assets, restarting)
    }
}

fn disturbed(assets: &[PlannedAsset], restarting: &[u32]) -> Vec<u32> {
    let mut seen = vec![false; assets.len()];
    let mut queue = restarting.to_vec();
    for at in restarting {
        seen.get_mut(*at as usize)
            .into_iter()
            .for_each(|it| *it = true);
    }
    let mut found = Vec::new();
    while let Some(asset) = queue.pop().and_then(|at| assets.get(at as usize)) {
        for next in &asset.dependents {
            let Some(seen) = seen.get_mut(*next as usize).filter(|seen| !**seen) else {
                continue;
            };
            *seen = true;
            queue.push(*next);
            let stops = assets.get(*next as usize);
            if let Some(stops) = stops.filter(|it| !it.services.is_empty() && it.quorum.is_none()) {
                found.push((stops.level, *next));
            }
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, at)| at).collect()
}

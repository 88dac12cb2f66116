//! What the ingress points of an environment enforce: no more and no less than the rollouts say.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rollout::Stage;
use crate::{Environment, Refused, Rollout};

/// A virtual patch in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BundleEntry")]
pub struct Entry {
    /// The rollout that brought it.
    pub rollout: i64,
    /// The virtual patch, by its identifier.
    pub patch: String,
    /// The document: SHA-256, in hexadecimal.
    pub digest: String,
    /// `shadow`, `canary` or `enforce`.
    pub stage: Stage,
    /// In the canary, the share of clients that it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_percent: Option<u8>,
}

impl Entry {
    /// Whether ingress points do the same, whichever rollout says so.
    fn does(&self, other: &Self) -> bool {
        let what = |it: &Self| (it.stage, it.share_percent);
        self.digest == other.digest && what(self) == what(other)
    }
}

/// What an environment's ingress points enforce, in the order of the patches. Of several documents of
/// a patch the one that has come furthest counts; of these the latest.
#[must_use]
pub fn content<'a>(
    environment: Environment,
    rollouts: impl IntoIterator<Item = &'a Rollout>,
) -> Vec<Entry> {
    let rank = |entry: &Entry| (entry.stage, entry.share_percent, entry.rollout);
    let mut of_patch: BTreeMap<&str, Entry> = BTreeMap::new();
    for rollout in rollouts {
        let Some((stage, share_percent)) = enforced_in(environment, rollout) else {
            continue;
        };
        let entry = Entry {
            rollout: rollout.id,
            patch: rollout.patch.clone(),
            digest: rollout.digest.clone(),
            stage,
            share_percent,
        };
        let there = of_patch.get(rollout.patch.as_str());
        if there.is_none_or(|there| rank(there) < rank(&entry)) {
            of_patch.insert(&rollout.patch, entry);
        }
    }
    of_patch.into_values().collect()
}

/// Whether ingress points do the same by both.
#[must_use]
pub fn same(one: &[Entry], two: &[Entry]) -> bool {
    one.len() == two.len()
        && one
            .iter()
            .zip(two)
            .all(|(one, two)| one.patch == two.patch && one.does(two))
}

/// A patch's entry.
#[must_use]
pub fn of<'a>(content: &'a [Entry], patch: &str) -> Option<&'a Entry> {
    content.iter().find(|entry| entry.patch == patch)
}

/// The rollouts that must change so that an environment has an earlier content again, as they
/// become; of one patch, if it is named. They are paused: what was taken back does not come again by itself.
///
/// # Errors
/// A patch would have to leave the test environment while it is used in production.
pub fn back(
    environment: Environment,
    rollouts: &[Rollout],
    before: &[Entry],
    patch: Option<&str>,
    (reason, now_ms): (&str, i64),
) -> Result<Vec<Rollout>, Refused> {
    let mut of_patch: BTreeMap<&str, Vec<Rollout>> = BTreeMap::new();
    let concerned = |rollout: &&Rollout| patch.is_none_or(|patch| rollout.patch == patch);
    for rollout in rollouts.iter().filter(concerned) {
        let there = of_patch.entry(&rollout.patch).or_default();
        there.push(rollout.clone());
    }
    let mut changed = Vec::new();
    for (patch, mut rollouts) in of_patch {
        let was = rollouts.clone();
        let before = of(before, patch);
        restore(environment, &mut rollouts, before, (reason, now_ms))?;
        let pairs = was.iter().zip(rollouts);
        changed.extend(pairs.filter_map(|(was, now)| (*was != now).then_some(now)));
    }
    // Those that end come first: others may take their place.
    changed.sort_by_key(|rollout| rollout.stage != Stage::Retired);
    Ok(changed)
}

/// Leads one patch's rollouts back.
fn restore(
    environment: Environment,
    rollouts: &mut [Rollout],
    before: Option<&Entry>,
    (reason, now_ms): (&str, i64),
) -> Result<(), Refused> {
    let done = |rollouts: &[Rollout]| {
        let now = content(environment, rollouts);
        match (now.first(), before) {
            (None, None) => true,
            (Some(now), Some(before)) => now.does(before),
            _ => false,
        }
    };
    if done(rollouts) {
        return Ok(());
    }
    if let Some(before) = before {
        // One that lives and deploys the same document, else the one that brought it.
        let lives = |rollout: &Rollout| {
            rollout.digest == before.digest
                && rollout.stage != Stage::Retired
                && (environment == Environment::Test || rollout.environment == environment)
        };
        let brought = |rollout: &Rollout| rollout.id == before.rollout;
        let place = rollouts.iter().position(lives);
        let place = place.or_else(|| rollouts.iter().position(brought));
        if let Some(rollout) = place.and_then(|place| rollouts.get_mut(place)) {
            let step = match environment {
                Environment::Production => (before.stage, before.share_percent),
                Environment::Test if rollout.stage == Stage::Retired => (Stage::Test, None),
                Environment::Test => (rollout.stage, rollout.share_percent),
            };
            *rollout = rollout.taken_back(step, (reason, now_ms));
        }
    }
    // Whatever else counts more goes, one after the other.
    while !done(rollouts) {
        let Some(first) = content(environment, &*rollouts).first().cloned() else {
            break;
        };
        let last = rollouts.iter_mut().find(|each| each.id == first.rollout);
        let Some(rollout) = last else { break };
        let step = match environment {
            Environment::Production => Stage::Test,
            Environment::Test if in_production(rollout) => {
                return Err(Refused::new(format!(
                    "rollout {} of patch {} has come to {} in production: roll that back first",
                    rollout.id, rollout.patch, rollout.stage
                )));
            }
            Environment::Test => Stage::Retired,
        };
        *rollout = rollout.taken_back((step, None), (reason, now_ms));
    }
    Ok(())
}

/// What a rollout has an environment's ingress points do. In the test environment everything that
/// lives is enforced, also what is meant for production.
fn enforced_in(environment: Environment, rollout: &Rollout) -> Option<(Stage, Option<u8>)> {
    match (environment, rollout.stage) {
        (_, Stage::Retired) => None,
        (Environment::Test, _) => Some((Stage::Enforce, None)),
        (Environment::Production, _) if !in_production(rollout) => None,
        (Environment::Production, stage) => Some((stage, rollout.share_percent)),
    }
}

fn in_production(rollout: &Rollout) -> bool {
    rollout.environment == Environment::Production
        && !matches!(rollout.stage, Stage::Test | Stage::Retired)
}

//! Where a campaign stands, for people and programs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::campaign::Campaign;
use crate::journal::Journal;
use crate::machine::{Signals, fates, next_step};
use crate::plan::Ring;
use crate::task::{Step, Waiting};

/// Where a campaign stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignStatus")]
pub struct Status {
    /// The campaign's number.
    pub id: i64,
    /// For people.
    pub title: String,
    /// `planned`, `started`, `paused`, `taken back` or `ended`.
    pub state: String,
    /// How many assets came to which end.
    pub assets: BTreeMap<String, usize>,
    /// The keys of the tasks that are under way.
    pub open: Vec<String>,
    /// What comes next, for people.
    pub next: Vec<String>,
    /// The reviews that nobody has signed.
    pub reviews: Vec<OpenReview>,
    /// The consents that nobody has given, also those for which it is not yet time.
    pub consents: Vec<OpenConsent>,
}

/// A vendor patch that nobody has reviewed for a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenReview {
    /// The ring.
    pub ring: String,
    /// The vendor patch.
    pub patch: String,
}

/// A consent that nobody has given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenConsent {
    /// The ring.
    pub ring: String,
    /// The service.
    pub service: String,
    /// Who may give it: the stakeholder, then the delegate.
    pub who: Vec<String>,
    /// When the answer is due; none: nobody was asked yet.
    pub deadline_ms: Option<i64>,
    /// Who has objected, and why.
    pub objection: Option<String>,
}

/// Where a campaign stands now.
#[must_use]
pub fn status(campaign: &Campaign, journal: &Journal, now_ms: i64) -> Status {
    // Whoever works on it knows what is under way; to others it is what has not ended.
    let running: BTreeSet<String> = journal.open().map(|it| it.task.key.clone()).collect();
    let open = running.iter().cloned().collect();
    let step = next_step(campaign, journal, &Signals { running }, now_ms);
    let mut assets = BTreeMap::new();
    for became in fates(campaign, journal) {
        *assets.entry(became.fate.name().to_owned()).or_default() += 1;
    }
    let over = journal.is_over();
    let rings = match over {
        true => &[][..],
        false => &campaign.plan.rings,
    };
    let state = match over && campaign.rolled_back.is_none() {
        true => "ended",
        false => campaign.state(),
    };
    Status {
        id: campaign.id,
        title: campaign.title.clone(),
        state: state.to_owned(),
        assets,
        open,
        next: step.told(),
        reviews: rings
            .iter()
            .flat_map(|ring| reviews(campaign, ring))
            .collect(),
        consents: rings
            .iter()
            .flat_map(|ring| consents(campaign, ring, &step))
            .collect(),
    }
}

/// In the order of the plan's patches.
fn reviews(campaign: &Campaign, ring: &Ring) -> Vec<OpenReview> {
    let plan = &campaign.plan;
    let assets = ring.waves.iter().flat_map(|it| &it.assets);
    let assets = assets.filter_map(|at| plan.asset(*at));
    let patches: BTreeSet<u32> = assets.flat_map(|it| it.patches.iter().copied()).collect();
    let patches = patches.iter();
    let patches = patches.filter_map(|at| plan.patches.get(usize::try_from(*at).ok()?));
    patches
        .filter(|it| campaign.review_of(&it.id, &ring.name).is_none())
        .map(|it| OpenReview {
            ring: ring.name.clone(),
            patch: it.id.clone(),
        })
        .collect()
}

fn consents(campaign: &Campaign, ring: &Ring, step: &Step) -> Vec<OpenConsent> {
    let answers = |service: &str| {
        let answers = campaign.answers.iter().rev();
        let mut answers = answers.filter(move |it| it.ring == ring.name && it.service == service);
        answers.next()
    };
    let awaited = |wanted: &str| {
        let Step::Wait(why) = step else { return None };
        why.iter().find_map(|it| match it {
            Waiting::ForConsent {
                ring: of,
                service,
                deadline_ms,
                ..
            } if *of == ring.name && service == wanted => Some(*deadline_ms),
            _ => None,
        })
    };
    let open = ring
        .consents
        .iter()
        .filter(|it| answers(&it.service).is_none_or(|answer| !answer.consents));
    open.map(|it| OpenConsent {
        ring: ring.name.clone(),
        service: it.service.clone(),
        who: [Some(&it.stakeholder), it.delegate.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        deadline_ms: awaited(&it.service),
        objection: answers(&it.service)
            .map(|answer| format!("{}: {}", answer.word.who, answer.word.text)),
    })
    .collect()
}

impl Step {
    /// What it means, for people.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        match self {
            Self::Do(task) => vec![format!("next: {}", task.key)],
            Self::Inspect(task) => vec![format!("to find out: what became of {}", task.key)],
            Self::Skip(task, why) => vec![format!("left out: {}, {why}", task.key)],
            Self::End => vec!["it has ended".to_owned()],
            Self::Wait(why) => why.iter().map(Waiting::told).collect(),
        }
    }
}

impl Waiting {
    /// What it means, for people.
    #[must_use]
    pub fn told(&self) -> String {
        let time = |ms: i64| {
            let time = Timestamp::from_millisecond(ms);
            time.map_or_else(|_| ms.to_string(), |time| time.to_string())
        };
        match self {
            Self::ForStart {} => "waits for its start: stopgap campaign start".to_owned(),
            Self::Paused { reason } => format!("paused: {reason}"),
            Self::ForReview { ring, patch } => {
                format!("waits for a review of {patch} for ring {ring}: stopgap campaign review")
            }
            Self::ForEvidence { ring, patch } => format!(
                "waits for evidence of {patch} for ring {ring}, which no test region has shown: stopgap campaign evidence"
            ),
            Self::ForConsent {
                ring,
                service,
                who,
                deadline_ms,
            } => format!(
                "waits for the consent of {} to {service} in ring {ring} until {}: stopgap campaign approve",
                who.join(" or "),
                time(*deadline_ms)
            ),
            Self::Until { time_ms, what } => format!("waits until {}: {what}", time(*time_ms)),
            Self::ForTasks { running } => format!("waits for {running} tasks under way"),
        }
    }
}

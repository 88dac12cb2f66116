//! What the API tells of campaigns.

use std::collections::BTreeMap;

use campaign::policy::{Due, Lane};
use campaign::{AgendaEntry, Campaign, Mail, Note, Word, plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A campaign in a list.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignLine")]
pub(crate) struct CampaignLine {
    /// Its number.
    pub(crate) id: i64,
    /// For people.
    pub(crate) title: String,
    /// Who answers for it: an address.
    pub(crate) owner: String,
    /// `planned`, `started`, `paused`, `taken back` or `ended`.
    pub(crate) state: String,
    /// Whether it is a month's campaign or an urgent one.
    pub(crate) lane: Lane,
    /// The campaign whose failures it takes up.
    pub(crate) follows: Option<i64>,
    /// Who planned it, and when.
    pub(crate) planned: Word,
    /// How many vendor patches it brings.
    pub(crate) patches: usize,
    /// To how many assets.
    pub(crate) assets: usize,
    /// When its first wave is meant to begin.
    pub(crate) begins_ms: Option<i64>,
    /// When its last wave is meant to be over.
    pub(crate) ends_ms: Option<i64>,
}

impl CampaignLine {
    pub(crate) fn of(campaign: &Campaign, is_over: bool) -> Self {
        let waves = campaign.plan.rings.iter().flat_map(|it| &it.waves);
        let ends = waves
            .clone()
            .map(|it| it.begins_ms.saturating_add(it.takes_ms));
        let state = match is_over && campaign.rolled_back.is_none() {
            true => "ended",
            false => campaign.state(),
        };
        Self {
            id: campaign.id,
            title: campaign.title.clone(),
            owner: campaign.owner.clone(),
            state: state.to_owned(),
            lane: campaign.plan.lane,
            follows: campaign.follows,
            planned: campaign.planned.clone(),
            patches: campaign.plan.patches.len(),
            assets: waves.clone().map(|it| it.assets.len()).sum(),
            begins_ms: waves.map(|it| it.begins_ms).min(),
            ends_ms: ends.max(),
        }
    }
}

/// A plan for whoever approves it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignDrawn")]
pub(crate) struct Drawn {
    /// What is done where, when and why.
    pub(crate) text: String,
    /// What comes before what, in SVG.
    pub(crate) graph: String,
    /// The waves on a line of time, in SVG.
    pub(crate) gantt: String,
}

impl Drawn {
    pub(crate) fn of(campaign: &Campaign) -> Self {
        Self {
            text: plan::told(campaign),
            graph: plan::graph(&campaign.plan),
            gantt: plan::gantt(&campaign.plan),
        }
    }
}

/// When a vendor patch of a campaign is due.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CampaignDue")]
pub(super) struct DueShown {
    /// When, and why.
    due: Due,
    /// The same in one sentence.
    explained: String,
}

impl From<Due> for DueShown {
    fn from(due: Due) -> Self {
        Self {
            explained: due.explained(),
            due,
        }
    }
}

/// A text that is kept to be read.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignNoted")]
pub(crate) struct Noted {
    /// What it is of.
    pub(crate) note: Note,
    /// As it was fetched or pasted.
    pub(crate) text: String,
}

/// What people are told.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignNotices")]
pub(crate) struct Notices {
    /// Mails, by their names.
    pub(crate) mails: BTreeMap<String, Mail>,
    /// What is shown to whoever works at an asset.
    pub(crate) message: String,
}

/// What stands in the calendar.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Calendar")]
pub(crate) struct Calendar {
    /// In order.
    pub(crate) items: Vec<AgendaEntry>,
}

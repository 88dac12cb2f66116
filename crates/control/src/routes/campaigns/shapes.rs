//! What the API tells of campaigns.

use std::collections::BTreeMap;

use campaign::calendar::Zone;
use campaign::plan::{PlannedAsset, PlannedPatch};
use campaign::policy::Lane;
use campaign::{AgendaEntry, Answer, Campaign, Evidence, Mail, Note, Review, Rules, Word, plan};
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

/// A campaign without what its lists tell.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignSummary")]
pub(crate) struct Summary {
    /// As in a list.
    #[serde(flatten)]
    pub(crate) line: CampaignLine,
    /// Whom to call when something is wrong.
    pub(crate) contact: String,
    /// Its rings, in their order.
    pub(crate) rings: Vec<RingShown>,
    /// How many vendor patches do not come with it; `due` tells which and why.
    pub(crate) left_out: usize,
    /// How many times an asset does not get a vendor patch by an exception; the report tells which.
    pub(crate) excepted: usize,
    /// What whoever approves should know.
    pub(crate) remarks: Vec<String>,
    /// How it goes about it.
    pub(crate) rules: Rules,
    /// Who started it.
    pub(crate) started: Option<Word>,
    /// Who let it pause.
    pub(crate) paused: Option<Word>,
    /// Who took all of it back.
    pub(crate) rolled_back: Option<Word>,
    /// The first objection that was not taken back.
    pub(crate) objection: Option<Answer>,
}

/// A ring of a campaign.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignRing")]
pub(crate) struct RingShown {
    /// Names it.
    pub(crate) name: String,
    /// Whether what it shows decides about the rings behind it.
    pub(crate) test: bool,
    /// By whose clock its windows are told.
    pub(crate) zone: Zone,
    /// How many assets get something.
    pub(crate) assets: usize,
    /// In how many waves.
    pub(crate) waves: usize,
}

impl Summary {
    pub(super) fn of(campaign: &Campaign, is_over: bool) -> Self {
        let plan = &campaign.plan;
        let rings = plan.rings.iter().map(|ring| RingShown {
            name: ring.name.clone(),
            test: ring.test,
            zone: ring.zone.clone(),
            assets: ring.waves.iter().map(|it| it.assets.len()).sum(),
            waves: ring.waves.len(),
        });
        Self {
            line: CampaignLine::of(campaign, is_over),
            contact: campaign.contact.clone(),
            rings: rings.collect(),
            left_out: plan.left_out.len(),
            excepted: plan.excepted.len(),
            remarks: plan.remarks.clone(),
            rules: campaign.rules.clone(),
            started: campaign.started.clone(),
            paused: campaign.paused.clone(),
            rolled_back: campaign.rolled_back.clone(),
            objection: campaign.objection().cloned(),
        }
    }
}

/// A vendor patch of a campaign.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignPatch")]
pub(crate) struct PatchShown {
    /// Its place in the plan's list, as assets name it.
    pub(crate) place: u32,
    /// As it was planned.
    pub(crate) patch: PlannedPatch,
    /// What there is to read of it.
    pub(crate) notes: Vec<Note>,
    /// What was read and signed, ring by ring.
    pub(crate) reviews: Vec<Review>,
    /// What shows how it behaves where no test region does.
    pub(crate) evidence: Vec<Evidence>,
}

/// An asset of a campaign.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignAsset")]
pub(crate) struct AssetShown {
    /// Its place in the plan's list, as assets that it depends on name it.
    pub(crate) place: u32,
    /// Its ring; none: it gets nothing, and only stands still while what it depends on restarts.
    pub(crate) ring: Option<String>,
    /// Its wave there, from 1.
    pub(crate) wave: Option<usize>,
    /// The vendor patches that it gets.
    pub(crate) names: Vec<String>,
    /// As it was planned.
    pub(crate) asset: PlannedAsset,
}

/// A wave of a campaign.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CampaignWave")]
pub(crate) struct WaveShown {
    /// The ring.
    pub(crate) ring: String,
    /// Whether what the ring shows decides about those behind it.
    pub(crate) test: bool,
    /// The wave's number there, from 1.
    pub(crate) wave: usize,
    /// How many assets are worked on.
    pub(crate) assets: usize,
    /// When it is meant to begin.
    pub(crate) begins_ms: i64,
    /// How long it is thought to take.
    pub(crate) takes_ms: i64,
    /// The ring's window that is open or opens next, by the ring's clock; none: there is no more.
    pub(crate) next_window: Option<String>,
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
    /// What does not stand there though it lies in the time that was asked for, for people.
    pub(crate) left_out: Vec<String>,
}

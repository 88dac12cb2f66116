//! What became of a campaign: for people, for machines, for auditors.

mod csv;
mod html;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::campaign::{Answer, Campaign, Evidence, Remedy, Review, Word};
use crate::journal::{Entry, Journal, Outcome};
use crate::machine::{Fate, Learned, fates, learned};
use crate::task::Action;

pub use csv::csv;
pub use html::html;

/// Bytes of what was seen that a report shows of one task.
const SEEN: usize = 4000;

/// What became of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignReport")]
pub struct Report {
    /// The shape of this report.
    pub version: u32,
    /// The campaign's number.
    pub campaign: i64,
    /// For people.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was reported.
    pub time_ms: i64,
    /// The campaign whose failures this one takes up.
    pub follows: Option<i64>,
    /// The campaigns that take up the failures of this one.
    pub followed_by: Vec<i64>,
    /// Who planned it.
    pub planned: Word,
    /// Who started it.
    pub started: Option<Word>,
    /// Who took it back.
    pub rolled_back: Option<Word>,
    /// One for each asset and patch.
    pub results: Vec<Line>,
    /// One for each hold.
    pub holds: Vec<Hold>,
    /// What is to be done about what failed or was left out.
    pub remedies: Vec<Open>,
    /// Who approved, or objected.
    pub answers: Vec<Answer>,
    /// What was read before.
    pub reviews: Vec<Review>,
    /// What others have shown.
    pub evidence: Vec<Evidence>,
    /// What was known of each patch at the end.
    pub learned: BTreeMap<String, Learned>,
    /// What was tested, and what that showed.
    pub tests: Vec<Test>,
}

/// What became of one patch on one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportLine")]
pub struct Line {
    /// The ring; empty for what an exception leaves out.
    pub ring: String,
    /// The wave, from 1; then 0.
    pub wave: usize,
    /// The asset.
    pub asset: String,
    /// The vendor patch.
    pub patch: String,
    /// `done`, `skipped`, `rolled back`, `failed` or `open`.
    pub result: String,
    /// Why it is not done, or what is still to do.
    pub why: String,
    /// The kind of fault.
    pub class: String,
    /// What was seen of it.
    pub excerpt: String,
    /// How long the asset was worked on: installing, restarting, checking.
    pub took_ms: i64,
    /// `restarted`, `by itself`, `outstanding` or empty.
    pub reboot: String,
}

/// A hold of an asset's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportHold")]
pub struct Hold {
    /// The asset.
    pub asset: String,
    /// The jobs.
    pub jobs: Vec<String>,
    /// When it began.
    pub held_ms: i64,
    /// When it ended; none: it has not.
    pub released_ms: Option<i64>,
    /// What shows that, or why it has not.
    pub proof: String,
}

/// Something that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportRemedy")]
pub struct Open {
    /// The asset.
    pub asset: String,
    /// Who does it.
    pub owner: String,
    /// What is wrong.
    pub problem: String,
    /// What was found out and will be done; none: nobody has said.
    pub plan: Option<Word>,
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportTest")]
pub struct Test {
    /// Names the task.
    pub task: String,
    /// What was checked.
    pub what: Vec<String>,
    /// When it ended.
    pub time_ms: i64,
    /// Whether it held.
    pub held: bool,
    /// What was seen.
    pub seen: String,
}

/// Tells what became of a campaign so far.
#[must_use]
pub fn report(
    campaign: &Campaign,
    journal: &Journal,
    followed_by: Vec<i64>,
    now_ms: i64,
) -> Report {
    let (results, remedies) = results(campaign, journal);
    let rings = campaign.plan.rings.len();
    let learned = learned(campaign, journal, rings).into_iter();
    let learned = learned.filter_map(|(at, it)| {
        let patch = campaign.plan.patches.get(usize::try_from(at).ok()?)?;
        Some((patch.id.clone(), it))
    });
    Report {
        version: 1,
        campaign: campaign.id,
        title: campaign.title.clone(),
        owner: campaign.owner.clone(),
        time_ms: now_ms,
        follows: campaign.follows,
        followed_by,
        planned: campaign.planned.clone(),
        started: campaign.started.clone(),
        rolled_back: campaign.rolled_back.clone(),
        results,
        holds: holds(journal),
        remedies,
        answers: campaign.answers.clone(),
        reviews: campaign.reviews.clone(),
        evidence: campaign.evidence.clone(),
        learned: learned.collect(),
        tests: journal.entries().filter_map(test).collect(),
    }
}

/// What is to be done about assets that failed, were left out or taken back.
#[must_use]
pub fn remedies(campaign: &Campaign, journal: &Journal) -> Vec<Open> {
    results(campaign, journal).1
}

fn results(campaign: &Campaign, journal: &Journal) -> (Vec<Line>, Vec<Open>) {
    let plan = &campaign.plan;
    let (mut lines, mut remedies) = (Vec::new(), Vec::new());
    for became in fates(campaign, journal) {
        let (Some(ring), Some(asset)) = (plan.rings.get(became.ring), plan.asset(became.asset))
        else {
            continue;
        };
        let prefix = format!("{}/{}/{}/", ring.name, became.wave + 1, asset.id);
        let entry = |phase: &str| journal.get(&format!("{prefix}{phase}"));
        let worked = ["apply", "reboot", "check-after"];
        let took_ms = worked.iter().filter_map(|it| entry(it)).map(Entry::took_ms);
        let (why, failure) = match &became.fate {
            Fate::Open {} => (String::new(), None),
            Fate::Done { outstanding } => (
                outstanding.as_ref().map_or(String::new(), |why| {
                    format!("it has still to restart: {why}")
                }),
                None,
            ),
            Fate::Skipped { why, failure } => (why.clone(), failure.as_ref()),
            Fate::RolledBack { phase, failure } => {
                (format!("it went wrong at {phase}"), failure.as_ref())
            }
            Fate::Failed { phase, failure } => (format!("it went wrong at {phase}"), Some(failure)),
        };
        let why = match &became.fate {
            Fate::RolledBack { failure: None, .. } => "the campaign was taken back".to_owned(),
            _ => why,
        };
        let line = Line {
            ring: ring.name.clone(),
            wave: became.wave + 1,
            asset: asset.id.clone(),
            patch: String::new(),
            result: became.fate.name().to_owned(),
            class: failure.map_or(String::new(), |it| it.class.name().to_owned()),
            excerpt: failure.map_or(String::new(), |it| shortened(&it.excerpt)),
            took_ms: took_ms.sum(),
            reboot: reboot(entry("apply"), entry("reboot"), &became.fate).to_owned(),
            why,
        };
        let finished = matches!(
            became.fate,
            Fate::Done { outstanding: None } | Fate::Open {}
        );
        if !finished {
            remedies.push(remedy(campaign, &line, &asset.owner));
        }
        lines.extend(plan.patches_of(asset).map(|patch| Line {
            patch: patch.id.clone(),
            ..line.clone()
        }));
    }
    lines.extend(plan.excepted.iter().map(|it| Line {
        ring: String::new(),
        wave: 0,
        asset: it.asset.clone(),
        patch: it.patch.clone(),
        result: "skipped".to_owned(),
        why: it.why(),
        class: String::new(),
        excerpt: String::new(),
        took_ms: 0,
        reboot: String::new(),
    }));
    (lines, remedies)
}

fn reboot(apply: Option<&Entry>, reboot: Option<&Entry>, fate: &Fate) -> &'static str {
    let outcome = |entry: Option<&Entry>| {
        let ended = entry.and_then(|it| it.ended.clone());
        ended.map(|it| it.outcome)
    };
    match (outcome(apply), outcome(reboot), fate) {
        (_, Some(Outcome::Done(_)), _) => "restarted",
        (Some(Outcome::Done(done)), _, _) if done.rebooted => "by itself",
        (
            _,
            _,
            Fate::Done {
                outstanding: Some(_),
            },
        ) => "outstanding",
        _ => "",
    }
}

fn remedy(campaign: &Campaign, line: &Line, owner: &str) -> Open {
    let known: Option<&Remedy> = campaign.remedies.iter().find(|it| it.asset == line.asset);
    Open {
        asset: line.asset.clone(),
        owner: known.map_or_else(|| owner.to_owned(), |it| it.owner.clone()),
        problem: match line.class.is_empty() {
            true => format!("{}: {}", line.result, line.why),
            false => format!("{}: {} ({})", line.result, line.why, line.class),
        },
        plan: known.map(|it| it.word.clone()),
    }
}

/// Each hold with the release that followed it.
fn holds(journal: &Journal) -> Vec<Hold> {
    let held = journal
        .entries()
        .filter_map(|entry| match &entry.task.action {
            Action::Hold { jobs, .. } if entry.attempts > 0 => Some((entry, jobs)),
            _ => None,
        });
    held.map(|(entry, jobs)| {
        let key = entry.task.key.strip_suffix("hold").unwrap_or_default();
        let release = journal.get(&format!("{key}release"));
        let ended = release.and_then(|it| it.ended.as_ref());
        let (released_ms, proof) = match ended.map(|it| (it.time_ms, &it.outcome)) {
            Some((time_ms, Outcome::Done(done))) => (Some(time_ms), shortened(&done.evidence)),
            Some((_, Outcome::Failed(failure))) => (
                None,
                format!("not released: {}", shortened(&failure.excerpt)),
            ),
            _ => (None, "not released yet".to_owned()),
        };
        Hold {
            asset: entry.task.asset.clone().unwrap_or_default(),
            jobs: jobs.iter().map(|it| it.name.clone()).collect(),
            held_ms: entry.begun_ms,
            released_ms,
            proof,
        }
    })
    .collect()
}

fn test(entry: &Entry) -> Option<Test> {
    let what = match &entry.task.action {
        Action::Check { checks } => checks.iter().map(|it| it.name.clone()).collect(),
        Action::VerifyBackup(backup) => vec![format!("backup {} restored", backup.name)],
        _ => return None,
    };
    let ended = entry.ended.as_ref()?;
    let (held, seen) = match &ended.outcome {
        Outcome::Done(done) => (true, shortened(&done.evidence)),
        Outcome::Failed(failure) => (false, shortened(&failure.excerpt)),
        Outcome::Undone {} | Outcome::Skipped { .. } => return None,
    };
    Some(Test {
        task: entry.task.key.clone(),
        what,
        time_ms: ended.time_ms,
        held,
        seen,
    })
}

/// The end of what was seen: there stands why it ended.
fn shortened(text: &str) -> String {
    let from = text.len().saturating_sub(SEEN);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    match from {
        Some(from) if from > 0 => format!("…{}", text.get(from..).unwrap_or(text)),
        _ => text.to_owned(),
    }
}

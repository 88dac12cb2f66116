//! Where a campaign stands.

use std::process::ExitCode;

use campaign::machine::{Signals, fates, next_step};
use campaign::{Step, Waiting};
use clap::Args;
use serde_json::json;

use crate::ledger_place::{Place, now_ms};

/// Tell where a campaign stands, and what it waits for.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Write one JSON object: {"id", "title", "assets", "open", "next"}.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Status) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (campaign, journal) = store.read(|it| {
        let campaign = it.campaign(arguments.id)?.value;
        Ok((campaign, it.campaign_journal(arguments.id)?))
    })?;
    // Whoever works on it knows what is under way; to others it is what has not ended.
    let seen = Signals {
        running: journal.open().map(|it| it.task.key.clone()).collect(),
    };
    let step = next_step(&campaign, &journal, &seen, now_ms());
    let mut counts = serde_json::Map::new();
    for became in fates(&campaign, &journal) {
        let count = counts.entry(became.fate.name()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    let next = told(&step);
    if arguments.json {
        let open: Vec<&String> = seen.running.iter().collect();
        let told = json!({ "id": campaign.id, "title": campaign.title, "assets": counts,
            "open": open, "next": next });
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("campaign {}: {}", campaign.id, campaign.title);
    for (fate, count) in counts {
        println!("  {count} {fate}");
    }
    for key in &seen.running {
        println!("  under way: {key}");
    }
    next.iter().for_each(|it| println!("  {it}"));
    Ok(ExitCode::SUCCESS)
}

/// What comes next, for people.
pub(super) fn told(step: &Step) -> Vec<String> {
    match step {
        Step::Do(task) => vec![format!("next: {}", task.key)],
        Step::Inspect(task) => vec![format!("to find out: what became of {}", task.key)],
        Step::Skip(task, why) => vec![format!("left out: {}, {why}", task.key)],
        Step::End => vec!["it has ended".to_owned()],
        Step::Wait(why) => why.iter().map(waiting).collect(),
    }
}

fn waiting(why: &Waiting) -> String {
    let time = |ms: i64| {
        let time = jiff::Timestamp::from_millisecond(ms);
        time.map_or_else(|_| ms.to_string(), |time| time.to_string())
    };
    match why {
        Waiting::ForStart {} => "waits for its start: stopgap campaign start".to_owned(),
        Waiting::Paused { reason } => format!("paused: {reason}"),
        Waiting::ForReview { ring, patch } => {
            format!("waits for a review of {patch} for ring {ring}: stopgap campaign review")
        }
        Waiting::ForEvidence { ring, patch } => format!(
            "waits for evidence of {patch} for ring {ring}, which no test region has shown: stopgap campaign evidence"
        ),
        Waiting::ForConsent {
            ring,
            service,
            who,
            deadline_ms,
        } => format!(
            "waits for the consent of {} to {service} in ring {ring} until {}: stopgap campaign approve",
            who.join(" or "),
            time(*deadline_ms)
        ),
        Waiting::Until { time_ms, what } => format!("waits until {}: {what}", time(*time_ms)),
        Waiting::ForTasks { running } => format!("waits for {running} tasks under way"),
    }
}

//! Where a campaign stands.

use std::process::ExitCode;

use clap::Args;

use crate::ledger_place::{Place, now_ms};

/// Tell where a campaign stands, and what it waits for.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// Write one JSON object: {"id", "title", "state", "assets", "open", "next", "reviews", "consents"}.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Status) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (campaign, journal) = store.read(|it| {
        let campaign = it.campaign(arguments.id)?.value;
        Ok((campaign, it.campaign_journal(arguments.id)?))
    })?;
    let status = campaign::status(&campaign, &journal, now_ms());
    if arguments.json {
        println!("{}", serde_json::to_string(&status)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("campaign {}: {}", status.id, status.title);
    for (fate, count) in &status.assets {
        println!("  {count} {fate}");
    }
    for key in &status.open {
        println!("  under way: {key}");
    }
    status.next.iter().for_each(|it| println!("  {it}"));
    Ok(ExitCode::SUCCESS)
}

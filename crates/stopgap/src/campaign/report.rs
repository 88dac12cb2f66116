//! What became of a campaign.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use campaign::{plan, report};
use clap::{Args, ValueEnum};

use crate::ledger_place::{Place, now_ms};

/// Report on a campaign: per asset and patch what became of it, holds, tests, who approved.
#[derive(Args)]
pub(crate) struct Report {
    #[command(flatten)]
    place: Place,
    /// The campaign's number.
    id: i64,
    /// For people, for a spreadsheet, for programs.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Where to; without it, to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Html,
    Csv,
    Json,
}

pub(super) fn run(arguments: &Report) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (campaign, journal, followed_by) = store.read(|it| {
        let campaign = it.campaign(arguments.id)?.value;
        let journal = it.campaign_journal(arguments.id)?;
        Ok((campaign, journal, it.campaigns_after(arguments.id)?))
    })?;
    let report = report::report(&campaign, &journal, followed_by, now_ms());
    let text = match arguments.format {
        Format::Html => {
            let plan = &campaign.plan;
            report::html(&report, &plan::gantt(plan), &plan::graph(plan))
        }
        Format::Csv => report::csv(&report),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&report)?),
    };
    match &arguments.out {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

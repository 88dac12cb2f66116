//! `stopgap findings`: what is to be done.

mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ledger::{Finding, State, Subject};
use serde_json::json;
use store::{FindingFilter, Stored};

use crate::ledger_place::Place;
use crate::listing::Listing;

/// List findings, the most urgent first.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    place: Place,
    /// Only those in this state: open, shielded, scheduled, excepted, fixed or closed.
    #[arg(long)]
    state: Option<State>,
    /// Only those of this advisory.
    #[arg(long, value_name = "ID")]
    advisory: Option<String>,
    /// Only those that concern this: asset/ID or application/ID.
    #[arg(long, value_name = "KIND/ID")]
    subject: Option<Subject>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Subcommand)]
enum Command {
    Verify(verify::Verify),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Verify(arguments)) = &arguments.command {
        return verify::run(arguments);
    }
    let store = arguments.place.open()?;
    let filter = FindingFilter {
        state: arguments.state,
        advisory: arguments.advisory.clone(),
        subject: arguments.subject.clone(),
    };
    let page = store.read(|it| it.findings(&filter, arguments.listing.paging()))?;
    let json = |found: &Stored<Finding>| json!(found.value);
    arguments.listing.tell("findings", &page, json, |found| {
        let finding = &found.value;
        Ok(format!(
            "{:>6}  {:<8}  {:<9}  {}  {}",
            finding.id,
            finding.severity.name(),
            finding.state().name(),
            finding.advisory,
            finding.subject
        ))
    })
}

//! `stopgap findings`: what is to be done.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use ledger::{State, Subject};
use store::{FindingFilter, Paging};

use crate::ledger_place::Place;

/// List findings, the most urgent first.
#[derive(Args)]
pub(crate) struct Arguments {
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
    /// How many at most, up to 200.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Where the page before said that the list goes on.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Write one JSON object: {"findings": […], "next"}.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let filter = FindingFilter {
        state: arguments.state,
        advisory: arguments.advisory.clone(),
        subject: arguments.subject.clone(),
    };
    let paging = Paging {
        after: arguments.after.as_deref(),
        most: Some(arguments.limit),
    };
    let page = store.read(|it| it.findings(&filter, paging))?;
    let findings = page.items.iter().map(|item| &item.value);
    let mut output = std::io::stdout().lock();
    if arguments.json {
        let findings: Vec<_> = findings.collect();
        let told = serde_json::json!({ "findings": findings, "next": page.next });
        writeln!(output, "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for finding in findings {
        writeln!(
            output,
            "{:>6}  {:<8}  {:<9}  {}  {}",
            finding.id,
            finding.severity.name(),
            finding.state().name(),
            finding.advisory,
            finding.subject
        )?;
    }
    if let Some(next) = page.next {
        writeln!(output, "there are more: --after {next}")?;
    }
    Ok(ExitCode::SUCCESS)
}

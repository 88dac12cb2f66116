//! `stopgap events`: what ingress points have told, for other systems, and for how long.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use store::{EventFilter, Paging};

use crate::ledger_place::{Place, Who, now_ms};
use crate::terms;

/// Requests that matched, as ingress points have told the ledger.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Export(Export),
    Forget(Forget),
}

/// Write events as JSON lines, the newest first.
#[derive(Args)]
struct Export {
    #[command(flatten)]
    place: Place,
    /// Only those of one application.
    #[arg(long, value_name = "NAME", conflicts_with = "patch")]
    application: Option<String>,
    /// Only those in which a patch matched.
    #[arg(long, value_name = "ID")]
    patch: Option<String>,
    /// Only those since this time, in milliseconds since 1970-01-01 UTC.
    #[arg(long, value_name = "N", default_value_t = 0)]
    since_ms: u64,
    /// How each is written.
    #[arg(long, value_enum, default_value_t = crate::gateway::Written::Stopgap)]
    format: crate::gateway::Written,
}

/// Delete old events from the ledger, which keeps them for ever otherwise.
///
/// The audit log tells who did it, and of how many. Hits that nobody has looked at go, too.
#[derive(Args)]
struct Forget {
    #[command(flatten)]
    place: Place,
    /// Those before this day (UTC) begins, such as 2026-06-30.
    #[arg(long, value_name = "DATE")]
    before: Date,
    #[command(flatten)]
    by: Who,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Export(arguments) => export(arguments),
        Command::Forget(arguments) => forget(arguments),
    }
}

fn export(arguments: &Export) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let filter = match (&arguments.application, &arguments.patch) {
        (Some(id), _) => EventFilter::Application(id),
        (_, Some(id)) => EventFilter::Patch(id),
        _ => EventFilter::All,
    };
    let mut output = std::io::stdout().lock();
    let mut after = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: None,
        };
        let page = store.read(|it| it.events(filter, paging))?;
        for event in &page.items {
            if event.time_ms < arguments.since_ms {
                return Ok(ExitCode::SUCCESS);
            }
            match arguments.format {
                crate::gateway::Written::Stopgap => writeln!(output, "{}", event.to_line()?)?,
                crate::gateway::Written::Ocsf => writeln!(output, "{}", event.to_ocsf())?,
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn forget(arguments: &Forget) -> anyhow::Result<ExitCode> {
    let (before_ms, now_ms) = (terms::begins_ms(arguments.before)?, now_ms());
    if before_ms > now_ms {
        bail!("--before is in the future; name today or a day before");
    }
    let store = arguments.place.open()?;
    let forgotten = store.change(&arguments.by.by(now_ms), |it| it.forget_events(before_ms))?;
    println!("{forgotten} events are forgotten");
    Ok(ExitCode::SUCCESS)
}

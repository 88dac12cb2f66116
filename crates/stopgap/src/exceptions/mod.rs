//! `stopgap exceptions`: what is not fixed now, and what protects instead.

mod add;
mod vex;

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use ledger::Exception;
use ledger::exception::{Evidence, Move, Standing};
use ledger::rollout::Policy;
use serde_json::json;
use store::{ExceptionFilter, Stored};

use crate::ledger_place::{Numbered, Place, Step, now_ms};
use crate::listing::Listing;
use crate::terms;

/// What is not fixed now, and what protects instead; see docs/exceptions.md.
///
/// Exit status: 0 it was done, 2 it was refused, wrong use.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    /// Show an exception.
    Show(Numbered),
    Add(add::Add),
    /// Consent to an exception: it counts from now on, if its protection is there.
    Approve(Step),
    Recheck(Recheck),
    /// Take an exception back, or refuse it; its findings are open again.
    Revoke(Step),
    Export(vex::Export),
}

/// List exceptions, the oldest first.
#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// Only those that count so: requested, in-force, void or revoked.
    #[arg(long)]
    standing: Option<Standing>,
    /// Only those about the finding with this number.
    #[arg(long, value_name = "NUMBER")]
    finding: Option<i64>,
    #[command(flatten)]
    listing: Listing,
}

/// Say that somebody has looked again at what shows that something protects.
#[derive(Args)]
struct Recheck {
    #[command(flatten)]
    step: Step,
    /// What was seen.
    #[arg(long, value_name = "TEXT")]
    evidence: String,
    /// When it must be looked at again: 2027-01-31.
    #[arg(long, value_name = "DATE", value_parser = day_ms)]
    recheck: i64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Add(arguments) => add::run(arguments),
        Command::Approve(step) => go(step, &Move::Approve {}),
        Command::Recheck(arguments) => {
            let seen = Evidence {
                seen: arguments.evidence.clone(),
                recheck_ms: arguments.recheck,
            };
            go(&arguments.step, &Move::Recheck(seen))
        }
        Command::Revoke(step) => {
            let reason = step.by.why.clone();
            go(step, &Move::Revoke { reason })
        }
        Command::Export(arguments) => vex::run(arguments),
    }
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let filter = ExceptionFilter {
        standing: arguments.standing,
        finding: arguments.finding,
    };
    let page = store.read(|it| it.exceptions(&filter, arguments.listing.paging()))?;
    let listing = &arguments.listing;
    listing.tell("exceptions", &page, object, |it| Ok(line(&it.value)))
}

fn object(stored: &Stored<Exception>) -> serde_json::Value {
    json!({
        "version": stored.version, "standing": stored.value.standing(), "value": stored.value,
    })
}

fn line(exception: &Exception) -> String {
    let findings = match &exception.findings[..] {
        [one] => format!("finding {one}"),
        all => format!("{} findings", all.len()),
    };
    format!(
        "{:>6}  {:<9}  until {}  {findings}  {}",
        exception.id,
        exception.standing(),
        day(exception.until_ms()),
        exception.terms.protection
    )
}

fn show(arguments: &Numbered) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let stored = store.read(|it| it.exception(arguments.id))?;
    told(&stored, arguments.json)?;
    if arguments.json {
        return Ok(ExitCode::SUCCESS);
    }
    let exception = &stored.value;
    let numbers: Vec<String> = exception.findings.iter().map(i64::to_string).collect();
    println!("about      findings {}", numbers.join(", "));
    println!("reason     {}", exception.terms.reason);
    println!("owner      {}", exception.terms.owner);
    println!("expires    {}", day(exception.terms.expires_ms));
    if let Some(evidence) = exception.terms.protection.evidence() {
        println!("recheck    {}", day(evidence.recheck_ms));
    }
    let (who, when) = (&exception.requested_by, exception.requested_ms);
    println!("requested  by {who} on {}", day(when));
    if let Some(approval) = &exception.approval {
        println!(
            "approved   by {} on {}",
            approval.who,
            day(approval.time_ms)
        );
    }
    if let Some(ended) = &exception.ended {
        println!("ended      on {}: {}", day(ended.time_ms), ended.why);
    }
    Ok(ExitCode::SUCCESS)
}

fn told(stored: &Stored<Exception>, json: bool) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    match json {
        true => writeln!(output, "{}", object(stored))?,
        false => writeln!(output, "{}", line(&stored.value))?,
    }
    Ok(())
}

fn go(arguments: &Step, step: &Move) -> anyhow::Result<ExitCode> {
    let store = arguments.numbered.place.open()?;
    let policy = Policy {
        two_persons: !arguments.one_person,
    };
    let now_ms = now_ms();
    let moved = store.change(&arguments.by.by(now_ms), |it| {
        it.move_exception(
            arguments.numbered.id,
            step,
            policy,
            None,
            |it, exception| control::must_protect(it, exception, now_ms),
        )
    })?;
    told(&moved, arguments.numbered.json)?;
    Ok(ExitCode::SUCCESS)
}

/// A day, as people write it.
fn day(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms).unwrap_or_default();
    time.strftime("%Y-%m-%d").to_string()
}

/// The beginning of a day that people write.
fn day_ms(text: &str) -> anyhow::Result<i64> {
    let day: Date = text.parse()?;
    terms::begins_ms(day)
}

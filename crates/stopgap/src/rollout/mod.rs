//! `stopgap rollout`: the staged deployment of virtual patches; `stopgap rollback`.

mod back;
mod proof;
mod start;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ledger::Rollout;
use ledger::rollout::{Evidence, Move, Policy, Stage};
use serde_json::json;
use store::{RolloutFilter, Stored};

pub(crate) use back::{Arguments as Rollback, run as roll_back};

use crate::ledger_place::{Numbered, Place, Step, now_ms};
use crate::listing::Listing;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Deploy virtual patches in stages: test, shadow, canary, enforce, retired, and back.
///
/// Ingress points that have joined `stopgap control` follow within a second; see docs/control.md.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Start(start::Start),
    List(List),
    /// Show a rollout.
    Show(Numbered),
    /// One step on.
    Promote(Step),
    /// One step back; a retired one enforces again.
    Demote(Step),
    /// Let it not go on; why is told to whoever tries.
    Pause(Step),
    /// Let it go on again.
    Resume(Step),
    /// Consent to enforcing it.
    Approve(Step),
    /// Say that somebody has looked at every hit so far.
    Review(Step),
    /// Report a legitimate request that it stopped, or would have; why says which.
    Report(Step),
    /// Straight to enforcing; a proof that is not there yet is owed.
    Emergency(Emergency),
    /// End it: the patch is needed no more.
    Retire(Step),
    Prove(Prove),
}

/// List rollouts, the oldest first.
#[derive(Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// Only those of this patch.
    #[arg(long, value_name = "ID")]
    patch: Option<String>,
    /// Only those that have come so far: test, shadow, canary, enforce or retired.
    #[arg(long)]
    stage: Option<Stage>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Args)]
struct Emergency {
    #[command(flatten)]
    step: Step,
    /// When a proof that is not there yet must be.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    proof_within_days: u16,
}

/// Bring the proof that a rollout owes.
#[derive(Args)]
struct Prove {
    #[command(flatten)]
    step: Step,
    /// As `stopgap patch prove --json` has written it.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Start(arguments) => start::run(arguments),
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Promote(step) => go(step, &Move::Promote {}),
        Command::Demote(step) => go(step, &Move::Demote {}),
        Command::Pause(step) => {
            let reason = step.by.why.clone();
            go(step, &Move::Pause { reason })
        }
        Command::Resume(step) => go(step, &Move::Resume {}),
        Command::Approve(step) => go(step, &Move::Approve {}),
        Command::Review(step) => go(step, &Move::Review {}),
        Command::Report(step) => {
            let reason = step.by.why.clone();
            go(step, &Move::Report { reason })
        }
        Command::Emergency(arguments) => {
            let step = Move::Emergency {
                reason: arguments.step.by.why.clone(),
                proof_due_ms: due_ms(arguments.proof_within_days),
            };
            go(&arguments.step, &step)
        }
        Command::Retire(step) => go(step, &Move::Retire {}),
        Command::Prove(arguments) => prove(arguments),
    }
}

fn due_ms(days: u16) -> i64 {
    now_ms().saturating_add(i64::from(days) * DAY_MS)
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let filter = RolloutFilter {
        patch: arguments.patch.clone(),
        stage: arguments.stage,
    };
    let page = store.read(|it| it.rollouts(&filter, arguments.listing.paging()))?;
    let json = |rollout: &Stored<Rollout>| json!(rollout.value);
    let listing = &arguments.listing;
    listing.tell("rollouts", &page, json, |it| Ok(line(&it.value)))
}

fn line(rollout: &Rollout) -> String {
    let share = rollout.share_percent;
    let stage = share.map_or_else(
        || rollout.stage.to_string(),
        |share| format!("{} {share} %", rollout.stage),
    );
    let paused = rollout.paused.as_ref();
    let paused = paused.map_or_else(String::new, |why| format!("  paused: {why}"));
    let owed = match rollout.evidence {
        Evidence::Owed { .. } => "  proof owed",
        Evidence::Proven(_) => "",
    };
    format!(
        "{:>6}  {:<10}  {stage:<12}  {}{paused}{owed}",
        rollout.id, rollout.environment, rollout.patch
    )
}

fn show(arguments: &Numbered) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let stored = store.read(|it| it.rollout(arguments.id))?;
    told(&stored, arguments.json)?;
    if arguments.json {
        return Ok(ExitCode::SUCCESS);
    }
    let rollout = &stored.value;
    println!("document  {}", rollout.digest);
    println!("started   by {}", rollout.started_by);
    for approval in &rollout.approvals {
        println!("approved  by {}", approval.who);
    }
    if let Evidence::Owed { reason, due_ms } = &rollout.evidence {
        let due = jiff::Timestamp::from_millisecond(*due_ms)?;
        println!("owed      a proof, until {due}: {reason}");
    }
    let until = rollout.rules.automatic_until;
    let until = until.map_or("people promote it".to_owned(), |stage| {
        format!("it goes on by itself up to {stage}")
    });
    println!("rules     {until}");
    Ok(ExitCode::SUCCESS)
}

fn told(stored: &Stored<Rollout>, json: bool) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    let (version, value) = (stored.version, &stored.value);
    match json {
        true => {
            let told = json!({ "version": version, "value": value });
            writeln!(output, "{told}")?;
        }
        false => writeln!(output, "{}", line(value))?,
    }
    Ok(())
}

fn go(arguments: &Step, step: &Move) -> anyhow::Result<ExitCode> {
    let store = arguments.numbered.place.open()?;
    let policy = Policy {
        two_persons: !arguments.one_person,
    };
    let moved = store.change(&arguments.by.by(now_ms()), |it| {
        it.move_rollout(arguments.numbered.id, step, policy, None)
    })?;
    told(&moved, arguments.numbered.json)?;
    Ok(ExitCode::SUCCESS)
}

fn prove(arguments: &Prove) -> anyhow::Result<ExitCode> {
    let step = &arguments.step;
    let store = step.numbered.place.open()?;
    let rollout = store.read(|it| it.rollout(step.numbered.id))?.value;
    let digests = [rollout.digest];
    let documents = store.read(|it| it.documents(&digests, 0))?;
    let [document] = &documents[..] else {
        anyhow::bail!("the document of rollout {} is not kept", step.numbered.id);
    };
    let proof = proof::read(&arguments.proof, &rollout.patch, document)?;
    let proven = store.change(&step.by.by(now_ms()), |it| {
        it.prove_rollout(step.numbered.id, &proof, None)
    })?;
    told(&proven, step.numbered.json)?;
    Ok(ExitCode::SUCCESS)
}

//! `stopgap rollback`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use ledger::Environment;
use store::Back;

use super::line;
use crate::ledger_place::{Place, Who, now_ms};

/// Lead rollouts back to where they were in the bundle before, everywhere.
///
/// What was rolled back is paused. A second rollback takes the first one back.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Where: test or production.
    #[arg(long, default_value = "production", conflicts_with = "rollout")]
    environment: Environment,
    /// Only the patch that this rollout deploys, where it does.
    #[arg(long, value_name = "NUMBER")]
    rollout: Option<i64>,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"rollouts": […]}.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let environment = Back::Environment(arguments.environment);
    let what = arguments.rollout.map_or(environment, Back::Rollout);
    let changed = store.change(&arguments.by.by(now_ms()), |it| it.roll_back(what))?;
    let rollouts: Vec<_> = changed.into_iter().map(|stored| stored.value).collect();
    let mut output = std::io::stdout().lock();
    if arguments.json {
        writeln!(output, "{}", serde_json::json!({ "rollouts": rollouts }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for rollout in &rollouts {
        writeln!(output, "{}", line(rollout))?;
    }
    Ok(ExitCode::SUCCESS)
}

//! `stopgap audit`: who changed what, and whether the log of it holds.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use ledger::audit::Head;

use crate::ledger_place::Place;

/// The log of all changes to the ledger.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Verify),
}

/// Read the whole audit log: does each entry hold the hash of the one before it?
///
/// Whoever can write the database can make the log anew from its beginning. Note the last
/// entry elsewhere, as this command prints it, and give it next time with --noted.
///
/// Exit status: 0 it holds, 1 it is broken, with the first broken entry, 2 wrong use.
#[derive(Args)]
struct Verify {
    #[command(flatten)]
    place: Place,
    /// An entry that must be in the log, as an earlier run printed it.
    #[arg(long, value_name = "NUMBER:HASH", value_parser = noted)]
    noted: Option<Head>,
    /// Write one JSON object: {"holds", "entries", "last"} or {"holds", "broken", "message"}.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Verify(arguments) => verify(arguments),
    }
}

fn verify(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let outcome = store.read(|it| it.verify_audit(arguments.noted.as_ref()));
    let broken = match &outcome {
        Ok(head) => {
            let last = format!("{}:{}", head.sequence, head.hash);
            if arguments.json {
                let told = serde_json::json!({
                    "holds": true, "entries": head.sequence, "last": last,
                });
                println!("{told}");
            } else {
                println!("the audit log holds: {} entries", head.sequence);
                println!("last {last}");
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => error.broken(),
    };
    let Some(broken) = broken else {
        return Err(outcome
            .err()
            .map_or_else(|| anyhow::anyhow!("no outcome"), Into::into));
    };
    if arguments.json {
        let told = serde_json::json!({
            "holds": false, "broken": broken.sequence, "message": broken.to_string(),
        });
        println!("{told}");
    } else {
        println!("the audit log is broken: {broken}");
    }
    Ok(ExitCode::FAILURE)
}

fn noted(text: &str) -> anyhow::Result<Head> {
    let (sequence, hash) = text.split_once(':').context("say NUMBER:HASH")?;
    Ok(Head {
        sequence: sequence.parse().context("say NUMBER:HASH")?,
        hash: hash.to_owned(),
    })
}

//! `stopgap backup` and `stopgap restore`: the whole ledger in one file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use store::{By, Limits, Store};

use crate::ledger_place::{Place, now_ms};

/// Write all that the ledger holds to a file, also while it is used.
///
/// The file is of this moment, and can be restored into SQLite and PostgreSQL by this release
/// and later ones. It holds all that the ledger does: keep it as safe.
#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file to write; it must not be there.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Make a ledger of what `stopgap backup` wrote. There must be none yet.
#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    place: Place,
    /// What `stopgap backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Who restores it, for the audit log.
    #[arg(long, env = "USER")]
    who: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    why: String,
}

pub(crate) fn back_up(arguments: &Backup) -> anyhow::Result<ExitCode> {
    arguments.place.open()?.back_up(&arguments.file)?;
    println!("backed up to {}", arguments.file.display());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn restore(arguments: &Restore) -> anyhow::Result<ExitCode> {
    let location = arguments.place.location()?;
    let by = By {
        who: &arguments.who,
        why: &arguments.why,
        now_ms: now_ms(),
    };
    Store::restore(&location, &arguments.file, &by, Limits::default())?;
    println!("restored from {}", arguments.file.display());
    Ok(ExitCode::SUCCESS)
}

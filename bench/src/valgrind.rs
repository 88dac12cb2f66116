//! Instructions of a process, counted by valgrind.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// Makes sure that it is there.
pub(crate) fn install() -> anyhow::Result<()> {
    crate::process::installed("valgrind", "valgrind", &["--version"])
}

/// What to put before a command, and the file that will hold the counts.
pub(crate) fn command(folder: &Path) -> (Command, PathBuf) {
    let log = folder.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", log.display()));
    (command, log)
}

/// All instructions of the process that has written the file.
pub(crate) fn total(log: &Path) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(log).context("valgrind wrote no counts")?;
    let line = text.lines().rev().find_map(|line| {
        let totals = line.strip_prefix("totals: ");
        totals.or_else(|| line.strip_prefix("summary: "))
    });
    Ok(line.context("valgrind wrote no total")?.trim().parse()?)
}

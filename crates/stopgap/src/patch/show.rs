//! `stopgap patch show`: a document of the catalogue, to be taken from there.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::catalogue::Catalogue;

/// Print a patch of the catalogue, as in `stopgap patch show CVE-2023-22527 > my.yaml`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The patch's id, or another name of the vulnerability, such as a GHSA id.
    id: String,
    #[command(flatten)]
    catalogue: Catalogue,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let entries = arguments.catalogue.read()?;
    let Some(entry) = entries.iter().find(|entry| entry.is_named(&arguments.id)) else {
        bail!(
            "the catalogue has no patch for `{}`; `stopgap patch search` finds what it has",
            arguments.id
        );
    };
    print!("{}", entry.text);
    Ok(ExitCode::SUCCESS)
}

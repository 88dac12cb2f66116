//! The catalogue: patches for vulnerabilities that are known to be exploited.
//! It is part of the program; `--catalogue` takes another one.

mod classes;
mod coverage;
mod kev;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use patch::Source;
use patch::load::Unparsed;

/// Path and text of every document, in order of the paths.
const DOCUMENTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// The catalogue of patches as a whole.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Coverage(coverage::Arguments),
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Coverage(arguments) => coverage::run(arguments),
    }
}

/// Which catalogue is meant.
#[derive(Args, Default)]
pub(crate) struct Catalogue {
    /// A folder of patch files to use for the catalogue that is part of the program.
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
}

/// A document as it stands and as it is read.
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) source: Source,
}

impl Catalogue {
    /// Every document, in order of the file names.
    pub(crate) fn read(&self) -> anyhow::Result<Vec<Entry>> {
        let texts = match &self.catalogue {
            None => DOCUMENTS
                .iter()
                .map(|&(name, text)| Unparsed {
                    name: name.to_owned(),
                    text: text.to_owned(),
                })
                .collect(),
            Some(folder) => crate::patch::texts(std::slice::from_ref(folder))?,
        };
        texts
            .into_iter()
            .map(|Unparsed { name, text }| {
                let source = Source::parse(&name, &text)?;
                Ok(Entry { text, source })
            })
            .collect()
    }
}

/// The patch for a vulnerability in the catalogue that is part of the program.
///
/// # Errors
/// The document cannot be read.
pub(crate) fn named(name: &str) -> anyhow::Result<Option<Entry>> {
    let mention = name.to_ascii_lowercase();
    for &(path, text) in DOCUMENTS {
        // Few mention it; to read all takes long.
        if text.to_ascii_lowercase().contains(&mention) {
            let (source, text) = (Source::parse(path, text)?, text.to_owned());
            let entry = Entry { text, source };
            if entry.is_named(name) {
                return Ok(Some(entry));
            }
        }
    }
    Ok(None)
}

impl Entry {
    /// Whether this is a name of the vulnerability.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let document = &self.source.document;
        std::iter::once(&document.id.value)
            .chain(&document.vulnerability.aliases)
            .any(|own| own.eq_ignore_ascii_case(name))
    }
}

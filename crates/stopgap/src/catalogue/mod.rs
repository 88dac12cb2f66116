//! The catalogue: patches for vulnerabilities that are known to be exploited.
//! It is part of the program; `--catalogue` takes another one.

mod classes;
mod coverage;
mod kev;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

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
    /// Where the document for each name is, in lower case.
    static PLACES: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
        let read = DOCUMENTS.iter().enumerate().filter_map(|(at, it)| {
            // Tests hold that each can be read.
            let source = Source::parse(it.0, it.1).ok()?;
            Some((at, source))
        });
        let names = read.flat_map(|(at, source)| {
            let names = names(&source).map(str::to_ascii_lowercase);
            names.map(|name| (name, at)).collect::<Vec<_>>()
        });
        names.collect()
    });
    let at = PLACES.get(&name.to_ascii_lowercase());
    let found = at.and_then(|at| DOCUMENTS.get(*at)).map(|&(path, text)| {
        let source = Source::parse(path, text)?;
        let text = text.to_owned();
        Ok(Entry { text, source })
    });
    found.transpose()
}

/// The names of the vulnerability that a patch is for.
fn names(source: &Source) -> impl Iterator<Item = &str> {
    let document = &source.document;
    let others = document.vulnerability.aliases.iter().map(String::as_str);
    std::iter::once(document.id.value.as_str()).chain(others)
}

impl Entry {
    /// Whether this is a name of the vulnerability.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        names(&self.source).any(|own| own.eq_ignore_ascii_case(name))
    }
}

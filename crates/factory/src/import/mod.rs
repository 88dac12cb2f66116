//! Importers: one file or folder a kind, one line in [`importers`].

pub mod advisory;
mod beside;
mod burp;
mod crowdsec;
mod curl;
mod har;
mod http;
pub mod nuclei;
mod openapi;
mod rules;
mod sample;
mod sarif;
mod scanner;
mod seclang;
mod target;
mod xml;
mod zap;

use jiff::civil::Date;
use patch::document::{Effect, Reason};

use crate::{Description, Limits, synthesis};

pub use beside::Beside;

/// Reads one kind of source.
#[derive(Debug)]
pub struct Importer {
    /// As typed: `stopgap patch import KIND`.
    pub kind: &'static str,
    /// What it reads, and of which version of the format.
    pub summary: &'static str,
    /// How the names of its files end, without the dot.
    pub suffixes: &'static [&'static str],
    /// The text of a source, its name and the options to everything that was found in it.
    pub read: fn(&str, &str, &Options) -> Vec<Imported>,
    /// The same of a source that is no text, where the format has such.
    pub read_bytes: Option<ReadBytes>,
}

/// A source that is no text, its name and the options to what was found in it.
pub type ReadBytes = fn(&[u8], &str, &Options) -> Vec<Imported>;

/// What whoever imports wants.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who answers for the patches.
    pub owner: String,
    /// Why they are needed.
    pub reason: Reason,
    /// The day on which they must be renewed or gone.
    pub expires: Date,
    /// The day of the import.
    pub today: Date,
    /// Whether patches that close an endpoint are accepted.
    pub accept: bool,
    /// Names under which the application is reached, where an exploit names another.
    pub hosts: Vec<String>,
    /// What bounds a source.
    pub limits: Limits,
    /// Files beside a source that it may name.
    pub beside: Beside,
}

/// One vulnerability of a source and what became of it.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The patch's id, or the name of the source where it tells none.
    pub id: String,
    /// The patch, or why there is none.
    pub outcome: Outcome,
}

/// What became of one vulnerability. Reasons are for people, with the line where there is one.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A patch.
    Patch(Made),
    /// There is nothing that a patch could stop, such as in a file of settings; why.
    Needless(String),
    /// A patch is needed, but could not be made; why.
    Rejected(String),
}

impl From<Result<Made, String>> for Outcome {
    fn from(made: Result<Made, String>) -> Self {
        match made {
            Ok(made) => Self::Patch(made),
            Err(reason) => Self::Rejected(reason),
        }
    }
}

/// A patch that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The document. It lints, and stops its exploits.
    pub yaml: String,
    /// What it does beyond stopping a class of attacks.
    pub effect: Option<Effect>,
    /// What it does not cover, for people.
    pub notes: Vec<String>,
}

/// Every kind that can be imported.
pub fn importers() -> &'static [&'static Importer] {
    &[
        &nuclei::IMPORTER,
        &crowdsec::IMPORTER,
        &http::IMPORTER,
        &seclang::IMPORTER,
        &curl::IMPORTER,
        &har::IMPORTER,
        &zap::IMPORTER,
        &burp::IMPORTER,
        &openapi::IMPORTER,
        &sarif::IMPORTER,
        &advisory::IMPORTER,
    ]
}

impl Importer {
    /// Everything that is found in a source; at least one line.
    pub fn import(&self, text: &str, name: &str, options: &Options) -> Vec<Imported> {
        self.import_bytes(text.as_bytes(), name, options)
    }

    /// The same of a source that may be no text.
    pub fn import_bytes(&self, bytes: &[u8], name: &str, options: &Options) -> Vec<Imported> {
        let bound = options.limits.source_bytes;
        if bytes.len() > bound {
            return vec![Imported::rejected(
                stem(name),
                format!("{name}: larger than the {bound} bytes allowed"),
            )];
        }
        match (std::str::from_utf8(bytes), self.read_bytes) {
            (Ok(text), _) => (self.read)(text, name, options),
            (Err(_), Some(read)) => read(bytes, name, options),
            (Err(error), None) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                let why = format!("{name}:{line}: it is no UTF-8");
                vec![Imported::rejected(stem(name), why)]
            }
        }
    }
}

impl Imported {
    /// Nothing could be made of it.
    pub fn rejected(id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            outcome: Outcome::Rejected(reason.into()),
        }
    }

    /// What synthesis makes of a description.
    fn synthesised(description: &Description, options: &Options) -> Self {
        Self {
            id: description.id.clone(),
            outcome: synthesis::patch(description, options).into(),
        }
    }
}

/// A file's name as an id: without its folders and its suffix.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    identifier(stem)
}

/// What an id may hold of a text.
fn identifier(text: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let id: String = text
        .chars()
        .map(|letter| if fits(letter) { letter } else { '-' })
        .take(100)
        .collect();
    match id.is_empty() {
        true => "unnamed".to_owned(),
        false => id,
    }
}

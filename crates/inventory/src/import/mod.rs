//! Importers: one file a kind, one line in [`importers`].

mod ansible;
mod collection;
mod cyclonedx;
mod facts;
mod mdm;
mod osquery;
mod purl;
mod show_version;
mod spdx;
mod table;
pub(crate) mod windows;

use std::net::IpAddr;

pub use ansible::{Reached, named, reached};
use ledger::{Asset, AssetKind, JobKind};
use serde_json::Value;

use crate::Limits;

/// Reads one kind of source.
#[derive(Debug)]
pub struct Importer {
    /// As typed: `stopgap inventory import KIND`.
    pub kind: &'static str,
    /// What it reads, and of which version of the format.
    pub summary: &'static str,
    read: fn(&Source<'_>) -> Result<Vec<Found>, Fault>,
}

/// What whoever imports wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What bounds a source.
    pub limits: Limits,
    /// For tables: which column is what, as TOML.
    pub mapping: Option<String>,
    /// For sources that tell of one asset and not of its name.
    pub asset: Option<String>,
    /// What assets are, where the source does not tell.
    pub asset_kind: Option<AssetKind>,
}

/// An asset that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What the source says of it.
    pub asset: Asset,
    /// The lists that the source tells whole; others that are empty say nothing.
    pub tells: Vec<Part>,
    /// Whether its name is the first part alone of one that could not be found out.
    pub is_short: bool,
    /// The addresses that it has, but those that many hosts have.
    pub addresses: Vec<IpAddr>,
    /// What of the source could not be read and is left out, with its line: for people.
    pub left_out: Vec<String>,
}

/// A part of an asset that a source may tell whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What it is.
    Kind,
    /// What people call it.
    Title,
    /// The groups that it belongs to.
    Groups,
    /// All that is installed.
    Software,
    /// All that it depends on.
    DependsOn,
    /// All its jobs of a kind.
    Jobs(JobKind),
    /// Some of its jobs of a kind: of the others nothing is said.
    SomeJobs(JobKind),
    /// All that could update it.
    AutoUpdates,
}

/// The text of a source and what goes with it.
struct Source<'a> {
    text: &'a str,
    name: &'a str,
    options: &'a Options,
}

/// Why a source cannot be read, and at which line, if that is known.
struct Fault {
    line: Option<usize>,
    why: String,
}

/// Every kind that can be imported.
#[must_use]
pub fn importers() -> &'static [&'static Importer] {
    &[
        &collection::IMPORTER,
        &ansible::IMPORTER,
        &facts::IMPORTER,
        &cyclonedx::IMPORTER,
        &spdx::IMPORTER,
        &table::IMPORTER,
        &osquery::IMPORTER,
        &mdm::IMPORTER,
        &show_version::IMPORTER,
    ]
}

impl Importer {
    /// The assets that a source tells of.
    ///
    /// # Errors
    /// It is too large or not of this kind, or an asset of it could not be kept; the text names
    /// the source, the line where it is known, and what to do.
    pub fn import(&self, text: &str, name: &str, options: &Options) -> Result<Vec<Found>, String> {
        let limits = &options.limits;
        let source = Source::new(text, name, options)?;
        let found = (self.read)(&source).map_err(|fault| fault.told(self, name))?;
        if found.len() > limits.assets {
            return Err(format!(
                "{name}: tells of more than the {} assets allowed; import it in parts",
                limits.assets
            ));
        }
        for one in &found {
            let kept = one.asset.check(&ledger::Limits::default());
            kept.map_err(|why| format!("{name}: asset `{}`: {why}", one.asset.id))?;
        }
        Ok(found)
    }
}

impl Found {
    fn new(name: &str, kind: AssetKind) -> Self {
        let mut asset = Asset::new(crate::field::identifier(name), kind);
        asset.title = name.trim().to_owned();
        Self {
            asset,
            tells: Vec::new(),
            is_short: false,
            addresses: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

impl<'a> Source<'a> {
    fn new(text: &'a str, name: &'a str, options: &'a Options) -> Result<Self, String> {
        let most = options.limits.source_bytes;
        if text.len() > most {
            return Err(format!(
                "{name}: larger than the {most} bytes allowed; import it in parts"
            ));
        }
        Ok(Self {
            text: text.trim_start_matches('\u{feff}'),
            name,
            options,
        })
    }

    /// The asset's name, if whoever imports says it, or the source, or at last the file.
    fn name_of(&self, told: Option<&str>) -> String {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or(self.name);
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        let told = told.map(str::trim).filter(|name| !name.is_empty());
        self.options
            .asset
            .as_deref()
            .or(told)
            .unwrap_or(stem)
            .to_owned()
    }

    /// Says why a line is left out.
    fn left_out(&self, line: usize, why: &str) -> String {
        format!("{}:{line}: {why}", self.name)
    }

    fn kind_or(&self, kind: AssetKind) -> AssetKind {
        self.options.asset_kind.unwrap_or(kind)
    }

    fn json(&self) -> Result<Value, Fault> {
        serde_json::from_str(self.text).map_err(|error| Fault::json(&error))
    }
}

impl Fault {
    fn new(why: impl Into<String>) -> Self {
        Self {
            line: None,
            why: why.into(),
        }
    }

    fn json(error: &serde_json::Error) -> Self {
        Self::at(error.line(), format!("it is no JSON: {error}"))
    }

    fn at(line: usize, why: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            why: why.into(),
        }
    }

    fn told(&self, importer: &Importer, name: &str) -> String {
        let line = self.line.map(|line| format!(":{line}"));
        let line = line.unwrap_or_default();
        format!("{name}{line}: {}; give {}", self.why, importer.summary)
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    let text = value.pointer(pointer)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.into_iter().flatten()
}

/// Cuts a text to what a record may hold of it.
fn short(text: &str) -> String {
    text.trim().chars().take(1000).collect()
}

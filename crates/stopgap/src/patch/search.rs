//! `stopgap patch search`: which patches the catalogue has.

use std::process::ExitCode;

use clap::Args;
use patch::document::{Document, Effect, Rule, Severity, When};
use serde::Serialize;

use crate::catalogue::{Catalogue, Entry};

/// Find patches of the catalogue by CVE, product, vendor or weakness.
///
/// Exit status: 0 some were found, 1 none, 2 wrong use.
#[derive(Args)]
pub(super) struct Arguments {
    /// All of these must be in a patch's names, title, packages, CWE ids or detectors; case is ignored.
    #[arg(required = true)]
    words: Vec<String>,
    /// Write one JSON array: [{"id", "title", "severity", "aliases", "affects", "fixed_in", "cwe", "detectors", "effect", "file"}].
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    catalogue: Catalogue,
}

#[derive(Serialize)]
struct Found<'e> {
    id: &'e str,
    title: &'e str,
    severity: Severity,
    aliases: &'e [String],
    affects: &'e [String],
    fixed_in: Option<&'e str>,
    cwe: &'e [String],
    detectors: Vec<String>,
    effect: Option<Effect>,
    file: &'e str,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let words: Vec<String> = arguments
        .words
        .iter()
        .flat_map(|words| words.split_whitespace())
        .map(str::to_lowercase)
        .collect();
    let entries = arguments.catalogue.read()?;
    let mut found = Vec::new();
    for entry in &entries {
        let each = Found::of(entry)?;
        let text = each.searched();
        if words.iter().all(|word| text.contains(word)) {
            found.push(each);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        let widest = found.iter().map(|each| each.id.len()).max().unwrap_or(0);
        for each in &found {
            let severity = serde_json::to_value(each.severity)?;
            println!(
                "{:widest$}  {:8}  {}",
                each.id,
                severity.as_str().unwrap_or_default(),
                each.title
            );
        }
        println!("{} of {} patches", found.len(), entries.len());
    }
    Ok(match found.is_empty() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

impl<'e> Found<'e> {
    fn of(entry: &'e Entry) -> anyhow::Result<Self> {
        let document = &entry.source.document;
        let about = &document.vulnerability;
        Ok(Self {
            id: &document.id,
            title: &document.title,
            severity: document.severity,
            aliases: &about.aliases,
            affects: &about.affects,
            fixed_in: about.fixed_in.as_deref(),
            cwe: &about.cwe,
            detectors: detectors(document)?,
            effect: document.effect,
            file: &entry.source.name,
        })
    }

    fn searched(&self) -> String {
        let texts = [self.aliases, self.affects, self.cwe, &self.detectors].concat();
        format!("{}\n{}\n{}", self.id, self.title, texts.join("\n")).to_lowercase()
    }
}

/// What the rules look for, each once, as documents name it.
fn detectors(document: &Document) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for rule in &document.rules {
        let Rule::Deny(deny) = &rule.value else {
            continue;
        };
        let more = deny.and.iter().map(|When { condition, .. }| condition);
        for condition in std::iter::once(&deny.condition).chain(more) {
            // A condition is written as its name, or as a mapping from it.
            let name = match serde_json::to_value(condition)? {
                serde_json::Value::String(name) => Some(name),
                serde_json::Value::Object(map) => map.into_iter().next().map(|(name, _)| name),
                _ => None,
            };
            names.extend(name.filter(|name| {
                patch::detectors()
                    .iter()
                    .any(|detector| detector.name.split(':').next() == Some(name))
            }));
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

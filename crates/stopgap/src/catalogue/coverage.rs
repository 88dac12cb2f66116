//! `stopgap catalogue coverage`: what the catalogue is for, and what it is not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::classes::Classes;
use super::{Catalogue, kev};

/// Say of every vulnerability that is known to be exploited whether a patch covers it,
/// whether one could, or why none can.
///
/// What can be covered is told by what the entry says of vendor, product, name, weakness
/// and effect; where that does not tell, it is `unknown`.
#[derive(Args)]
pub(super) struct Arguments {
    /// CISA's catalogue of known exploited vulnerabilities, the JSON feed.
    #[arg(long, value_name = "FILE")]
    kev: PathBuf,
    /// Write one JSON object: {"version", "entries", "covered", "coverable", "not_coverable", "unknown", "vulnerabilities": [{"cve", "vendor", "product", "name", "added", "state", "patch", "class", "reason"}]}.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    catalogue: Catalogue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// A patch of the catalogue stops it.
    Covered,
    /// It is exploited over HTTP, but there is no patch.
    Coverable,
    /// No inspection of HTTP can stop it.
    NotCoverable,
    /// The entry does not tell.
    Unknown,
}

#[derive(Serialize)]
struct Coverage {
    version: String,
    entries: usize,
    covered: usize,
    coverable: usize,
    not_coverable: usize,
    unknown: usize,
    vulnerabilities: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    cve: String,
    vendor: String,
    product: String,
    name: String,
    added: String,
    state: State,
    /// The patch that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    /// How it was told whether it can be covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    reason: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let feed = kev::read(&arguments.kev)?;
    let coverage = coverage(feed, &arguments.catalogue)?;
    match arguments.json {
        true => println!("{}", serde_json::to_string(&coverage)?),
        false => coverage.print(),
    }
    Ok(ExitCode::SUCCESS)
}

fn coverage(feed: kev::Feed, catalogue: &Catalogue) -> anyhow::Result<Coverage> {
    let entries = catalogue.read()?;
    let classes = Classes::new()?;
    let line = |vulnerability: kev::Vulnerability| {
        let patch = entries
            .iter()
            .find(|entry| entry.is_named(&vulnerability.cve))
            .map(|entry| entry.source.document.id.value.clone());
        let class = classes.of(&vulnerability);
        let (state, reason) = match (&patch, class) {
            (Some(_), _) => (State::Covered, "a patch of the catalogue stops it"),
            (None, Some(class)) if class.http => (State::Coverable, class.reason.as_str()),
            (None, Some(class)) => (State::NotCoverable, class.reason.as_str()),
            (None, None) => (
                State::Unknown,
                "the entry does not tell by which way it is exploited",
            ),
        };
        Line {
            cve: vulnerability.cve,
            vendor: vulnerability.vendor,
            product: vulnerability.product,
            name: vulnerability.name,
            added: vulnerability.date_added,
            state,
            class: class
                .filter(|_| patch.is_none())
                .map(|class| class.name.clone()),
            patch,
            reason: reason.to_owned(),
        }
    };
    let lines: Vec<Line> = feed.vulnerabilities.into_iter().map(line).collect();
    let count = |state| lines.iter().filter(|line| line.state == state).count();
    Ok(Coverage {
        version: feed.catalog_version,
        entries: lines.len(),
        covered: count(State::Covered),
        coverable: count(State::Coverable),
        not_coverable: count(State::NotCoverable),
        unknown: count(State::Unknown),
        vulnerabilities: lines,
    })
}

impl Coverage {
    fn print(&self) {
        let headings = [
            (State::Covered, "Covered by a patch"),
            (State::Coverable, "Exploited over HTTP, no patch yet"),
            (State::NotCoverable, "Not to be stopped in HTTP"),
            (State::Unknown, "Not known: the entry does not tell"),
        ];
        for (state, heading) in headings {
            let mut classes: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
            for line in self
                .vulnerabilities
                .iter()
                .filter(|line| line.state == state)
            {
                classes.entry(&line.reason).or_default().push(line);
            }
            let entries: usize = classes.values().map(Vec::len).sum();
            println!("{heading}: {entries}");
            for (reason, lines) in classes {
                println!("  {reason}: {}", lines.len());
                for line in lines {
                    println!("    {:16} {}", line.cve, line.name.trim());
                }
            }
            println!();
        }
        println!(
            "{} entries: {} covered, {} exploited over HTTP without a patch, {} not to be stopped in HTTP, {} not known",
            self.entries, self.covered, self.coverable, self.not_coverable, self.unknown
        );
    }
}

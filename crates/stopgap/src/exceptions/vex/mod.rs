//! `stopgap exceptions export`: what is not fixed, for others, as VEX.
//!
//! An exception makes nothing fixed, and nothing that is affected unaffected: a virtual patch stops
//! the exploitation that it was proven against, in transit. So each format says `affected`.

mod csaf;
mod cyclonedx;
mod openvex;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use ledger::exception::Protection;
use ledger::{Advisory, Exception, Subject};
use serde_json::Value;
use store::{Error, Session};

use super::day;
use crate::ledger_place::{Place, now_ms};

/// Write what is not fixed by an exception that is in force, for others: as VEX.
///
/// Exit status: 0 it was written, 2 nothing is excepted, wrong use.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// In which format.
    #[arg(long)]
    format: Format,
    /// Who says so: the organisation's name.
    #[arg(long, value_name = "NAME", value_parser = author)]
    author: String,
    /// What its names begin with: https://example.org/security.
    #[arg(long, value_name = "URL", value_parser = namespace)]
    namespace: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// OpenVEX 0.2.0.
    Openvex,
    /// CSAF 2.0, of the profile VEX.
    Csaf,
    /// CycloneDX 1.5, with vulnerabilities alone.
    Cyclonedx,
}

/// What is said, by whom and when.
struct Said<'a> {
    author: &'a str,
    namespace: &'a str,
    now_ms: i64,
    statements: Vec<Statement>,
}

/// An advisory, what it affects by one exception, and what is done about it.
struct Statement {
    advisory: Advisory,
    exception: Exception,
    subjects: Vec<Subject>,
}

pub(super) fn run(arguments: &Export) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let said = Said {
        author: &arguments.author,
        namespace: &arguments.namespace,
        now_ms: now_ms(),
        statements: store.read(statements)?,
    };
    if said.statements.is_empty() {
        bail!("no finding is excepted now: there is nothing to say");
    }
    let document = match arguments.format {
        Format::Openvex => openvex::document(&said),
        Format::Csaf => csaf::document(&said),
        Format::Cyclonedx => cyclonedx::document(&said),
    };
    println!("{document:#}");
    Ok(ExitCode::SUCCESS)
}

/// In the order of the advisories, then of the exceptions.
fn statements(it: &mut Session<'_>) -> Result<Vec<Statement>, Error> {
    let mut of_advisory: BTreeMap<(String, i64), Statement> = BTreeMap::new();
    for exception in it.exceptions_in_force()? {
        let exception = exception.value;
        for id in &exception.findings {
            let finding = it.finding(*id)?.value;
            if finding.excepted_by != Some(exception.id) {
                continue;
            }
            let key = (finding.advisory.clone(), exception.id);
            if let Some(statement) = of_advisory.get_mut(&key) {
                statement.subjects.push(finding.subject);
                continue;
            }
            let statement = Statement {
                advisory: it.get(&finding.advisory)?.value,
                exception: exception.clone(),
                subjects: vec![finding.subject],
            };
            of_advisory.insert(key, statement);
        }
    }
    Ok(of_advisory.into_values().collect())
}

impl Said<'_> {
    /// Names something of the organisation for others.
    fn name(&self, what: &dyn std::fmt::Display) -> String {
        format!("{}/{what}", self.namespace)
    }

    fn time(&self) -> String {
        time(self.now_ms)
    }

    /// Everything that is affected, once, in its order.
    fn subjects(&self) -> Vec<&Subject> {
        let all = self.statements.iter().flat_map(|it| &it.subjects);
        let sorted: BTreeMap<String, &Subject> = all.map(|it| (it.to_string(), it)).collect();
        sorted.into_values().collect()
    }
}

impl Statement {
    /// What is done about it, and no more.
    fn action(&self) -> String {
        let terms = &self.exception.terms;
        let meanwhile = match &terms.protection {
            Protection::VirtualPatch { patch } => format!(
                "virtual patch {patch} stops, where traffic enters, the exploitation that it was proven against; the software itself stays vulnerable"
            ),
            Protection::NetworkIsolation(evidence) => format!(
                "network isolation makes it hard to reach, as seen: {} (to be looked at again by {}); the software itself stays vulnerable",
                evidence.seen,
                day(evidence.recheck_ms)
            ),
            Protection::OtherControl { what, evidence } => format!(
                "{what}, as seen: {} (to be looked at again by {}); the software itself stays vulnerable",
                evidence.seen,
                day(evidence.recheck_ms)
            ),
        };
        format!(
            "Not fixed now, by a decision that holds until {}: {}. Meanwhile: {meanwhile}.",
            day(terms.expires_ms),
            terms.reason
        )
    }

    /// When that was decided.
    fn since(&self) -> String {
        let approval = self.exception.approval.as_ref();
        time(approval.map_or(self.exception.requested_ms, |it| it.time_ms))
    }

    /// The advisory's other names, each once.
    fn aliases(&self) -> BTreeSet<&str> {
        let others = self.advisory.aliases.iter().map(String::as_str);
        others.filter(|it| *it != self.advisory.id).collect()
    }

    /// Whether the advisory's identifier is of the CVE programme.
    fn cve(&self) -> Option<&str> {
        let id = self.advisory.id.as_str();
        let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (year.len() == 4 && number.len() >= 4 && digits(year) && digits(number)).then_some(id)
    }
}

fn time(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_second(time_ms.div_euclid(1000)).unwrap_or_default();
    time.to_string()
}

fn author(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("say the organisation's name"),
        name => Ok(name.to_owned()),
    }
}

fn namespace(text: &str) -> Result<String, &'static str> {
    // Names are this and a path: neither a query nor a fragment may stand before that.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@!$&'()*+,;=".contains(&byte);
    let plain = text.bytes().all(allowed);
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if plain && !rest.is_empty() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("say such as https://example.org/security"),
    }
}

/// An array of JSON.
fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::Array(items.collect())
}

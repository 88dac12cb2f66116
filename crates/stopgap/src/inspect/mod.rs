//! `stopgap inspect`: recorded requests in, decisions out, for programs.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use engine::{Limits, Match, Plan};
use serde::Serialize;

use crate::rules::files::RuleFiles;
use crate::traffic::{self, Format, Record};

/// Say what the rules decide for each recorded request.
///
/// A JSON line in: {"id", "method", "uri", "version", "headers": [[name, value], …],
/// "body": "<base64>", "response": {"status", "headers", "body": "<base64>"}}; all but
/// "method" and "uri" may be left out. Header values and URIs may hold any byte, as the
/// code points U+0000 to U+00FF. One line out for each, in the same order:
/// {"id", "action": "pass|block|redirect|strip", "status", "matches":
/// [{"rule", "patch", "phase", "target", "msg"}]}. A line that cannot be read gets
/// {"line", "error"} (for HAR and HTTP the number of the entry, from 1); the rest goes
/// on, and the exit status is 1.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A file of SecLang rules, its includes followed; can be repeated.
    #[arg(long = "rules", value_name = "SECLANG_FILE")]
    rules: Vec<PathBuf>,
    /// A virtual patch, or a folder of them, enforced; can be repeated.
    #[arg(
        long = "patch",
        value_name = "FILE|DIR",
        required_unless_present = "rules"
    )]
    patches: Vec<PathBuf>,
    /// The recorded requests; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How they are recorded.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Write JSON lines (otherwise one readable line for each request).
    #[arg(long)]
    json: bool,
}

/// Inspects every record.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = load(arguments)?;
    let mut report = Report {
        plan,
        json: arguments.json,
        output: BufWriter::with_capacity(256 * 1024, io::stdout().lock()),
        broken: false,
    };
    traffic::each(
        &arguments.input,
        Some(arguments.format),
        &mut |number, record| report.one(number, record),
    )?;
    report.output.flush()?;
    Ok(match report.broken {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn load(arguments: &Arguments) -> anyhow::Result<Arc<Plan>> {
    let mut rules = Vec::new();
    for path in &arguments.rules {
        rules.push(crate::rules::files::load(path)?);
    }
    let sources: Vec<_> = crate::patch::documents(&arguments.patches)?
        .into_iter()
        .map(|source| (source, engine::Mode::Enforce))
        .collect();
    Ok(patch::load::plan(
        &rules,
        &sources,
        Limits::default(),
        &RuleFiles,
    )?)
}

/// What is written for each record.
struct Report<W> {
    plan: Arc<Plan>,
    json: bool,
    output: W,
    broken: bool,
}

impl<W: Write> Report<W> {
    fn one(&mut self, number: u64, record: anyhow::Result<Record>) -> anyhow::Result<()> {
        match record {
            Ok(record) => answer(&inspect(&self.plan, &record), self.json, &mut self.output),
            Err(error) => {
                self.broken = true;
                let error = Fault {
                    line: number,
                    error: format!("{error:#}"),
                };
                serde_json::to_writer(&mut self.output, &error)?;
                Ok(self.output.write_all(b"\n")?)
            }
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Option<serde_json::Value>,
    action: &'static str,
    status: Option<u16>,
    matches: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    rule: u64,
    patch: Option<Arc<str>>,
    phase: u8,
    target: String,
    msg: String,
}

#[derive(Serialize)]
struct Fault {
    line: u64,
    error: String,
}

impl From<Match> for Found {
    fn from(found: Match) -> Self {
        Self {
            rule: found.rule,
            patch: found.patch,
            phase: found.phase,
            target: found.target,
            msg: found.message,
        }
    }
}

fn inspect<'r>(plan: &Arc<Plan>, record: &'r Record) -> Answer<'r> {
    let verdict = record.exchange.inspect(plan);
    Answer {
        id: &record.id,
        action: verdict.action(),
        status: verdict.status(),
        matches: verdict.matches.into_iter().map(Found::from).collect(),
    }
}

fn answer(answer: &Answer<'_>, json: bool, output: &mut impl Write) -> anyhow::Result<()> {
    if json {
        serde_json::to_writer(&mut *output, answer)?;
    } else {
        let id = answer
            .id
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string);
        write!(output, "{id} {}", answer.action)?;
        if let Some(status) = answer.status {
            write!(output, " {status}")?;
        }
        for found in &answer.matches {
            write!(
                output,
                "; rule {} at {}{}{}",
                found.rule,
                found.target,
                if found.msg.is_empty() { "" } else { ": " },
                found.msg
            )?;
        }
    }
    output.write_all(b"\n")?;
    Ok(())
}

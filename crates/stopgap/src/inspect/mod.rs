//! `stopgap inspect`: recorded requests in, decisions out, for programs.

mod record;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use engine::{Input, Limits, Match, NoResources, Plan};
use record::Record;
use serde::Serialize;

/// Say what the rules decide for each recorded request.
///
/// A JSON line in: {"id", "method", "uri", "version", "headers": [[name, value], …],
/// "body": "<base64>", "response": {"status", "headers", "body": "<base64>"}}; all but
/// "method" and "uri" may be left out. Header values and URIs may hold any byte, as the
/// code points U+0000 to U+00FF. One line out for each, in the same order:
/// {"id", "action": "pass|block|redirect|strip", "status", "matches":
/// [{"rule", "patch", "phase", "target", "msg"}]}. A line that cannot be read gets
/// {"line", "error"}; the rest goes on, and the exit status is 1.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A file of SecLang rules; can be repeated.
    #[arg(long = "rules", value_name = "SECLANG_FILE", required = true)]
    rules: Vec<PathBuf>,
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

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A JSON object a line.
    Jsonl,
}

/// Bytes of one line at most.
const LINE_BYTES: u64 = 64 * 1024 * 1024;

/// Inspects every record.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let plan = load(&arguments.rules)?;
    let Format::Jsonl = arguments.format;
    let mut input: Box<dyn BufRead> = if arguments.input.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let path = &arguments.input;
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Box::new(BufReader::with_capacity(256 * 1024, file))
    };
    let mut output = BufWriter::with_capacity(256 * 1024, io::stdout().lock());
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut status = ExitCode::SUCCESS;
    loop {
        line.clear();
        number += 1;
        if input
            .by_ref()
            .take(LINE_BYTES + 1)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        let record = match line.len() as u64 > LINE_BYTES {
            true => {
                input.skip_until(b'\n')?;
                Err(anyhow!("the line is longer than {LINE_BYTES} bytes"))
            }
            false => Record::read(&line),
        };
        match record {
            Ok(record) => answer(&inspect(&plan, &record), arguments.json, &mut output)?,
            Err(error) => {
                status = ExitCode::from(1);
                let error = Fault {
                    line: number,
                    error: format!("{error:#}"),
                };
                serde_json::to_writer(&mut output, &error)?;
                output.write_all(b"\n")?;
            }
        }
    }
    output.flush()?;
    Ok(status)
}

fn load(paths: &[PathBuf]) -> anyhow::Result<Arc<Plan>> {
    let mut input = Input::default();
    for path in paths {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        input
            .rules
            .push(seclang::parse(&name, &text, &seclang::Limits::default())?);
    }
    Ok(engine::compile(&input, Limits::default(), &NoResources)?)
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
                "; rule {} at {}: {}",
                found.rule, found.target, found.msg
            )?;
        }
    }
    output.write_all(b"\n")?;
    Ok(())
}

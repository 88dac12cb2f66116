//! `stopgap patch`: virtual patch documents, checked, proven and explained.

mod backtest;
mod import;
mod prove;
mod refine;
mod search;
mod show;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use patch::load::Unparsed;
use patch::{Level, Problem, Source};

pub(crate) use prove::{PROOFS_BYTES, STYLE, by_itself, drawn, drawn_request};
pub(crate) use refine::event::of as request_of;
pub(crate) use test::judge;

/// Virtual patch documents: make, check, prove, explain.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Lint(Lint),
    Explain(Explain),
    Test(test::Arguments),
    Prove(prove::Arguments),
    Backtest(backtest::Arguments),
    Refine(refine::Arguments),
    Import(import::Arguments),
    Search(search::Arguments),
    Show(show::Arguments),
    Schema(Schema),
}

/// Say what is wrong with documents: their form, what is missing, and whether
/// their rules stop their exploits and let their benign twins pass.
///
/// Exit status: 0 nothing is wrong (there may be warnings), 1 something is, 2 wrong use.
#[derive(Args)]
struct Lint {
    /// Patch files, or folders of `.yaml` and `.yml` files.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Write one JSON object: {"ok", "patches", "problems": [{"file", "line", "column", "level", "message"}]}.
    #[arg(long)]
    json: bool,
}

/// Print what a patch inspects, where, decoded how, and the same rules as
/// SecLang for ModSecurity v3 and Coraza.
#[derive(Args)]
struct Explain {
    /// A patch file.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Write JSON.
    #[arg(long, conflicts_with = "seclang")]
    json: bool,
    /// Write the SecLang alone.
    #[arg(long)]
    seclang: bool,
}

/// Print the JSON Schema of patch documents.
#[derive(Args)]
struct Schema {}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Lint(arguments) => lint(arguments),
        Command::Explain(arguments) => explain(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Prove(arguments) => prove::run(arguments),
        Command::Backtest(arguments) => backtest::start(arguments),
        Command::Refine(arguments) => refine::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Schema(Schema {}) => {
            println!("{}", serde_json::to_string_pretty(&patch::schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Today, in UTC.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

#[derive(serde::Serialize)]
struct Linted {
    ok: bool,
    patches: usize,
    problems: Vec<Problem>,
}

fn lint(arguments: &Lint) -> anyhow::Result<ExitCode> {
    let (sources, mut problems) = match patch::load::sources(&arguments.paths) {
        Ok(sources) if sources.is_empty() => return Err(none(&arguments.paths)),
        Ok(sources) => (sources, Vec::new()),
        Err(problems) => (Vec::new(), problems),
    };
    let today = today();
    for source in &sources {
        problems.extend(patch::lint(source, today));
    }
    let ok = problems.iter().all(|problem| problem.level != Level::Error);
    if arguments.json {
        let linted = Linted {
            ok,
            patches: sources.len(),
            problems,
        };
        println!("{}", serde_json::to_string(&linted)?);
    } else {
        for problem in &problems {
            println!("{problem}");
        }
        let count = |level| {
            problems
                .iter()
                .filter(|problem| problem.level == level)
                .count()
        };
        println!(
            "{} patches: {} errors, {} warnings",
            sources.len(),
            count(Level::Error),
            count(Level::Warning)
        );
    }
    Ok(match ok {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn explain(arguments: &Explain) -> anyhow::Result<ExitCode> {
    for source in some_documents(std::slice::from_ref(&arguments.path))? {
        let explanation = patch::explain(&source)?;
        if arguments.json {
            println!("{}", serde_json::to_string(&explanation)?);
        } else if arguments.seclang {
            print!("{}", explanation.seclang);
        } else {
            print!("{explanation}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads documents, at least one.
fn some_documents(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    match documents(paths)? {
        sources if sources.is_empty() => Err(none(paths)),
        sources => Ok(sources),
    }
}

/// A typing error in a path must not look like a success.
fn none(paths: &[PathBuf]) -> anyhow::Error {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    anyhow::anyhow!("there is no .yaml or .yml file in {}", names.join(", "))
}

/// Reads documents; everything that is wrong becomes one error, a line each.
pub(crate) fn documents(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    patch::load::sources(paths).map_err(|problems| together(&problems))
}

/// The texts of documents, at least one.
pub(crate) fn texts(paths: &[PathBuf]) -> anyhow::Result<Vec<Unparsed>> {
    match patch::load::texts(paths).map_err(|problems| together(&problems))? {
        texts if texts.is_empty() => Err(none(paths)),
        texts => Ok(texts),
    }
}

fn together(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}

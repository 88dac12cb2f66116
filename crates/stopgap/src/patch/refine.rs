//! `stopgap patch refine`: false positives and misses in, the smallest change out.

pub(crate) mod event;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use patch::Request;
use patch::refine::{Wanted, diff, edited, refine};

use crate::traffic::{self, Format};

/// Propose the smallest change of a patch that lets false positives pass and stops what was
/// missed, after which every case holds and no variant of an exploit gets through that did
/// not before.
///
/// False positives may be events, as the gateway writes them: the request is made of what
/// the event holds, which may be less than there was. Both may be recorded requests: HAR,
/// JSON lines, raw HTTP, ModSecurity audit logs, access logs. The change is printed as a
/// diff, with its reasons; only --write changes the file.
///
/// Exit status: 0 there is a change, or none is needed, 1 none was found, 2 wrong use or bad input.
#[derive(Args)]
#[command(group = ArgGroup::new("requests").args(["false_positive", "missed"]).required(true).multiple(true))]
pub(super) struct Arguments {
    /// A patch file.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Events of requests, or recorded requests, that should have passed.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    false_positive: Vec<PathBuf>,
    /// Recorded requests that should have been stopped.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    missed: Vec<PathBuf>,
    /// How requests are recorded; told by their start if left out.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Change the file.
    #[arg(long)]
    write: bool,
}

/// Requests that one change may be asked for at most.
pub(super) const REQUESTS: usize = 200;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.path;
    let text = crate::source::read(path, patch::Source::BYTES)?;
    let source = patch::Source::parse(&path.display().to_string(), &text)?;
    let id = source.document.id.as_str();
    let mut wanted = Wanted::default();
    for file in &arguments.false_positive {
        match event::is_log(file)? {
            true => event::read(file, id, &mut wanted.pass)?,
            false => recorded(file, arguments.format, &mut wanted.pass)?,
        }
    }
    for file in &arguments.missed {
        recorded(file, arguments.format, &mut wanted.stop)?;
    }
    if wanted.pass.len() + wanted.stop.len() > REQUESTS {
        bail!("more than {REQUESTS} requests; give some that stand for the others");
    }
    if wanted.pass.is_empty() && wanted.stop.is_empty() {
        bail!("the files hold no request that concerns {id}");
    }
    let Some(refined) = refine(&source, &wanted)? else {
        return without(&source, &wanted);
    };
    let changed = edited(&text, &source.document, &refined.document).map_err(anyhow::Error::msg)?;
    for reason in &refined.reasons {
        println!("{reason}");
    }
    println!("--- {0}\n+++ {0}", path.display());
    print!("{}", diff(&text, &changed));
    if arguments.write {
        std::fs::write(path, changed)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Nothing is to be changed, or no change is known.
fn without(source: &patch::Source, wanted: &Wanted) -> anyhow::Result<ExitCode> {
    let compiled = patch::compile(source)?;
    let plan = patch::prove::plan(source, &compiled)?;
    let application = patch::prove::application(&source.document);
    let stops =
        |request: &Request| request.exchange(&application).inspect(&plan).action() != "pass";
    if !wanted.pass.iter().any(stops) && wanted.stop.iter().all(stops) {
        println!("nothing is to be changed: these requests are decided as wanted");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "no small change does it and keeps every proof; see `stopgap patch explain` and change the rules by hand"
    );
    Ok(ExitCode::FAILURE)
}

fn recorded(
    path: &Path,
    format: Option<Format>,
    requests: &mut Vec<Request>,
) -> anyhow::Result<()> {
    traffic::each(path, format, &mut |number, record| {
        match record {
            Ok(record) => requests.push(Request::from(record.exchange)),
            Err(error) => eprintln!("{}:{number}: not read: {error:#}", path.display()),
        }
        Ok(())
    })
}

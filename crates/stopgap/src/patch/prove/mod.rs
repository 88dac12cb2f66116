//! `stopgap patch prove`: a patch, its cases, their evasions, traffic; one proof.

mod cost;
mod page;
mod picture;
mod progress;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use patch::prove::{self, Evasive, Proof};
use patch::{Request, Source};

use super::backtest;
use super::refine::REQUESTS;
use crate::traffic::{self, Format};
pub(crate) use page::STYLE;
use picture::Picture;
use progress::Progress;
use target::Application;

/// A file of proofs, in bytes.
pub(crate) const PROOFS_BYTES: usize = 64 * 1024 * 1024;

/// Prove patches: their cases, evasions of the exploits, recorded traffic, cost.
///
/// Every exploit must be stopped and every benign twin must pass. With --target, variants
/// of the exploits are sent to that application, which must be unpatched and not one that
/// anybody needs; those that work there, as the cases' `success` says, must be stopped.
/// Without it, variants are counted, and those that pass say nothing against the patch.
/// Of recorded traffic, which should hold no attacks, nothing must be stopped.
///
/// Exit status: 0 proven, 1 not, 2 wrong use or bad input.
#[derive(Args)]
pub(super) struct Arguments {
    /// Patch files, or folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// The address of the unpatched application, such as http://127.0.0.1:8080 or
    /// https://shop.test.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// A PEM file of the authorities that sign the target's certificate; the public ones if
    /// left out.
    #[arg(long, value_name = "FILE", requires = "target")]
    authorities: Option<PathBuf>,
    /// Seconds that one answer of the target may take.
    #[arg(long, default_value_t = 10, requires = "target")]
    timeout_seconds: u64,
    /// Recorded requests: HAR, JSON lines, raw HTTP, ModSecurity audit logs, access logs.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    traffic: Vec<PathBuf>,
    /// How they are recorded; told by their start if left out.
    #[arg(long, value_enum, requires = "traffic")]
    format: Option<Format>,
    /// How many evasions are composed.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    depth: u8,
    /// Write the proof as one JSON object a patch.
    #[arg(long)]
    json: bool,
    /// Write a page for people.
    #[arg(long, value_name = "HTML_FILE")]
    report: Option<PathBuf>,
    /// Write the variants that work on the target and pass, for `stopgap patch refine --missed`:
    /// JSON lines, not more than that takes. For one patch.
    #[arg(long, value_name = "FILE", requires = "target")]
    missed: Option<PathBuf>,
    /// Run nothing; say whether this stored proof (of --json) is for the patch and holds.
    #[arg(long, value_name = "PROOF", conflicts_with_all = ["target", "traffic", "report", "json", "missed"])]
    check: Option<PathBuf>,
}

/// Variants that pass which are named to people.
const NAMED: usize = 20;

/// A patch, what was proven, and what would have been stopped, to be drawn.
struct Proven {
    source: Source,
    proof: Proof,
    hits: Vec<backtest::Stopped>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = super::some_documents(&arguments.paths)?;
    if let Some(path) = &arguments.check {
        return check(&sources, path);
    }
    if arguments.missed.is_some() && sources.len() > 1 {
        anyhow::bail!("--missed takes one patch, since what one misses is not for another");
    }
    let mut traffic = backtest::run(&sources, &arguments.traffic, arguments.format)?.into_iter();
    let (mut proven, mut missed) = (Vec::new(), Vec::new());
    for source in sources {
        let tested = traffic.next().filter(|_| !arguments.traffic.is_empty());
        proven.push(prove_one(source, arguments, tested, &mut missed)?);
    }
    for each in &proven {
        match arguments.json {
            true => println!("{}", serde_json::to_string(&each.proof)?),
            false => print(&each.proof),
        }
    }
    if let Some(path) = &arguments.report {
        std::fs::write(path, page::page(&proven)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("the report is {}", path.display());
    }
    if let Some(path) = &arguments.missed {
        std::fs::write(path, traffic::jsonl(&missed))
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("{} that passed are in {}", missed.len(), path.display());
    }
    let holds = |each: &Proven| each.proof.objections().is_empty();
    Ok(match proven.iter().all(holds) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The steps of one proof.
fn prove_one(
    source: Source,
    arguments: &Arguments,
    tested: Option<backtest::Tested>,
    missed: &mut Vec<Request>,
) -> anyhow::Result<Proven> {
    let progress = Progress::new(&source.document.id, source.document.cases.exploit.len());
    let timeout = Duration::from_secs(arguments.timeout_seconds);
    let target = arguments.target.as_deref();
    let authorities = arguments.authorities.as_deref();
    let mut application = target
        .map(|url| Application::at(url, authorities, timeout))
        .transpose()?;
    let mut works = |case: &patch::document::Case, requests: &[&Request]| match &mut application {
        Some(application) => application.works(case, requests),
        None => vec![true; requests.len()],
    };
    let evasive = Evasive {
        target: target.map(|url| (url.to_owned(), &mut works as prove::Works<'_>)),
        composed: arguments.depth > 1,
        tried: &mut |at| progress.step(at),
        passed: &mut |request| {
            if missed.len() < REQUESTS {
                missed.push(request.clone());
            }
        },
    };
    let proof = tried(&source, evasive);
    progress.end();
    if let Some(error) = application.and_then(Application::unreachable) {
        return Err(error);
    }
    let mut proof = proof?;
    let mut hits = Vec::new();
    if let Some(tested) = tested {
        proof.traffic = Some(tested.traffic);
        hits = tested.stopped;
    }
    Ok(Proven {
        source,
        proof,
        hits,
    })
}

/// The proof by the document's own cases and variants of its exploits.
fn tried(source: &Source, evasive: Evasive<'_>) -> anyhow::Result<Proof> {
    let compiled = patch::compile(source)?;
    let plan = prove::plan(source, &compiled)?;
    let report = prove::prove(source, &plan, false)?;
    let evasions = prove::evade(source, &plan, evasive)?;
    Ok(Proof {
        version: Proof::VERSION,
        patch: report.patch,
        document: source.document.digest(),
        time: jiff::Timestamp::now(),
        cases: report.cases,
        evasions,
        traffic: None,
        cost: cost::measure(source, &plan)?,
    })
}

/// The proof where there is no application to try the variants on.
pub(crate) fn by_itself(source: &Source) -> anyhow::Result<Proof> {
    let evasive = Evasive {
        target: None,
        composed: true,
        tried: &mut |_| {},
        passed: &mut |_| {},
    };
    tried(source, evasive)
}

/// That proof, and each case of it, as a fragment of HTML.
pub(crate) fn drawn(source: Source) -> anyhow::Result<String> {
    let proof = by_itself(&source)?;
    let mut drawn = String::new();
    let hits = Vec::new();
    page::section(
        &mut drawn,
        &Proven {
            source,
            proof,
            hits,
        },
    )?;
    Ok(drawn)
}

/// A request, as a fragment of HTML.
pub(crate) fn drawn_request(request: &Request) -> String {
    let cause = None;
    Picture { request, cause }.to_string()
}

fn check(sources: &[Source], path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let text = crate::source::read(path, PROOFS_BYTES)?;
    // One proof a line, as they were written.
    let proofs = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let proofs: Vec<Proof> = proofs
        .map(|(line, number)| {
            Proof::from_json(line)
                .map_err(|why| anyhow::anyhow!("{}:{number}: {why}", path.display()))
        })
        .collect::<Result<_, _>>()?;
    let mut holds = true;
    for source in sources {
        let id = &source.document.id.value;
        let proof = proofs.iter().find(|proof| proof.patch == **id);
        let objections = match proof {
            None => vec![format!("there is no proof of it in {}", path.display())],
            Some(proof) => match proof.covers(&source.document) {
                Err(why) => vec![why],
                Ok(()) => proof.objections(),
            },
        };
        holds &= objections.is_empty();
        conclude(id, &objections);
    }
    Ok(match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn conclude(id: &str, objections: &[String]) {
    match objections.is_empty() {
        true => println!("{id}: proven"),
        false => println!("{id}: not proven"),
    }
    for objection in objections {
        println!("  - {objection}");
    }
}

fn print(proof: &Proof) {
    conclude(&proof.patch, &proof.objections());
    for line in told(proof) {
        println!("  {line}");
    }
    let evasions = &proof.evasions;
    for passed in evasions.passed.iter().take(NAMED) {
        println!("  passes: {}, {}", passed.of, passed.name);
    }
    let passed = evasions.count - evasions.stopped;
    if passed > NAMED as u64 {
        println!("  {} more pass; --json names them", passed - NAMED as u64);
    }
}

/// What a proof says, in sentences.
fn told(proof: &Proof) -> Vec<String> {
    let of_kind = |exploit| {
        proof
            .cases
            .iter()
            .filter(move |case| case.exploit == exploit)
    };
    let ok = |exploit| of_kind(exploit).filter(|case| case.ok).count();
    let mut lines = vec![format!(
        "{} of {} exploits are stopped, {} of {} benign requests pass",
        ok(true),
        of_kind(true).count(),
        ok(false),
        of_kind(false).count()
    )];
    let evasions = &proof.evasions;
    lines.push(match &evasions.target {
        Some(target) => format!(
            "{} of {} variants that work on {target} are stopped; {} were tried",
            evasions.stopped, evasions.count, evasions.tried
        ),
        None => format!(
            "{} of {} variants are stopped; no target said which of them work",
            evasions.stopped, evasions.count
        ),
    });
    lines.extend(proof.traffic.iter().flat_map(backtest::told));
    lines.push(format!(
        "an inspection takes {} on this machine (median of {})",
        cost::told(proof.cost.median_ns),
        proof.cost.inspections
    ));
    lines
}

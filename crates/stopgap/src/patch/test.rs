//! `stopgap patch test`: cases and evasions, in process or against a live target.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use patch::document::Success;
use patch::prove::{self, Outcome, Report};
use patch::{Expected, Request, Source};
use serde::Serialize;

use crate::live::Target;

/// Run the cases of patches: in process, or with --against on a live target.
///
/// In process, every exploit must be stopped and every benign twin must pass.
/// Variants of the exploits are tried too; those that pass are shown and do
/// not fail the test: only an unpatched application can say whether they work.
///
/// Exit status: 0 all is as expected, 1 something is not, 2 wrong use.
#[derive(Args)]
pub(super) struct Arguments {
    /// Patch files, or folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Send the cases to this address instead, such as http://127.0.0.1:8080 or
    /// https://shop.test.
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// A PEM file of the authorities that sign the target's certificate; the public ones if
    /// left out.
    #[arg(long, value_name = "FILE", requires = "against")]
    authorities: Option<PathBuf>,
    /// What the target is expected to be.
    #[arg(long, value_enum, default_value_t = State::Protected, requires = "against")]
    expect: State,
    /// Seconds that one answer may take.
    #[arg(long, default_value_t = 10, requires = "against")]
    timeout_seconds: u64,
    /// Write one JSON object a patch.
    #[arg(long)]
    json: bool,
}

/// What a target is expected to be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// No exploit works, all benign requests do.
    Protected,
    /// Every exploit works.
    Vulnerable,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut holds = true;
    for source in super::some_documents(&arguments.paths)? {
        holds &= match &arguments.against {
            None => in_process(&source, arguments.json)?,
            Some(url) => live(&source, url, arguments)?,
        };
    }
    Ok(match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn in_process(source: &Source, json: bool) -> anyhow::Result<bool> {
    let compiled = patch::compile(source)?;
    let plan = prove::plan(source, &compiled)?;
    let report = prove::prove(source, &plan, true)?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(report.holds())
}

fn print(report: &Report) {
    println!("{}", report.patch);
    for case in &report.cases {
        let kind = if case.exploit { "exploit" } else { "benign" };
        let mark = if case.ok { "ok  " } else { "FAIL" };
        println!("  {mark} {kind:8} {:40} {}", case.name, done(case));
    }
    let stopped = report.evasions.iter().filter(|variant| variant.ok).count();
    if !report.evasions.is_empty() {
        println!(
            "  {stopped} of {} variants of the exploits are stopped",
            report.evasions.len()
        );
    }
    for variant in report.evasions.iter().filter(|variant| !variant.ok) {
        let of = variant.of.as_deref().unwrap_or_default();
        println!("  passes: {of}, {}", variant.name);
    }
}

fn done(outcome: &Outcome) -> String {
    match (outcome.rule, &outcome.target) {
        (Some(rule), Some(target)) => format!("{} by rule {rule} at {target}", outcome.action),
        _ => outcome.action.to_owned(),
    }
}

/// One case against a live target.
#[derive(Serialize)]
struct Tried<'a> {
    name: &'a str,
    exploit: bool,
    /// Whether the exploit worked, or the benign request got its answer.
    works: bool,
    status: Option<u16>,
    /// Why it did not.
    why: Option<String>,
}

#[derive(Serialize)]
struct Tries<'a> {
    patch: &'a str,
    against: &'a str,
    ok: bool,
    cases: Vec<Tried<'a>>,
}

fn live(source: &Source, url: &str, arguments: &Arguments) -> anyhow::Result<bool> {
    let timeout = Duration::from_secs(arguments.timeout_seconds);
    let target = Target::parse(url, arguments.authorities.as_deref(), timeout)?;
    let cases = &source.document.cases.value;
    let mut tried = Vec::new();
    for (exploit, case) in cases
        .exploit
        .iter()
        .map(|case| (true, case))
        .chain(cases.benign.iter().map(|case| (false, case)))
    {
        let request = Request::of(&case.request)
            .map_err(|why| anyhow::anyhow!("{}:{}: {why}", source.name, case.line))?;
        let mut attempt = Tried {
            name: &case.name,
            exploit,
            works: false,
            status: None,
            why: None,
        };
        match target.send(&request.wire()) {
            // An exploit that gets no answer did not work; a benign request neither.
            Err(error) => attempt.why = Some(format!("{error:#}")),
            Ok(reply) => {
                attempt.status = Some(reply.status);
                let expected = judge(case.success.as_ref(), &reply)?;
                attempt.works = expected == Expected::Yes;
                if let Expected::No(why) = expected {
                    attempt.why = Some(why);
                }
            }
        }
        tried.push(attempt);
    }
    let as_expected = |attempt: &Tried<'_>| match arguments.expect {
        State::Protected => attempt.works != attempt.exploit,
        State::Vulnerable => attempt.works,
    };
    let ok = tried.iter().all(as_expected);
    if arguments.json {
        let tries = Tries {
            patch: &source.document.id,
            against: url,
            ok,
            cases: tried,
        };
        println!("{}", serde_json::to_string(&tries)?);
        return Ok(ok);
    }
    println!("{} against {url}", source.document.id.value);
    for attempt in &tried {
        let kind = if attempt.exploit { "exploit" } else { "benign" };
        let mark = if as_expected(attempt) { "ok  " } else { "FAIL" };
        let works = if attempt.works {
            "works"
        } else {
            "does not work"
        };
        let status = attempt
            .status
            .map_or_else(String::new, |status| format!(" ({status})"));
        let why = attempt
            .why
            .as_ref()
            .map_or_else(String::new, |why| format!(": {why}"));
        println!("  {mark} {kind:8} {:40} {works}{status}{why}", attempt.name);
    }
    Ok(ok)
}

/// Whether an answer shows that the request did what it is for.
pub(crate) fn judge(success: Option<&Success>, reply: &patch::Reply) -> anyhow::Result<Expected> {
    match success.filter(|success| !success.is_empty()) {
        Some(success) => success.judge(reply).map_err(|why| anyhow::anyhow!(why)),
        // Nothing is asked: an answer that is no error will do.
        None if reply.status < 400 => Ok(Expected::Yes),
        None => Ok(Expected::No(format!("the status is {}", reply.status))),
    }
}

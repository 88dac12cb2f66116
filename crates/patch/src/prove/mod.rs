//! A patch against its own cases, the variants of its exploits and recorded traffic.

mod evaded;
mod proof;
mod traffic;

use std::sync::Arc;

use engine::{Limits, Mode, NoResources, Plan, Verdict};
use serde::{Deserialize, Serialize};

use crate::compile::Compiled;
use crate::document::{Case, Document, Located, Source};
use crate::evasion::evasions;
use crate::problem::{Level, Problem};
use crate::request::Request;
pub use evaded::{Evaded, Evasive, Passed, Unjudged, Works, evade};
pub use proof::{Cost, Proof};
pub use traffic::{Hit, Partial, Recorded, Tally, Traffic};

/// What became of a patch's cases.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The patch.
    pub patch: String,
    /// The document's own cases, exploits first.
    pub cases: Vec<Outcome>,
    /// Variants of the exploits.
    pub evasions: Vec<Outcome>,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The case's name; for a variant, what was changed.
    pub name: String,
    /// For a variant, the case that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What was expected: `true` that it is stopped.
    pub exploit: bool,
    /// Whether the patch does as expected.
    pub ok: bool,
    /// `pass`, `block`, `redirect` or `strip`.
    pub action: String,
    /// The rule that decided, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<u64>,
    /// Where it matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Report {
    /// Whether every case of the document's own is as expected.
    pub fn holds(&self) -> bool {
        self.cases.iter().all(|case| case.ok)
    }
}

/// The plan that enforces one patch alone, without regard to its applications.
///
/// # Errors
/// A rule that the engine does not understand, with its place.
pub fn plan(source: &Source, compiled: &Compiled) -> Result<Arc<Plan>, Problem> {
    let mut rules = compiled.rules(Mode::Enforce);
    rules.scope.applications.clear();
    let input = engine::Input {
        rules: Vec::new(),
        patches: vec![rules],
    };
    engine::compile(&input, Limits::default(), &NoResources)
        .map_err(|error| refused(source, &error))
}

/// The engine's error, told in the document's words.
pub(crate) fn refused(source: &Source, error: &engine::CompileError) -> Problem {
    let location = error.location().filter(|at| at.path == source.name);
    Problem {
        file: source.name.clone(),
        line: location.map_or(0, |at| at.line),
        column: location.map_or(0, |at| at.column),
        level: Level::Error,
        message: error.message().to_owned(),
    }
}

/// Runs every case, and with `vary` the variants of every exploit.
///
/// # Errors
/// A case that is no request, with its place.
pub fn prove(source: &Source, plan: &Arc<Plan>, vary: bool) -> Result<Report, Problem> {
    let document = &source.document;
    let application = application(document);
    let mut report = Report {
        patch: document.id.value.clone(),
        cases: Vec::new(),
        evasions: Vec::new(),
    };
    for (exploit, cases) in [
        (true, &document.cases.exploit),
        (false, &document.cases.benign),
    ] {
        for (case, request) in cases.iter().zip(requests(source, cases)?) {
            let verdict = request.exchange(&application).inspect(plan);
            report
                .cases
                .push(outcome(case.name.clone(), None, exploit, &verdict));
            if !(exploit && vary) {
                continue;
            }
            for variant in evasions(&request) {
                let verdict = variant.request.exchange(&application).inspect(plan);
                let of = Some(case.name.clone());
                report
                    .evasions
                    .push(outcome(variant.name, of, true, &verdict));
            }
        }
    }
    Ok(report)
}

/// Cases as requests.
///
/// # Errors
/// A case that is no request, with its place.
pub fn requests(source: &Source, cases: &[Located<Case>]) -> Result<Vec<Request>, Problem> {
    let read = |case: &Located<Case>| {
        Request::of(&case.request).map_err(|message| Problem {
            file: source.name.clone(),
            line: case.line,
            column: case.column,
            level: Level::Error,
            message: format!("case `{}`: {message}", case.name),
        })
    };
    cases.iter().map(read).collect()
}

/// An application that the scope agrees with.
pub fn application(document: &Document) -> String {
    document
        .scope
        .apps
        .first()
        .map_or_else(String::new, |name| name.replace('*', ""))
}

fn outcome(name: String, of: Option<String>, exploit: bool, verdict: &Verdict) -> Outcome {
    let action = verdict.action();
    let cause = verdict
        .decision
        .as_ref()
        .map(|decision| &decision.cause)
        .or_else(|| verdict.matches.iter().find(|found| found.disruptive));
    Outcome {
        name,
        of,
        exploit,
        ok: (action != "pass") == exploit,
        action: action.to_owned(),
        rule: cause.map(|cause| cause.rule),
        target: cause.map(|cause| cause.target.clone()),
    }
}

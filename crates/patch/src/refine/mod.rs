//! A patch changed as little as can be, so that it does with some requests what it did not.

mod candidates;
mod edit;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::Plan;

use crate::compile::{NUMBERS, compile};
use crate::document::{Document, Source};
use crate::evasion::evasions;
use crate::problem::Problem;
use crate::prove::{self, application};
use crate::request::Request;
use candidates::Candidate;
pub use edit::{diff, edited};

/// What the patch must do that it does not do yet.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Requests that must pass: its false positives.
    pub pass: Vec<Request>,
    /// Requests that must be stopped: what it missed.
    pub stop: Vec<Request>,
}

/// A change that keeps every proof.
#[derive(Debug, Clone)]
pub struct Refined {
    /// The document with the change.
    pub document: Document,
    /// What was changed and why, a line each.
    pub reasons: Vec<String>,
}

/// Documents tried at most.
const TRIED: usize = 1000;

/// Paths by which an application shows that it answers on any.
const MANY: usize = 3;

/// Missed requests that are asked for changes: the first may be too strange to tell one.
const ASKED: usize = 4;

/// The smallest change after which all cases hold, every variant of the exploits that was
/// stopped still is, and the requests are decided as wanted. None if one or two changes of
/// those that are known are not enough, or if nothing has to be changed.
///
/// # Errors
/// A document that does not compile, or a case that is no request.
pub fn refine(source: &Source, wanted: &Wanted) -> Result<Option<Refined>, Problem> {
    let trial = Trial::new(source, wanted)?;
    let plan = plan_of(source)?;
    let before = trial.wrong(&plan);
    if before == 0 {
        return Ok(None);
    }
    let mut tried = 0;
    let mut open = vec![(source.document.clone(), Vec::new(), before)];
    for _ in 0..2 {
        let mut better = Vec::new();
        for (document, reasons, before) in &open {
            let source = named(source, document);
            for Candidate { document, reason } in trial.candidates(&source)? {
                tried += 1;
                if tried > TRIED {
                    return Ok(None);
                }
                // What does not compile is no change.
                let Ok(plan) = plan_of(&named(&source, &document)) else {
                    continue;
                };
                let wrong = trial.wrong(&plan);
                // One that does not help alone may be half of one that does.
                if wrong > *before || !trial.keeps(&plan) {
                    continue;
                }
                let mut reasons: Vec<String> = reasons.clone();
                reasons.push(reason);
                if wrong == 0 {
                    return Ok(Some(Refined { document, reasons }));
                }
                better.push((document, reasons, wrong));
            }
        }
        better.sort_by_key(|(_, _, wrong)| *wrong);
        open = better;
    }
    Ok(None)
}

fn named(source: &Source, document: &Document) -> Source {
    Source {
        name: source.name.clone(),
        document: document.clone(),
    }
}

fn plan_of(source: &Source) -> Result<Arc<Plan>, Problem> {
    prove::plan(source, &compile(source)?)
}

/// What every candidate must keep and reach.
struct Trial<'w> {
    wanted: &'w Wanted,
    application: String,
    /// Exploits and their variants that are stopped, benign cases that pass.
    stopped: Vec<Request>,
    passing: Vec<Request>,
}

impl<'w> Trial<'w> {
    fn new(source: &Source, wanted: &'w Wanted) -> Result<Self, Problem> {
        let cases = &source.document.cases;
        let exploits = prove::requests(source, &cases.exploit)?;
        let mut trial = Self {
            wanted,
            application: application(&source.document),
            stopped: Vec::new(),
            passing: prove::requests(source, &cases.benign)?,
        };
        let plan = plan_of(source)?;
        for exploit in exploits {
            let variants = evasions(&exploit).into_iter().map(|each| each.request);
            let stopped: Vec<Request> = variants
                .filter(|variant| trial.stops(&plan, variant))
                .collect();
            trial.stopped.push(exploit);
            trial.stopped.extend(stopped);
        }
        Ok(trial)
    }

    fn stops(&self, plan: &Arc<Plan>, request: &Request) -> bool {
        request.exchange(&self.application).inspect(plan).action() != "pass"
    }

    /// How many of the wanted requests are not decided as wanted.
    fn wrong(&self, plan: &Arc<Plan>) -> usize {
        let stopped = |request: &&Request| self.stops(plan, request);
        let pass = self.wanted.pass.iter().filter(stopped).count();
        pass + self
            .wanted
            .stop
            .iter()
            .filter(|each| !stopped(each))
            .count()
    }

    fn keeps(&self, plan: &Arc<Plan>) -> bool {
        let stops = |request: &Request| self.stops(plan, request);
        !self.passing.iter().any(stops) && self.stopped.iter().all(stops)
    }

    /// Changes that could help, smaller ones first.
    fn candidates(&self, source: &Source) -> Result<Vec<Candidate>, Problem> {
        let plan = plan_of(source)?;
        let mut found = Vec::new();
        let stopped = self.wanted.pass.iter().find_map(|request| {
            let verdict = request.exchange(&self.application).inspect(&plan);
            Some(verdict.decision?.cause)
        });
        if let Some(cause) = stopped {
            let rule = usize::try_from(cause.rule.saturating_sub(NUMBERS) / 100).unwrap_or(0);
            if let Some(rule) = rule.checked_sub(1) {
                let plans = self.stopped.iter().filter_map(|request| {
                    let verdict = request.exchange(&self.application).inspect(&plan);
                    Some(verdict.decision?.cause.target)
                });
                candidates::narrower(&source.document, rule, &cause, plans, &mut found);
            }
        }
        let missed = self.wanted.stop.iter();
        let missed: Vec<&Request> = missed.filter(|each| !self.stops(&plan, each)).collect();
        let paths = missed
            .iter()
            .map(|each| each.target.split(|&byte| byte == b'?').next());
        let many = paths.collect::<BTreeSet<_>>().len() >= MANY;
        for missed in missed.into_iter().take(ASKED) {
            let mut wider = Vec::new();
            candidates::wider(&source.document, missed, many, &mut wider);
            wider.retain(|new| found.iter().all(|old| old.document != new.document));
            found.append(&mut wider);
        }
        Ok(found)
    }
}

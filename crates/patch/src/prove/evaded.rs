//! Variants of the exploits, those that work where somebody can say so.

use std::sync::Arc;

use engine::Plan;
use serde::{Deserialize, Serialize};

use super::application;
use crate::document::{Case, Source};
use crate::evasion::{Variant, compositions, evasions};
use crate::problem::Problem;
use crate::request::Request;

/// What became of the variants of a patch's exploits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaded {
    /// The unpatched application that said which of them work; none: nobody did, and all count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Variants that were tried.
    pub tried: u64,
    /// Those of them that count: that work, where there is a target.
    pub count: u64,
    /// Those of these that are stopped.
    pub stopped: u64,
    /// The others, the first of them.
    pub passed: Vec<Passed>,
    /// Exploits whose variants nobody could judge, and why.
    #[serde(default)]
    pub unjudged: Vec<Unjudged>,
}

/// A variant that counts and passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The exploit.
    pub of: String,
    /// What was changed.
    pub name: String,
}

/// An exploit whose variants say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    /// The exploit.
    pub of: String,
    /// Such as that it does not work on the target.
    pub why: String,
}

/// Variants that pass are kept up to this number.
const PASSED: usize = 200;
/// Variants that are judged at once.
const BATCH: usize = 64;

/// Says which of some requests do what the case is for.
pub type Works<'w> = &'w mut dyn FnMut(&Case, &[&Request]) -> Vec<bool>;

/// How variants are made and judged.
pub struct Evasive<'e> {
    /// The unpatched application, as the proof names it, and its judgement.
    pub target: Option<(String, Works<'e>)>,
    /// Whether variants that count are changed once more.
    pub composed: bool,
    /// Is told of every variant that was tried, and which of the exploits it is made of.
    pub tried: &'e mut dyn FnMut(usize),
    /// Is given every variant that counts and passes.
    pub passed: &'e mut dyn FnMut(&Request),
}

/// Tries the variants of every exploit.
///
/// # Errors
/// A case that is no request, with its place.
pub fn evade(
    source: &Source,
    plan: &Arc<Plan>,
    mut evasive: Evasive<'_>,
) -> Result<Evaded, Problem> {
    let mut evaded = Evaded {
        target: evasive.target.as_ref().map(|(name, _)| name.clone()),
        ..Evaded::default()
    };
    let benign = super::requests(source, &source.document.cases.benign)?;
    let exploits = super::requests(source, &source.document.cases.exploit)?;
    let application = application(&source.document);
    let cases = &source.document.cases.exploit;
    for (at, (case, request)) in cases.iter().zip(&exploits).enumerate() {
        if let Some(why) = evasive.unfit(case, request, &benign) {
            let of = case.name.clone();
            evaded.unjudged.push(Unjudged { of, why });
            continue;
        }
        let mut tally = Tally {
            evaded: &mut evaded,
            at,
            case,
            plan,
            application: &application,
        };
        let singles = tally.counted(&mut evasive, evasions(request));
        if !evasive.composed {
            continue;
        }
        let mut composed = compositions(request, &singles);
        loop {
            let batch: Vec<Variant> = composed.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            tally.counted(&mut evasive, batch);
        }
    }
    Ok(evaded)
}

impl Evasive<'_> {
    /// Why the target cannot say which variants of an exploit work.
    fn unfit(&mut self, case: &Case, request: &Request, benign: &[Request]) -> Option<String> {
        let (_, works) = self.target.as_mut()?;
        if case
            .success
            .as_ref()
            .is_none_or(|success| success.is_empty())
        {
            return Some("no `success` says how a vulnerable application answers".to_owned());
        }
        if !works(case, &[request]).contains(&true) {
            return Some("it does not work on the target".to_owned());
        }
        // Some may be: whoever has logged in sees what the exploit is after.
        let benign: Vec<&Request> = benign.iter().collect();
        let alike = !benign.is_empty() && !works(case, &benign).contains(&false);
        alike.then(|| {
            "every benign request is answered in the same way; make its `success` stricter"
                .to_owned()
        })
    }
}

struct Tally<'t> {
    evaded: &'t mut Evaded,
    at: usize,
    case: &'t Case,
    plan: &'t Arc<Plan>,
    application: &'t str,
}

impl Tally<'_> {
    /// Those that count, after they were tried.
    fn counted(&mut self, evasive: &mut Evasive<'_>, variants: Vec<Variant>) -> Vec<Variant> {
        let mut works = Vec::with_capacity(variants.len());
        for batch in variants.chunks(BATCH) {
            let requests: Vec<&Request> = batch.iter().map(|each| &each.request).collect();
            match &mut evasive.target {
                None => works.resize(works.len() + batch.len(), true),
                Some((_, judge)) => works.extend(judge(self.case, &requests)),
            }
            batch.iter().for_each(|_| (evasive.tried)(self.at));
        }
        self.evaded.tried += variants.len() as u64;
        let counted: Vec<Variant> = variants
            .into_iter()
            .zip(works)
            .filter_map(|(variant, works)| works.then_some(variant))
            .collect();
        for variant in &counted {
            if !self.stops(variant) {
                (evasive.passed)(&variant.request);
            }
        }
        counted
    }

    fn stops(&mut self, variant: &Variant) -> bool {
        self.evaded.count += 1;
        let exchange = variant.request.exchange(self.application);
        let stopped = exchange.inspect(self.plan).action() != "pass";
        self.evaded.stopped += u64::from(stopped);
        if !stopped && self.evaded.passed.len() < PASSED {
            self.evaded.passed.push(Passed {
                of: self.case.name.clone(),
                name: variant.name.clone(),
            });
        }
        stopped
    }
}

impl Evaded {
    /// Why the variants speak against the patch. Without a target none does: that they
    /// pass may be as it should be.
    pub(super) fn objections(&self) -> Vec<String> {
        if self.target.is_none() {
            return Vec::new();
        }
        let passed = self.count - self.stopped;
        let passed = (passed > 0).then(|| {
            format!(
                "{passed} of {} variants that work on the target pass",
                self.count
            )
        });
        let unjudged = self
            .unjudged
            .iter()
            .map(|each| format!("variants of `{}` were not judged: {}", each.of, each.why));
        passed.into_iter().chain(unjudged).collect()
    }
}

//! Requests that satisfy rules, where a source has rules and no requests.
//!
//! 1. [`chain`] takes the rules of a compiled patch: which must hold together.
//! 2. [`want`] says of each what its value must be like, [`inverse`] what that is before the
//!    rule's transformations, [`solve`] one value for all that concern one place.
//! 3. [`slot`] puts the values into a request. It is a witness if the patch stops it.
//! 4. [`twin`] makes the payload harmless. It is a twin if the patch lets it pass.

mod build;
mod chain;
mod inverse;
mod sample;
mod slot;
mod solve;
mod twin;
mod want;

use std::sync::Arc;

use engine::{Mode, Plan};
use patch::document::{Case, Document};
use patch::{Request, Source};

pub(crate) use chain::is_disruptive;
pub(crate) use want::transformations;

use chain::Chain;
use slot::Values;

/// Ways tried for each chain at most: other samples of expressions, other places.
const ATTEMPTS: u64 = 96;
/// Exploits of one document at most.
const EXPLOITS: usize = 16;

/// A text that a regular expression matches; none where it asks for too much.
pub(crate) fn sample(pattern: &str) -> Option<Vec<u8>> {
    sample::of(pattern, &mut inverse::Choice::of(0))
}

/// What was found for a document's rules.
pub(crate) struct Witnesses {
    pub(crate) exploit: Vec<Case>,
    pub(crate) benign: Vec<Case>,
    /// Rules for which no request was found.
    pub(crate) unproven: Vec<u64>,
}

/// Requests for the rules of a document that has no cases yet.
///
/// # Errors
/// The document does not compile, or no request was found for any of its rules.
pub(crate) fn find(document: &Document) -> Result<Witnesses, String> {
    let source = Source {
        name: document.id.value.clone(),
        document: document.clone(),
    };
    let compiled = patch::compile(&source).map_err(|problem| problem.to_string())?;
    let plan = patch::prove::plan(&source, &compiled).map_err(|problem| problem.to_string())?;
    let rules = compiled.rules(Mode::Enforce);
    let chains = chain::of(&rules);
    let mut found = Witnesses {
        exploit: Vec::new(),
        benign: Vec::new(),
        unproven: Vec::new(),
    };
    for chain in &chains {
        if found.exploit.len() >= EXPLOITS {
            break;
        }
        let Some(witness) = witness(chain, &rules.scope, &plan) else {
            found.unproven.push(chain.number);
            continue;
        };
        let twin = twin::of(&witness, &plan);
        add(&mut found.exploit, "exploit", witness.request());
        if let Some(twin) = twin {
            add(&mut found.benign, "harmless", twin);
        }
    }
    if found.exploit.is_empty() {
        let numbers: Vec<String> = found.unproven.iter().map(u64::to_string).collect();
        return Err(match numbers.is_empty() {
            true => "it has no rule that stops a request".to_owned(),
            false => format!(
                "no request was found that rule {} stops; write the patch by hand, with its exploit",
                numbers.join(", ")
            ),
        });
    }
    if found.benign.is_empty() {
        return Err(
            "every request near the exploit is stopped, too; no benign twin was found".to_owned(),
        );
    }
    Ok(found)
}

fn witness(chain: &Chain, scope: &engine::Scope, plan: &Arc<Plan>) -> Option<Values> {
    (0..ATTEMPTS).find_map(|attempt| {
        let values = slot::fill(chain, scope, attempt)?;
        stopped_by(&values.request(), plan)
            .is_some_and(|rule| rule == chain.number)
            .then_some(values)
    })
}

/// The rule that stops a request, if one does.
fn stopped_by(request: &Request, plan: &Arc<Plan>) -> Option<u64> {
    let verdict = request.exchange("").inspect(plan);
    verdict.decision.map(|decision| decision.cause.rule)
}

/// The same request for two rules is one case.
fn add(cases: &mut Vec<Case>, what: &str, request: Request) {
    let request = crate::synthesis::form(&request);
    if cases.iter().all(|case| case.request != request) {
        cases.push(Case {
            name: format!("{what} {}", cases.len() + 1),
            request,
            success: None,
            inert: None,
        });
    }
}

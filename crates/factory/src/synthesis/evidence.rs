//! What a value is, as the detectors say: the same that will enforce the patch.

use std::sync::{Arc, OnceLock};

use engine::{Input, Limits, Mode, NoResources, Plan};
use patch::document::Condition;
use patch::percent_encoded;

use super::classes::{self, Class};
use super::document;

/// The classes that a value belongs to, the most specific first.
///
/// # Errors
/// The detectors do not compile.
pub(super) fn of(value: &[u8]) -> Result<Vec<&'static Class>, String> {
    let plan = plan()?;
    let target = format!("/?v={}", percent_encoded(value));
    let exchange = engine::Exchange {
        application: String::new(),
        method: b"GET".to_vec(),
        target: target.into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: Vec::new(),
        body: Vec::new(),
        response: None,
    };
    let verdict = exchange.inspect(plan);
    let found = |number: usize| {
        let id = number.to_string();
        let mut matches = verdict.matches.iter();
        matches.any(|found| found.patch.as_deref() == Some(&id))
    };
    Ok(classes::ALL
        .iter()
        .enumerate()
        .filter(|(number, _)| found(*number))
        .map(|(_, class)| class)
        .collect())
}

/// One patch a class, all of which only record.
fn plan() -> Result<&'static Arc<Plan>, String> {
    static PLAN: OnceLock<Result<Arc<Plan>, String>> = OnceLock::new();
    let made = PLAN.get_or_init(|| {
        let conditions = classes::ALL.iter().map(|class| class.condition.clone());
        let patches = conditions
            .enumerate()
            .map(|(number, condition)| probe(number, condition))
            .collect::<Result<Vec<_>, String>>()?;
        let input = Input {
            rules: Vec::new(),
            patches,
        };
        engine::compile(&input, Limits::default(), &NoResources)
            .map_err(|error| error.message().to_owned())
    });
    made.as_ref().map_err(Clone::clone)
}

fn probe(number: usize, condition: Condition) -> Result<engine::PatchRules, String> {
    let source = document::probe(number.to_string(), condition);
    let compiled = patch::compile(&source).map_err(|problem| problem.message)?;
    Ok(compiled.rules(Mode::Shadow))
}

//! What a value is, as the detectors say: the same that will enforce the patch.

use std::sync::{Arc, OnceLock};

use engine::{Input, Limits, Mode, NoResources, Plan};
use patch::document::{Condition, Traversal, UrlShape};
use patch::percent_encoded;

/// Classes of attacks, the most specific first.
pub(super) fn classes() -> Vec<Condition> {
    vec![
        Condition::Jndi,
        Condition::Xxe,
        Condition::Deserialization,
        Condition::Traversal(Traversal::DotSegments),
        Condition::Ssrf(UrlShape::Internal),
        Condition::Traversal(Traversal::Absolute),
        Condition::SqlInjection,
        Condition::Xss,
        Condition::CommandInjection,
        Condition::ExpressionInjection,
        Condition::TemplateInjection,
        Condition::Ssrf(UrlShape::Any),
    ]
}

/// The classes that a value belongs to, the most specific first.
///
/// # Errors
/// The detectors do not compile.
pub(super) fn of(value: &[u8]) -> Result<Vec<Condition>, String> {
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
    Ok(classes()
        .into_iter()
        .enumerate()
        .filter(|(number, _)| found(*number))
        .map(|(_, class)| class)
        .collect())
}

/// One patch a class, all of which only record.
fn plan() -> Result<&'static Arc<Plan>, String> {
    static PLAN: OnceLock<Result<Arc<Plan>, String>> = OnceLock::new();
    let made = PLAN.get_or_init(|| {
        let patches = classes()
            .into_iter()
            .enumerate()
            .map(|(number, class)| {
                let source = super::document::probe(number.to_string(), class)?;
                let compiled = patch::compile(&source).map_err(|problem| problem.message)?;
                Ok(compiled.rules(Mode::Shadow))
            })
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

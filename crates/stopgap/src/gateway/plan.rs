//! What a configuration names to a plan that has passed its own cases.

use std::sync::Arc;

use anyhow::anyhow;
use engine::{Limits, Plan, Rehearsal};
use gateway::{Config, Mode};
use patch::Problem;
use patch::load::AsSource as _;

use crate::rules::files::RuleFiles;

/// A plan, ready to be taken into use.
pub(super) struct Loaded {
    pub(super) plan: Arc<Plan>,
    pub(super) patches: usize,
    /// What is worth a warning.
    pub(super) idle: Vec<String>,
}

/// Reads, compiles and tests everything that the configuration names.
pub(super) fn load(config: &Config) -> anyhow::Result<Loaded> {
    let mut rules = Vec::new();
    for path in &config.rules {
        rules.push(crate::rules::files::load(path)?);
    }
    let mut texts = Vec::new();
    for patches in &config.patches {
        let mode = match patches.mode {
            Mode::Enforce => engine::Mode::Enforce,
            Mode::Shadow => engine::Mode::Shadow,
        };
        let found = patch::load::texts(std::slice::from_ref(&patches.path));
        let found = found.map_err(|problems| all_of(&problems))?;
        texts.extend(found.into_iter().map(|text| (text, mode)));
    }
    let plan = match patch::load::plan(&rules, &texts, Limits::default(), &RuleFiles) {
        Ok(plan) => plan,
        Err(first) => {
            // Whoever mends one document wants to know of the others.
            let unparsed = texts.iter().filter_map(|(text, _)| text.source().err());
            let unparsed: Vec<_> = unparsed.collect();
            return Err(match unparsed.is_empty() {
                true => first.into(),
                false => all_of(&unparsed),
            });
        }
    };
    let names: Vec<&str> = config
        .application
        .iter()
        .map(|application| application.name.as_str())
        .collect();
    let (mut problems, mut idle) = (Vec::new(), Vec::new());
    let mut rehearsal = Rehearsal::new(Arc::clone(&plan));
    // PERF: parsed a second time, one by one: 10,000 trees at once are 110 MB.
    for (text, _) in &texts {
        let source = text.source()?;
        problems.extend(patch::load::self_test(&mut rehearsal, &source));
        let wanted = &source.document.scope.apps;
        let concerned = |name: &&str| wanted.iter().any(|pattern| fits(pattern, name));
        if !wanted.is_empty() && !names.iter().any(concerned) {
            idle.push(format!(
                "patch {} stops nothing here: it is for {}, and the applications are called {}",
                source.document.id.value,
                wanted.join(", "),
                names.join(", ")
            ));
        }
    }
    if !problems.is_empty() {
        return Err(all_of(&problems));
    }
    Ok(Loaded {
        plan,
        patches: texts.len(),
        idle,
    })
}

fn all_of(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow!("{}", lines.join("\n"))
}

/// Whether a name is as a scope's pattern says; `*` stands for any run of characters.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| rest.get(at..).is_some_and(|rest| fits(after, rest)))
        }),
    }
}

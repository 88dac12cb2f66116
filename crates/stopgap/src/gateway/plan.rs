//! What a configuration names to a plan that has passed its own cases.

use std::sync::Arc;

use anyhow::bail;
use engine::{Limits, Plan};
use gateway::{Config, Mode};

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
    let mut sources = Vec::new();
    for patches in &config.patches {
        let mode = match patches.mode {
            Mode::Enforce => engine::Mode::Enforce,
            Mode::Shadow => engine::Mode::Shadow,
        };
        let documents = crate::patch::documents(std::slice::from_ref(&patches.path))?;
        sources.extend(documents.into_iter().map(|source| (source, mode)));
    }
    let plan = patch::load::plan(&rules, &sources, Limits::default(), &RuleFiles)?;
    let problems = patch::load::self_test(&plan, &sources);
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("{}", lines.join("\n"));
    }
    let names: Vec<&str> = config
        .application
        .iter()
        .map(|application| application.name.as_str())
        .collect();
    let idle = sources
        .iter()
        .filter_map(|(source, _)| {
            let wanted = &source.document.scope.apps;
            let concerned = |name: &&str| wanted.iter().any(|pattern| fits(pattern, name));
            (!wanted.is_empty() && !names.iter().any(concerned)).then(|| {
                format!(
                    "patch {} stops nothing here: it is for {}, and the applications are called {}",
                    source.document.id.value,
                    wanted.join(", "),
                    names.join(", ")
                )
            })
        })
        .collect();
    Ok(Loaded {
        plan,
        patches: sources.len(),
        idle,
    })
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

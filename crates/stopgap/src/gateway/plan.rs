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
    Ok(Loaded {
        plan,
        patches: sources.len(),
    })
}

//! What a configuration names to a plan that has passed its own cases.

use std::sync::Arc;

use anyhow::anyhow;
use engine::{Limits, Mode, Plan, Rehearsal};
use gateway::Config;
use patch::Problem;
use patch::load::{AsSource as _, Unparsed};

use crate::rules::files::RuleFiles;

/// A plan, ready to be taken into use.
pub(super) struct Loaded {
    pub(super) plan: Arc<Plan>,
    pub(super) patches: usize,
    /// What is worth a warning.
    pub(super) idle: Vec<String>,
}

/// A document that somebody else than the configuration names.
pub(super) struct Named {
    /// The patch that it is said to be.
    pub(super) id: String,
    pub(super) text: String,
    pub(super) mode: Mode,
}

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum Rejected {
    /// Something cannot be read, or is not understood.
    Compile(anyhow::Error),
    /// A patch does not hold its own cases.
    SelfTest(anyhow::Error),
}

impl Rejected {
    /// As attestations have it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Compile(_) => "compile",
            Self::SelfTest(_) => "self-test",
        }
    }
}

impl From<anyhow::Error> for Rejected {
    fn from(why: anyhow::Error) -> Self {
        Self::Compile(why)
    }
}

impl From<Problem> for Rejected {
    fn from(why: Problem) -> Self {
        Self::Compile(why.into())
    }
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Compile(why) | Self::SelfTest(why) => write!(f, "{why:#}"),
        }
    }
}

impl std::error::Error for Rejected {}

/// Reads, compiles and tests everything that the configuration names, and what a bundle does.
pub(super) fn load(config: &Config, bundle: Vec<Named>) -> Result<Loaded, Rejected> {
    let mut rules = Vec::new();
    for path in &config.rules {
        rules.push(crate::rules::files::load(path)?);
    }
    let mut texts = Vec::new();
    for patches in &config.patches {
        let found = patch::load::texts(std::slice::from_ref(&patches.path));
        let found = found.map_err(|problems| all_of(&problems))?;
        texts.extend(found.into_iter().map(|text| (text, patches.mode)));
    }
    let own = texts.len();
    let mut ids = Vec::new();
    for Named { id, text, mode } in bundle {
        let name = format!("bundle: {id}");
        texts.push((Unparsed { name, text }, mode));
        ids.push(id);
    }
    let plan = match patch::load::plan(&rules, &texts, Limits::default(), &RuleFiles) {
        Ok(plan) => plan,
        Err(first) => {
            // Whoever mends one document wants to know of the others.
            let unparsed = texts.iter().filter_map(|(text, _)| text.source().err());
            let unparsed: Vec<_> = unparsed.collect();
            return Err(match unparsed.is_empty() {
                true => first.into(),
                false => all_of(&unparsed).into(),
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
    for (at, (text, _)) in texts.iter().enumerate() {
        let source = text.source()?;
        let id = source.document.id.as_str();
        if let Some(said) = at.checked_sub(own).and_then(|at| ids.get(at))
            && said != id
        {
            let why = anyhow!("{}: this is the document of {id}", text.name);
            return Err(why.into());
        }
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
        return Err(Rejected::SelfTest(all_of(&problems)));
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

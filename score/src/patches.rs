//! A folder of descriptions, imported by the product's own importer and loaded at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use engine::{Limits, Mode, NoResources, Plan};
use factory::{Imported, Options, Outcome, importers, in_parallel};
use jiff::civil::Date;
use patch::Source;
use patch::document::{Effect, Reason};

use crate::corpora::Text;

/// What an importer made of a corpus.
pub(crate) struct Patches {
    pub(crate) sources: Vec<Source>,
    /// As they are written, in the same order.
    pub(crate) texts: Vec<String>,
    pub(crate) effects: BTreeMap<String, Effect>,
    /// Ids and reasons.
    pub(crate) rejected: Vec<(String, String)>,
    pub(crate) needless: Vec<(String, String)>,
    pub(crate) took: Duration,
}

impl Patches {
    /// Imports on all processors, as the program does.
    pub(crate) fn import(kind: &str, texts: &[Text]) -> anyhow::Result<Self> {
        let importer = importers()
            .iter()
            .find(|importer| importer.kind == kind)
            .with_context(|| format!("there is no importer of {kind}"))?;
        let options = options()?;
        let begun = Instant::now();
        let done = in_parallel(texts, |text| {
            importer.import(&text.text, &text.name, &options)
        });
        let took = begun.elapsed();
        let mut patches = Self {
            sources: Vec::new(),
            texts: Vec::new(),
            effects: BTreeMap::new(),
            rejected: Vec::new(),
            needless: Vec::new(),
            took,
        };
        for imported in done.into_iter().flatten() {
            patches.add(imported)?;
        }
        Ok(patches)
    }

    fn add(&mut self, imported: Imported) -> anyhow::Result<()> {
        let id = imported.id;
        match imported.outcome {
            Outcome::Rejected(reason) => self.rejected.push((id, reason)),
            Outcome::Needless(reason) => self.needless.push((id, reason)),
            Outcome::Patch(_)
                if self
                    .sources
                    .iter()
                    .any(|known| known.document.id.value == id) =>
            {
                self.rejected
                    .push((id, "another patch has this id".to_owned()));
            }
            Outcome::Patch(made) => {
                let source = Source::parse(&id, &made.yaml).map_err(|problem| {
                    anyhow!("what was made of {id} is no document: {problem}")
                })?;
                if let Some(effect) = made.effect {
                    self.effects.insert(id, effect);
                }
                self.sources.push(source);
                self.texts.push(made.yaml);
            }
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self, id: &str) -> bool {
        self.effects.get(id) == Some(&Effect::EndpointClosed)
    }

    pub(crate) fn with_effect(&self, effect: Effect) -> usize {
        self.effects
            .values()
            .filter(|known| **known == effect)
            .count()
    }
}

/// All of them in one plan.
pub(crate) fn plan<'s>(sources: impl Iterator<Item = &'s Source>) -> anyhow::Result<Arc<Plan>> {
    let sources: Vec<(Source, Mode)> = sources
        .map(|source| (source.clone(), Mode::Enforce))
        .collect();
    patch::load::plan(&[], &sources, Limits::default(), &NoResources)
        .map_err(|problem| anyhow!("the patches do not load together: {problem}"))
}

/// Days are fixed: what is measured does not depend on when.
fn options() -> anyhow::Result<Options> {
    Ok(Options {
        owner: "score@example.org".to_owned(),
        reason: Reason::ThirdParty,
        expires: Date::new(2027, 6, 30)?,
        today: Date::new(2027, 1, 1)?,
        accept: true,
        hosts: Vec::new(),
        limits: factory::Limits::default(),
        beside: factory::Beside::default(),
    })
}

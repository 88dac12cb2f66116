//! What was found is held against the ledger, and written into it if that is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use ::inventory::{Difference, Found, Named, Unsure, differences, merged, settled};
use anyhow::bail;
use clap::Args;
use ledger::Asset;
use serde_json::Value;
use store::{By, Store, Stored};

use super::{apply, each_asset};
use crate::ledger_place::{Place, now_ms};

/// Where it goes.
#[derive(Args)]
pub(super) struct Bring {
    #[command(flatten)]
    place: Place,
    /// Write it into the ledger.
    #[arg(long, requires = "why")]
    apply: bool,
    /// This is everything that this source knows: what it told of before and does not now has
    /// vanished.
    #[arg(long)]
    complete: bool,
    /// What the source is called, if there are several of this kind.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Who does it, for the audit log.
    #[arg(long, env = "USER")]
    who: Option<String>,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

/// What it changes, or would change.
pub(super) struct Brought {
    assets: usize,
    differences: Vec<Difference>,
    /// What of the sources could not be read.
    left_out: Vec<String>,
    /// How many findings are new; none: nothing was written.
    findings: Option<usize>,
}

impl Bring {
    /// Whether what was not found has vanished.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Holds what was found against the ledger. `asked` names assets that exist and did not answer.
    pub(super) fn bring(
        &self,
        found: &[Found],
        kind: &str,
        asked: &[&str],
    ) -> anyhow::Result<Brought> {
        let source = self.source.as_deref().unwrap_or(kind);
        let store = self.place.open()?;
        let (found, unsure) = named(&store, found)?;
        let ids: BTreeSet<&str> = found.iter().map(|it| it.asset.id.as_str()).collect();
        let mut known = BTreeMap::new();
        let (mut first, mut vanished) = (true, Vec::new());
        each_asset(&store, |page| {
            for stored in page {
                let asset = &stored.value;
                let of_source = asset.sources.iter().any(|it| it == source);
                first &= !of_source;
                if ids.contains(asset.id.as_str()) {
                    known.insert(asset.id.clone(), stored);
                } else if of_source
                    && self.complete
                    && !asked.contains(&asset.id.as_str())
                    && !unsure.iter().any(|it| it.may_be(&asset.id))
                {
                    vanished.push(stored.value);
                }
            }
            Ok(())
        })?;
        let now = told(&known, &found, source, now_ms());
        let mut before: Vec<Asset> = known.values().map(|it| it.value.clone()).collect();
        before.extend(vanished.iter().cloned());
        let after: Vec<Asset> = now.into_values().collect();
        let differences = differences(&before, &after);
        let findings = match (self.apply, &self.who, &self.why) {
            (true, Some(who), Some(why)) => {
                let by = By {
                    who,
                    why,
                    now_ms: now_ms(),
                };
                let news = apply::News {
                    first,
                    known: &known,
                    now: &after,
                    vanished: &vanished,
                };
                Some(news.apply(&store, &by)?)
            }
            (true, ..) => bail!("say --who and --why, for the audit log"),
            (false, ..) => None,
        };
        let left_out = found.iter().flat_map(|it| it.left_out.clone());
        Ok(Brought {
            assets: after.len(),
            differences,
            left_out: left_out
                .chain(unsure.into_iter().map(|it| it.why))
                .collect(),
            findings,
        })
    }
}

impl Brought {
    /// Tells people of it, or as JSON beside what that already says.
    pub(super) fn tell(&self, output: &mut impl Write, json: Option<Value>) -> std::io::Result<()> {
        if let Some(mut whole) = json {
            whole["assets"] = self.assets.into();
            whole["applied"] = self.findings.is_some().into();
            whole["findings"] = self.findings.unwrap_or(0).into();
            whole["left_out"] = self.left_out.clone().into();
            return tell(output, &self.differences, Some(whole));
        }
        tell(output, &self.differences, None)?;
        for line in &self.left_out {
            writeln!(output, "left out: {line}")?;
        }
        let (assets, differences) = (self.assets, self.differences.len());
        write!(output, "{assets} assets, {differences} differences")?;
        match self.findings {
            Some(findings) => writeln!(output, ", {findings} new findings"),
            None => writeln!(output, "; --apply writes them into the ledger"),
        }
    }
}

/// What was found, by the names that the ledger knows, and of what that cannot be told.
fn named(store: &Store, found: &[Found]) -> anyhow::Result<(Vec<Found>, Vec<Unsure>)> {
    let mut known = Vec::new();
    if found.iter().any(|it| it.is_short) {
        each_asset(store, |page| {
            let assets = page.iter().map(|it| &it.value);
            known.extend(assets.map(|it| Named::new(&it.id, it.address.as_deref())));
            Ok(())
        })?;
    }
    Ok(settled(found.to_vec(), &known))
}

/// Tells what differs, a line each, or as JSON beside what that already says.
pub(super) fn tell(
    output: &mut impl Write,
    differences: &[Difference],
    json: Option<Value>,
) -> std::io::Result<()> {
    if let Some(mut whole) = json {
        whole["differences"] = differences.iter().map(ToString::to_string).collect();
        return writeln!(output, "{whole}");
    }
    differences
        .iter()
        .try_for_each(|difference| writeln!(output, "{difference}"))
}

/// What is known with what was found; several sources may tell of one asset.
pub(super) fn told(
    known: &BTreeMap<String, Stored<Asset>>,
    found: &[Found],
    source: &str,
    now_ms: i64,
) -> BTreeMap<String, Asset> {
    let mut now: BTreeMap<String, Asset> = BTreeMap::new();
    for one in found {
        let id = &one.asset.id;
        let before = now.get(id).or(known.get(id).map(|it| &it.value));
        let asset = merged(before, one, source, now_ms);
        now.insert(id.clone(), asset);
    }
    now
}

//! What a source told is written into the ledger; what people should look at becomes a finding.

use std::collections::BTreeMap;

use ledger::{Advisory, Asset, Severity, Subject};
use store::{By, Change, Store, Stored};

/// What is told of an inventory as of a vulnerability, so that it is worked on like one.
const NEW: (&str, &str) = (
    "inventory:new",
    "An asset that this source did not tell of before: who owns it, and is it wanted?",
);
const VANISHED: (&str, &str) = (
    "inventory:vanished",
    "An asset that its source no longer tells of: is it gone, or does it hide?",
);
const AUTO_UPDATE: (&str, &str) = (
    "inventory:auto-update",
    "An asset began to update itself: it changes outside of campaigns",
);

pub(super) struct News<'a> {
    /// Whether this source told of nothing before: what it tells first is no news.
    pub(super) first: bool,
    pub(super) known: &'a BTreeMap<String, Stored<Asset>>,
    pub(super) now: &'a [Asset],
    pub(super) vanished: &'a [Asset],
}

impl News<'_> {
    /// Writes all of it or nothing; how many findings are new.
    pub(super) fn apply(&self, store: &Store, by: &By<'_>) -> anyhow::Result<usize> {
        let count = store.change(by, |it| {
            let mut count = 0;
            for asset in self.now {
                match self.known.get(&asset.id) {
                    None => {
                        it.add(asset)?;
                        if !self.first {
                            count += open(it, NEW, asset)?;
                        }
                    }
                    Some(Stored { value, version }) if value != asset => {
                        // What somebody else has said meanwhile is not lost.
                        it.replace(asset, Some(*version))?;
                        let on = |asset: &Asset| asset.auto_updates.iter().any(|it| it.on);
                        if on(asset) && !on(value) && !value.auto_updates.is_empty() {
                            count += open(it, AUTO_UPDATE, asset)?;
                        }
                    }
                    Some(_) => {}
                }
            }
            for asset in self.vanished {
                count += open(it, VANISHED, asset)?;
            }
            Ok(count)
        })?;
        Ok(count)
    }
}

fn open(
    change: &mut Change<'_>,
    (id, title): (&str, &str),
    asset: &Asset,
) -> Result<usize, store::Error> {
    if change
        .get::<Advisory>(id)
        .is_err_and(|why| why.is_missing())
    {
        change.add(&Advisory {
            title: title.to_owned(),
            ..Advisory::new(id, Severity::Medium)
        })?;
    }
    let subject = Subject::Asset(asset.id.clone());
    Ok(usize::from(change.open_finding(id, &subject)?.new))
}

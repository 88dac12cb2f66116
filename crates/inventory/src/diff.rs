//! What differs between what is known of assets and what was found.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Asset, Software};

/// How an asset differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The asset.
    pub asset: String,
    /// What became of it.
    pub change: Change,
}

/// One thing that is other than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was not known.
    New,
    /// It is no longer told of.
    Vanished,
    /// Software that was not there: its name and version.
    Added(String, String),
    /// Software that is no longer there: its name and version.
    Removed(String, String),
    /// Software of another version: its name, the version before and now.
    Version(String, String, String),
    /// Anything else, by its name: what it was and what it is.
    Field(&'static str, String, String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.asset;
        let none = |text: &str| match text {
            "" => "nothing".to_owned(),
            text => text.to_owned(),
        };
        match &self.change {
            Change::New => write!(f, "{id}: new"),
            Change::Vanished => write!(f, "{id}: vanished"),
            Change::Added(name, version) => write!(f, "{id}: added {name} {version}"),
            Change::Removed(name, version) => write!(f, "{id}: removed {name} {version}"),
            Change::Version(name, before, now) => write!(f, "{id}: {name} {before} to {now}"),
            Change::Field(name, before, now) => {
                write!(f, "{id}: {name} {} to {}", none(before), none(now))
            }
        }
    }
}

/// What differs, by asset. Assets that were known and are not among those now have vanished.
#[must_use]
pub fn differences(known: &[Asset], now: &[Asset]) -> Vec<Difference> {
    let known: BTreeMap<&str, &Asset> = known.iter().map(|it| (it.id.as_str(), it)).collect();
    let now: BTreeMap<&str, &Asset> = now.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut all = Vec::new();
    for (id, asset) in &now {
        let changes = match known.get(id) {
            Some(before) => changes(before, asset),
            None => vec![Change::New],
        };
        all.extend(changes.into_iter().map(|change| Difference {
            asset: (*id).to_owned(),
            change,
        }));
    }
    let vanished = known.keys().filter(|id| !now.contains_key(*id));
    all.extend(vanished.map(|id| Difference {
        asset: (*id).to_owned(),
        change: Change::Vanished,
    }));
    all
}

fn changes(before: &Asset, now: &Asset) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut field = |name, before: String, now: String| {
        if before != now {
            changes.push(Change::Field(name, before, now));
        }
    };
    let told = |it: &Option<String>| it.clone().unwrap_or_default();
    let list = |it: &[String]| it.join(", ");
    field("title", before.title.clone(), now.title.clone());
    field("kind", before.kind.to_string(), now.kind.to_string());
    field(
        "environment",
        name(before.environment),
        name(now.environment),
    );
    field(
        "criticality",
        name(before.criticality),
        name(now.criticality),
    );
    field("owner", told(&before.owner), told(&now.owner));
    field("location", told(&before.location), told(&now.location));
    field("ring", told(&before.ring), told(&now.ring));
    field("address", told(&before.address), told(&now.address));
    field("groups", list(&before.groups), list(&now.groups));
    field(
        "depends_on",
        list(&before.depends_on),
        list(&now.depends_on),
    );
    field("auto_updates", auto_updates(before), auto_updates(now));
    field("reboot", reboot(before), reboot(now));
    // What is told of these is less than all that may differ.
    if before.os != now.os {
        changes.push(Change::Field("os", os(before), os(now)));
    }
    if before.jobs != now.jobs {
        let (gone, come) = jobs(before, now);
        changes.push(Change::Field("jobs", gone, come));
    }
    changes.extend(software(&before.software, &now.software));
    changes
}

fn name(it: Option<impl std::fmt::Display>) -> String {
    it.map(|it| it.to_string()).unwrap_or_default()
}

fn os(asset: &Asset) -> String {
    let Some(os) = &asset.os else {
        return String::new();
    };
    let version = os.version.as_deref().unwrap_or_default();
    let plain = format!("{} {version}", os.id);
    let title = os.title.as_deref().unwrap_or(&plain).trim();
    match &os.kernel {
        Some(kernel) => format!("{title}, kernel {kernel}"),
        None => title.to_owned(),
    }
}

fn auto_updates(asset: &Asset) -> String {
    let all = asset.auto_updates.iter().map(|it| {
        let state = if it.on { "on" } else { "off" };
        format!("{} {state}", it.by)
    });
    all.collect::<Vec<_>>().join(", ")
}

fn reboot(asset: &Asset) -> String {
    match &asset.reboot {
        None => String::new(),
        Some(reboot) if !reboot.needed => "not needed".to_owned(),
        Some(reboot) if reboot.because_of.is_empty() => "needed".to_owned(),
        Some(reboot) => format!("needed because of {}", reboot.because_of.join(", ")),
    }
}

/// The jobs that are not, or not so, on the other side: of each its name and when it runs.
fn jobs(before: &Asset, now: &Asset) -> (String, String) {
    let told = |these: &Asset, others: &Asset| {
        let odd = these.jobs.iter().filter(|it| !others.jobs.contains(it));
        let odd = odd.map(|it| format!("{} ({})", it.name, it.schedule));
        odd.collect::<Vec<_>>().join(", ")
    };
    (told(before, now), told(now, before))
}

/// Several versions of one name may be installed side by side. Of an asset of which nothing was
/// known, how much there is says more than all of it.
fn software(before: &[Software], now: &[Software]) -> Vec<Change> {
    if before.is_empty() && now.len() > 1 {
        let known = format!("{} packages", now.len());
        return vec![Change::Field("software", String::new(), known)];
    }
    let (before, now) = (by_name(before), by_name(now));
    let names: BTreeSet<&str> = before.keys().chain(now.keys()).copied().collect();
    let mut changes = Vec::new();
    for name in names {
        let none = BTreeSet::new();
        let before = before.get(name).unwrap_or(&none);
        let now = now.get(name).unwrap_or(&none);
        let mut gone = before.difference(now);
        let mut come = now.difference(before);
        let text = |version: &str| version.to_owned();
        loop {
            changes.push(match (gone.next(), come.next()) {
                (Some(gone), Some(come)) => Change::Version(text(name), text(gone), text(come)),
                (Some(gone), None) => Change::Removed(text(name), text(gone)),
                (None, Some(come)) => Change::Added(text(name), text(come)),
                (None, None) => break,
            });
        }
    }
    changes
}

fn by_name(software: &[Software]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for it in software {
        names.entry(&it.name).or_default().insert(&it.version);
    }
    names
}

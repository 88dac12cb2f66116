//! Which advisories concern which software: advisories are found by the names of packages, then
//! their versions are compared.

use std::cmp::Ordering;
use std::collections::HashMap;

use ledger::{Advisory, Affected, Software, VersionRange};

use crate::Limits;
use crate::package::Package;
use crate::version::Scheme;

/// Advisories by the names of the packages that they affect.
pub struct Index<'a> {
    by_name: HashMap<String, Vec<Entry<'a>>>,
    /// What was found for software that many assets have.
    known: hashbrown::HashMap<String, usize>,
    verdicts: Vec<Verdict>,
    /// Where keys of `known` are put together.
    key: String,
    limits: Limits,
}

struct Entry<'a> {
    advisory: usize,
    affected: &'a Affected,
    release: Option<String>,
}

/// An advisory that concerns a piece of software.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Its place among those that the index was made of.
    pub advisory: usize,
    /// The first version without the vulnerability, as far as that is known.
    pub fixed: Option<String>,
}

/// What is known of a piece of software.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The advisories that concern it.
    pub matched: Vec<Matched>,
    /// Advisories that name it, but whose versions cannot be compared with its version.
    pub unclear: Vec<usize>,
    /// Whether it has a name by which advisories can be found.
    pub named: bool,
}

const NOTHING: &Verdict = &Verdict {
    matched: Vec::new(),
    unclear: Vec::new(),
    named: false,
};

impl<'a> Index<'a> {
    /// An index of advisories.
    #[must_use]
    pub fn new(advisories: &'a [Advisory], limits: &Limits) -> Self {
        let mut by_name: HashMap<String, Vec<Entry<'a>>> = HashMap::new();
        for (at, advisory) in advisories.iter().enumerate() {
            for affected in &advisory.affected {
                let Some(package) = Package::of(&affected.what) else {
                    continue;
                };
                for name in package.names {
                    let entries = by_name.entry(name.key).or_default();
                    entries.push(Entry {
                        advisory: at,
                        affected,
                        release: package.release.clone(),
                    });
                }
            }
        }
        Self {
            by_name,
            known: hashbrown::HashMap::new(),
            verdicts: Vec::new(),
            key: String::new(),
            limits: limits.clone(),
        }
    }

    /// The advisories that concern a piece of software.
    pub fn look_up(&mut self, software: &Software) -> &Verdict {
        self.key.clear();
        let names = [&software.purl, &software.cpe].into_iter().flatten();
        for part in names.chain([&software.version]) {
            self.key.push_str(part);
            self.key.push('\n');
        }
        let place = match self.known.get(&self.key) {
            Some(place) => *place,
            None => {
                self.verdicts.push(self.judge(software));
                let place = self.verdicts.len() - 1;
                self.known.insert(self.key.clone(), place);
                place
            }
        };
        self.verdicts.get(place).unwrap_or(NOTHING)
    }

    fn judge(&self, software: &Software) -> Verdict {
        let mut verdict = Verdict::default();
        for text in [&software.purl, &software.cpe].into_iter().flatten() {
            let Some(package) = Package::of(text) else {
                continue;
            };
            verdict.named = true;
            for name in &package.names {
                let version = name.version.as_deref().unwrap_or(&software.version);
                for entry in self.by_name.get(&name.key).into_iter().flatten() {
                    if package.is_of_release(entry.release.as_deref()) {
                        self.compare(entry, package.scheme, version, &mut verdict);
                    }
                }
            }
        }
        verdict.matched.sort_by_key(|matched| matched.advisory);
        verdict.matched.dedup_by_key(|matched| matched.advisory);
        let matched = &verdict.matched;
        let clear = |at: &usize| !matched.iter().any(|matched| matched.advisory == *at);
        verdict.unclear.retain(clear);
        verdict.unclear.dedup();
        verdict
    }

    fn compare(&self, entry: &Entry<'_>, scheme: Scheme, version: &str, verdict: &mut Verdict) {
        let affected = entry.affected;
        let within = |ranges: &[VersionRange]| {
            let mut unclear = false;
            for range in ranges {
                match contains(range, scheme, version, &self.limits) {
                    Some(true) => return (Some(range.clone()), unclear),
                    Some(false) => {}
                    None => unclear = true,
                }
            }
            (None, unclear)
        };
        let (spared, spared_unclear) = within(&affected.unaffected);
        if spared.is_some() {
            return;
        }
        let (range, unclear) = within(&affected.ranges);
        let equal = |listed: &String| {
            listed == version
                || scheme.compare(listed, version, &self.limits) == Some(Ordering::Equal)
        };
        let listed = affected.versions.iter().any(equal);
        let every = affected.ranges.is_empty() && affected.versions.is_empty();
        if !(listed || every || range.is_some()) {
            if unclear {
                verdict.unclear.push(entry.advisory);
            }
            return;
        }
        if spared_unclear {
            verdict.unclear.push(entry.advisory);
            return;
        }
        verdict.matched.push(Matched {
            advisory: entry.advisory,
            fixed: range.and_then(|range| range.fixed),
        });
    }
}

/// Whether a version is in a range; nothing if that cannot be told.
fn contains(range: &VersionRange, scheme: Scheme, version: &str, limits: &Limits) -> Option<bool> {
    let compare = |end: &String| scheme.compare(version, end, limits);
    let after = match range.introduced.as_ref().filter(|first| *first != "0") {
        Some(first) => compare(first)?.is_ge(),
        None => true,
    };
    let before = match (&range.fixed, &range.last_affected) {
        (Some(fixed), _) => compare(fixed)?.is_lt(),
        (None, Some(last)) => compare(last)?.is_le(),
        (None, None) => true,
    };
    Some(after && before)
}

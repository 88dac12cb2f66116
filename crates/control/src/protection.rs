//! Whether a virtual patch protects what an exception is about, by all that is known at one moment.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ledger::exception::Protection;
use ledger::probe::Shown;
use ledger::rollout::{Evidence, Stage};
use ledger::{
    Application, Environment, Exception, IngressPoint, Refused, Subject, VirtualPatch, due,
};
use store::{Error, Session};

use crate::coverage::{Coverage, Does, PatchesCovered};

/// How long what ingress points attest may be behind before that counts, in milliseconds: a new
/// bundle reaches them in seconds, and after a time without a control side they tell of
/// themselves within half a minute.
pub(crate) const SETTLES_MS: i64 = 60 * 1000;

/// Why something does not protect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Red {
    /// For people.
    pub why: String,
    /// Whether it may be over in a moment by itself.
    pub settles: bool,
}

fn red<T>(why: impl Into<String>) -> Result<T, Red> {
    let why = why.into();
    Err(Red {
        why,
        settles: false,
    })
}

fn settling<T>(why: impl Into<String>) -> Result<T, Red> {
    let why = why.into();
    Err(Red { why, settles: true })
}

/// Refuses an exception whose protection is not there.
///
/// # Errors
/// It is not, or the ledger cannot be asked.
pub fn must_protect(it: &mut Session<'_>, exception: &Exception, now_ms: i64) -> Result<(), Error> {
    let coverage = Coverage::of(it)?;
    let known = Protections::of(it, &coverage)?;
    known.protects(it, exception, now_ms)?.map_err(|red| {
        let id = exception.id;
        Refused::new(format!("exception {id} cannot come in force: {}", red.why)).into()
    })
}

/// An ingress point, as far as it leads to what findings concern.
struct Way<'a> {
    point: &'a IngressPoint,
    applications: BTreeSet<&'a str>,
    /// Nobody knows by which applications, so all of it counts.
    whole: bool,
}

/// All that is known of protection at one moment.
pub(crate) struct Protections<'a> {
    coverage: &'a Coverage,
    applications: Vec<Application>,
    /// The documents that were proven, of rollouts that have not ended.
    proven: BTreeSet<String>,
}

impl<'c> Protections<'c> {
    /// As it is now.
    ///
    /// # Errors
    /// The ledger cannot be asked.
    pub(crate) fn of(it: &mut Session<'_>, coverage: &'c Coverage) -> Result<Self, Error> {
        let rollouts = it.live_rollouts()?.into_iter().map(|it| it.value);
        let proven = rollouts.filter(|it| matches!(it.evidence, Evidence::Proven(_)));
        Ok(Self {
            proven: proven.map(|it| it.digest).collect(),
            coverage,
            applications: it.all()?,
        })
    }

    /// Whether what an exception names protects its findings now.
    ///
    /// # Errors
    /// The ledger cannot be asked; within: it does not protect.
    pub(crate) fn protects(
        &self,
        it: &mut Session<'_>,
        exception: &Exception,
        now_ms: i64,
    ) -> Result<Result<(), Red>, Error> {
        if let Some(over) = exception.is_over(now_ms) {
            return Ok(red(over));
        }
        let Protection::VirtualPatch { patch } = &exception.terms.protection else {
            return Ok(Ok(()));
        };
        let patch: VirtualPatch = match it.get(patch) {
            Ok(patch) => patch.value,
            Err(why) if why.is_missing() => return Ok(red(format!("patch {patch} is not there"))),
            Err(why) => return Err(why),
        };
        if patch.expires_ms <= now_ms {
            return Ok(red(format!("patch {} is past its expiry", patch.id)));
        }
        let mut subjects = HashSet::new();
        for id in &exception.findings {
            let finding = it.finding(*id)?.value;
            if !patch.advisories.contains(&finding.advisory) {
                let (patch, advisory) = (&patch.id, &finding.advisory);
                return Ok(red(format!("patch {patch} is not for {advisory}")));
            }
            subjects.insert(finding.subject);
        }
        let ways = match self.ways_to(&subjects) {
            Ok(ways) => ways,
            Err(why) => return Ok(Err(why)),
        };
        let map = self.coverage.map();
        for way in ways {
            let probes = it.probes(&way.point.id)?;
            let covered = self.coverage.patches(&map, way.point, &probes, now_ms);
            if let Err(why) = self.covers(&patch.id, &way, &covered, now_ms) {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    /// The ingress points that lead to what findings concern.
    fn ways_to<'a>(&'a self, subjects: &'a HashSet<Subject>) -> Result<Vec<Way<'a>>, Red> {
        let mut ways: BTreeMap<&str, Way<'a>> = BTreeMap::new();
        for subject in subjects {
            let applications: Vec<&str> = match subject {
                Subject::Application(id) => vec![id],
                Subject::Asset(id) => {
                    let runs = |it: &&Application| it.assets.contains(id);
                    let there = self.applications.iter().filter(runs);
                    there.map(|it| it.id.as_str()).collect()
                }
            };
            let leads = |point: &&IngressPoint| match applications.is_empty() {
                true => point.environment == Environment::Production,
                false => {
                    let mut to = point.applications.iter();
                    point.applications.is_empty()
                        || to.any(|it| applications.contains(&it.as_str()))
                }
            };
            let mut none = true;
            for point in self.coverage.points().iter().filter(leads) {
                none = false;
                let way = ways.entry(&point.id).or_insert_with(|| Way {
                    point,
                    applications: BTreeSet::new(),
                    whole: false,
                });
                way.applications.extend(&applications);
                way.whole |= applications.is_empty();
            }
            if none {
                return red(format!(
                    "no ingress point is known that leads to {subject}: nothing shows that the patch protects it"
                ));
            }
        }
        Ok(ways.into_values().collect())
    }

    /// Whether a patch is enforced on a way.
    fn covers(
        &self,
        patch: &str,
        way: &Way<'_>,
        covered: &PatchesCovered,
        now_ms: i64,
    ) -> Result<(), Red> {
        let at = &way.point.id;
        let concerned = |application: Option<&str>| {
            way.whole || application.is_none_or(|it| way.applications.contains(it))
        };
        let mut holes = covered.point.holes.iter();
        if let Some(hole) = holes.find(|it| concerned(it.application.as_deref())) {
            return red(format!("a way of {at} is open: {}", hole.why));
        }
        self.attested(&covered.point.guards, now_ms)?;
        let entry = self.coverage.entry(way.point.environment, patch);
        let Some(entry) = entry.filter(|it| it.stage == Stage::Enforce) else {
            return red(format!("patch {patch} is not enforced at {at}"));
        };
        if !self.proven.contains(&entry.digest) {
            return red(format!("patch {patch} is not proven"));
        }
        let of_patch = covered.patches.iter().find(|it| it.patch == patch);
        if of_patch.is_none_or(|it| it.does != Does::AsWanted) {
            return settling(format!(
                "{at} does not attest that it enforces patch {patch}"
            ));
        }
        let probe = of_patch.and_then(|it| it.probe.as_ref());
        match probe.filter(|it| it.current).map(|it| it.shows) {
            Some(Shown::Passed | Shown::Recorded) => {
                red(format!("a probe of patch {patch} went through {at}"))
            }
            Some(Shown::Elsewhere) => red(format!(
                "a probe at {at} does not show that patch {patch} stops it: another has refused it"
            )),
            _ => Ok(()),
        }
    }

    /// Whether those who guard a way still tell what they do.
    fn attested(&self, guards: &[String], now_ms: i64) -> Result<(), Red> {
        guards.iter().try_for_each(|id| {
            let seen_ms = self.coverage.seen_ms(id).unwrap_or(0);
            match now_ms.saturating_sub(seen_ms) > due::SILENT_MS {
                true => settling(format!("{id} does not tell any more what it enforces")),
                false => Ok(()),
            }
        })
    }
}

//! Which patch is enforced at which ingress point, what shows it, and where nothing is enforced.

use std::collections::BTreeMap;

use ledger::bundle::Entry;
use ledger::coverage::{Hole, Map};
use ledger::probe::{Answer, Probe, Shown};
use ledger::rollout::Stage;
use ledger::{Environment, IngressKind, IngressPoint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Error, Made, Seen, Session};

/// What is known at one moment.
pub struct Coverage {
    points: Vec<IngressPoint>,
    fleet: BTreeMap<String, Seen>,
    bundles: Vec<Made>,
}

/// How an ingress point is covered.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PointCovered")]
pub struct PointCovered {
    /// The ingress point.
    pub ingress: String,
    /// What it is made of.
    pub kind: IngressKind,
    /// Where it is.
    pub environment: Environment,
    /// Where probes are sent; none: nowhere.
    pub address: Option<String>,
    /// The ingress points that enforce on its ways: itself, or others.
    pub guards: Vec<String>,
    /// The ways to applications on which nothing enforces.
    pub holes: Vec<Hole>,
}

/// How an ingress point is covered, patch by patch.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PatchesCovered")]
pub struct PatchesCovered {
    /// The ingress point.
    pub point: PointCovered,
    /// The newest bundle of its environment; 0: none yet.
    pub bundle: u64,
    /// The bundle's patches.
    pub patches: Vec<PatchCovered>,
}

/// What an ingress point does with a patch.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PatchCovered")]
pub struct PatchCovered {
    /// The virtual patch.
    pub patch: String,
    /// `shadow`, `canary` or `enforce`.
    pub stage: Stage,
    /// In the canary, the share of clients that it stops.
    pub share_percent: Option<u8>,
    /// What those who guard the ingress point attest.
    pub does: Does,
    /// What the last probe has shown; none: nothing was sent yet.
    pub probe: Option<Probed>,
}

/// What is attested of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// As the newest bundle says.
    AsWanted,
    /// As an earlier bundle says.
    Older,
    /// Other than its bundle says.
    Differs,
    /// Nothing.
    Nothing,
}

/// What a probe has shown.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Probed")]
pub struct Probed {
    /// What.
    pub shows: Shown,
    /// Since when.
    pub sent_ms: i64,
    /// The exploit case that was sent.
    pub case: String,
    /// Whether it was of the document that is enforced now.
    pub current: bool,
    /// What came back.
    pub answer: Option<Answer>,
    /// The event of it.
    pub reference: Option<String>,
}

impl Coverage {
    /// As it is now.
    ///
    /// # Errors
    /// The ledger cannot be asked.
    pub fn of(it: &mut Session<'_>) -> Result<Self, Error> {
        let fleet = it.fleet()?.into_iter();
        let mut bundles = Vec::new();
        for environment in Environment::ALL {
            bundles.extend(it.newest_bundle(*environment)?);
        }
        Ok(Self {
            points: it.all()?,
            fleet: fleet.map(|it| (it.gateway.id.clone(), it)).collect(),
            bundles,
        })
    }

    /// Which ways are guarded. Those enforce that have joined, were not put out and attest.
    #[must_use]
    pub fn map(&self) -> Map<'_> {
        let enforces = |it: &&Seen| it.report.is_some() && it.gateway.revoked_ms.is_none();
        let enforcing = self.fleet.values().filter(enforces);
        Map::new(&self.points, enforcing.map(|it| it.gateway.id.as_str()))
    }

    /// All ingress points.
    #[must_use]
    pub fn points(&self) -> &[IngressPoint] {
        &self.points
    }

    /// One of them.
    #[must_use]
    pub fn point(&self, id: &str) -> Option<&IngressPoint> {
        self.points.iter().find(|point| point.id == id)
    }

    /// How one of them is covered.
    #[must_use]
    pub fn covered(&self, map: &Map<'_>, point: &IngressPoint) -> PointCovered {
        PointCovered {
            ingress: point.id.clone(),
            kind: point.kind,
            environment: point.environment,
            address: point.address.clone(),
            guards: map.gateways(point),
            holes: map.holes_of(point),
        }
    }

    /// The same, patch by patch.
    #[must_use]
    pub fn patches(
        &self,
        map: &Map<'_>,
        point: &IngressPoint,
        probes: &[Probe],
        now_ms: i64,
    ) -> PatchesCovered {
        let covered = self.covered(map, point);
        let (bundle, entries) = self.bundle(point.environment);
        let of_patch: BTreeMap<&str, &Probe> =
            probes.iter().map(|it| (it.patch.as_str(), it)).collect();
        let patches = entries.iter().map(|entry| PatchCovered {
            patch: entry.patch.clone(),
            stage: entry.stage,
            share_percent: entry.share_percent,
            does: self.does(&covered.guards, entry, bundle),
            probe: of_patch.get(entry.patch.as_str()).map(|probe| Probed {
                shows: probe.shows(now_ms),
                sent_ms: probe.sent_ms,
                case: probe.case.clone(),
                current: probe.digest == entry.digest,
                answer: probe.answer.clone(),
                reference: probe.told.as_ref().map(|told| told.reference.clone()),
            }),
        });
        PatchesCovered {
            patches: patches.collect(),
            bundle,
            point: covered,
        }
    }

    /// The patches that a probe would find enforced at an ingress point, as it is attested: those
    /// alone are probed, since what is sent elsewhere would reach the application.
    pub(crate) fn enforced(&self, map: &Map<'_>, point: &IngressPoint) -> Vec<&Entry> {
        let guards = map.gateways(point);
        let (bundle, entries) = self.bundle(point.environment);
        let enforced = entries.iter().filter(|entry| {
            entry.stage == Stage::Enforce && self.does(&guards, entry, bundle) == Does::AsWanted
        });
        enforced.collect()
    }

    /// What the newest bundle of an environment says of a patch.
    pub(crate) fn entry(&self, environment: Environment, patch: &str) -> Option<&Entry> {
        ledger::bundle::of(self.bundle(environment).1, patch)
    }

    /// When an ingress point has attested something last.
    pub(crate) fn seen_ms(&self, ingress: &str) -> Option<i64> {
        self.fleet.get(ingress)?.seen_ms
    }

    fn bundle(&self, environment: Environment) -> (u64, &[Entry]) {
        let newest = self.bundles.iter().find(|it| it.environment == environment);
        newest.map_or((0, &[]), |made| (made.number, &made.content))
    }

    /// What all of the guards do; the least of it counts.
    fn does(&self, guards: &[String], entry: &Entry, newest: u64) -> Does {
        let each = guards.iter().map(|id| {
            let report = self.fleet.get(id).and_then(|it| it.report.as_ref());
            match report {
                None => Does::Nothing,
                Some(report) if report.differing.contains(&entry.patch) => Does::Differs,
                Some(report) if report.attestation.bundle != newest => Does::Older,
                Some(_) => Does::AsWanted,
            }
        });
        let worst = |one: Does, two: Does| if one as u8 >= two as u8 { one } else { two };
        each.reduce(worst).unwrap_or(Does::Nothing)
    }
}

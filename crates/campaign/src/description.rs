//! A campaign as people describe it, and what the ledger knows beside that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ledger::{
    Advisory, Asset, AssetKind, Environment, Exception, Finding, Job, Refused, State, Subject, ssvc,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Freeze;
use crate::campaign::{Campaign, Word};
use crate::notice::Templates;
use crate::plan::{Excepted, Host, Inputs, LeftOut, Offer, Plan, RingRule, Service, make};
use crate::policy::{Lane, Policy, Threat, Urgent, VendorPatch};
use crate::rules::Rules;
use crate::{Check, Means};

/// A campaign as people describe it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignDescription")]
pub struct Description {
    /// For people.
    pub title: String,
    /// Who answers for it: an address.
    pub owner: String,
    /// Whom to call when something is wrong.
    pub contact: String,
    /// Whether it is a month's campaign or an urgent one.
    #[serde(default = "monthly")]
    pub lane: Lane,
    /// When patches are due.
    #[serde(default)]
    pub policy: Policy,
    /// How it goes about it.
    #[serde(default)]
    pub rules: Rules,
    /// The rings, in their order.
    pub rings: Vec<RingRule>,
    /// When nothing is changed.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
    /// Who answers for what people use.
    #[serde(default)]
    pub services: Vec<Service>,
    /// The vendor patches that can be installed.
    pub patches: Vec<Patch>,
    /// What the ledger does not know of assets, by their identifiers.
    #[serde(default)]
    pub assets: BTreeMap<String, Extra>,
    /// Whose word makes an advisory urgent, by advisory.
    #[serde(default)]
    pub urgent: BTreeMap<String, Urgent>,
    /// What people are told.
    #[serde(default)]
    pub templates: Templates,
}

fn monthly() -> Lane {
    Lane::Monthly
}

/// A vendor patch, and where it goes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DescribedPatch")]
pub struct Patch {
    /// Names it.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// When it was released.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub released: Option<Date>,
    /// When what is told of it changed last.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub updated: Option<Date>,
    /// When it was first seen here; none: now.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub first_seen: Option<Date>,
    /// The vendor patches in whose place it came.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// The advisories that it fixes.
    #[serde(default)]
    pub fixes: Vec<String>,
    /// By what means it is installed.
    pub means: Means,
    /// The assets that it goes to; none: those that have findings which it fixes.
    #[serde(default)]
    pub assets: Option<Vec<String>>,
}

/// What the ledger does not know of an asset, or not so.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "DescribedAsset")]
pub struct Extra {
    /// Its ring; none: as the ledger says.
    pub ring: Option<String>,
    /// What it depends on, beside what the ledger says.
    pub depends_on: Vec<String>,
    /// The group of which never more than one is down.
    pub quorum: Option<String>,
    /// The units that stop while what they depend on restarts.
    pub services: Vec<String>,
    /// What is put on hold, beside what the ledger says.
    pub jobs: Vec<Job>,
    /// What must hold, before and after.
    pub checks: Vec<Check>,
    /// How its backup is made.
    pub backup: Option<BackupRule>,
    /// How long it is thought to take.
    pub takes_minutes: Option<u32>,
}

/// How a backup is made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupRule {
    /// Who makes it, as the executor knows it.
    pub provider: String,
    /// How long it is kept after the campaign.
    #[serde(default = "fortnight")]
    pub keep_days: u32,
    /// Whether going back restores it, rather than installing the versions of before.
    #[serde(default)]
    pub restore: bool,
}

fn fortnight() -> u32 {
    14
}

/// What the ledger knows.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// All assets.
    pub assets: &'a [Asset],
    /// The advisories that patches fix.
    pub advisories: &'a [Advisory],
    /// The findings of assets.
    pub findings: &'a [Finding],
    /// The exceptions that are in force.
    pub exceptions: &'a [Exception],
}

/// What is known of an asset and an advisory.
#[derive(Default)]
struct Standings<'a> {
    unfixed: HashSet<(&'a str, &'a str)>,
    excepted: HashMap<(&'a str, &'a str), i64>,
}

impl<'a> Known<'a> {
    fn standings(self) -> Standings<'a> {
        let mut standings = Standings::default();
        for finding in self.findings {
            let Subject::Asset(id) = &finding.subject else {
                continue;
            };
            let key = (id.as_str(), finding.advisory.as_str());
            match (finding.state(), finding.excepted_by) {
                (State::Open | State::Shielded | State::Scheduled, _) => {
                    standings.unfixed.insert(key);
                }
                (State::Excepted, Some(exception)) => {
                    standings.excepted.insert(key, exception);
                }
                _ => {}
            }
        }
        standings
    }
}

impl Standings<'_> {
    /// The exception by which an asset does not get a vendor patch: one about something that it
    /// fixes there, where it fixes nothing else.
    fn exception(&self, asset: &str, patch: &Patch) -> Option<i64> {
        let mut fixes = patch.fixes.iter().map(|it| (asset, it.as_str()));
        if fixes.clone().any(|it| self.unfixed.contains(&it)) {
            return None;
        }
        fixes.find_map(|it| self.excepted.get(&it).copied())
    }
}

impl Description {
    /// The vendor patches, and how what they fix is exploited.
    #[must_use]
    pub fn offers(&self, known: Known<'_>, now_ms: i64) -> (Vec<Offer>, BTreeMap<String, Threat>) {
        let offers = self.patches.iter().map(|patch| Offer {
            patch: VendorPatch {
                id: patch.id.clone(),
                title: patch.title.clone(),
                released_ms: patch.released.map(start_ms),
                updated_ms: patch.updated.map(start_ms),
                first_seen_ms: patch.first_seen.map_or(now_ms, start_ms),
                supersedes: patch.supersedes.clone(),
                fixes: patch.fixes.clone(),
            },
            means: patch.means.clone(),
        });
        (offers.collect(), self.threats(known))
    }

    fn threats(&self, known: Known<'_>) -> BTreeMap<String, Threat> {
        let mut threats: BTreeMap<String, Threat> = BTreeMap::new();
        for advisory in known.advisories {
            let threat = Threat {
                exploited: advisory.exploited || advisory.known_exploited.is_some(),
                epss_millionths: advisory.epss_millionths,
                ssvc_act: false,
                urgent: None,
            };
            for name in [&advisory.id].into_iter().chain(&advisory.aliases) {
                threats.insert(name.clone(), threat.clone());
            }
        }
        for finding in known.findings {
            let assessed = finding.assessment.as_ref();
            if assessed.is_some_and(|it| it.decision == ssvc::Decision::Act) {
                threats
                    .entry(finding.advisory.clone())
                    .or_default()
                    .ssvc_act = true;
            }
        }
        for (advisory, urgent) in &self.urgent {
            threats.entry(advisory.clone()).or_default().urgent = Some(urgent.clone());
        }
        threats
    }

    /// All that a plan is made of; with `only`, for these assets alone.
    ///
    /// # Errors
    /// An asset is named that the ledger does not have, or one has no ring.
    pub fn inputs(
        &self,
        known: Known<'_>,
        only: Option<&BTreeSet<String>>,
        name: &str,
        now_ms: i64,
    ) -> Result<Inputs, Refused> {
        self.templates.check()?;
        let places: HashMap<&str, u32> = (0_u32..)
            .zip(known.assets)
            .map(|(at, asset)| (asset.id.as_str(), at))
            .collect();
        let unknown = self
            .assets
            .keys()
            .find(|id| !places.contains_key(id.as_str()));
        if let Some(id) = unknown {
            return Err(not_there(id));
        }
        let mut wanted = self.wanted(known, &places)?;
        if let Some(only) = only {
            let of = |at: u32| known.assets.get(usize::try_from(at).ok()?);
            wanted.retain(|(at, _)| of(*at).is_some_and(|asset| only.contains(&asset.id)));
        }
        let patched: BTreeSet<u32> = wanted.iter().map(|(at, _)| *at).collect();
        let hosts = (0_u32..)
            .zip(known.assets)
            .map(|(at, asset)| self.host(asset, patched.contains(&at)));
        let (offers, threats) = self.offers(known, now_ms);
        Ok(Inputs {
            lane: self.lane,
            hosts: hosts.collect::<Result<_, _>>()?,
            offers,
            wanted,
            threats,
            policy: self.policy.clone(),
            rings: self.rings.clone(),
            services: self.services.clone(),
            freezes: self.freezes.clone(),
            rules: self.rules.clone(),
            name: name.to_owned(),
            now_ms,
        })
    }

    /// The plan as it is made now; with `only`, for these assets alone. It may have no patches.
    ///
    /// # Errors
    /// It cannot be planned so.
    pub fn plan(
        &self,
        known: Known<'_>,
        only: Option<&BTreeSet<String>>,
        name: &str,
        now_ms: i64,
    ) -> Result<Plan, Refused> {
        let mut plan = make(&self.inputs(known, only, name, now_ms)?)?;
        plan.excepted = self.excepted(known, only);
        let excepted: BTreeSet<&str> = plan.excepted.iter().map(|it| &*it.patch).collect();
        let described: HashMap<&str, &Patch> =
            self.patches.iter().map(|it| (&*it.id, it)).collect();
        for left in &mut plan.left_out {
            let patch = described.get(left.patch.as_str());
            left.only = patch.and_then(|it| it.assets.clone());
            if left.assets == 0 && excepted.contains(left.patch.as_str()) {
                left.why = "each asset that needs it has an exception".to_owned();
            }
        }
        Ok(plan)
    }

    /// The campaign with this number, as it is planned now: for all assets, or for those alone that
    /// another one left.
    ///
    /// # Errors
    /// It cannot be planned so, or there is nothing to do.
    pub fn campaign(
        &self,
        id: i64,
        known: Known<'_>,
        follows: Option<(i64, &BTreeSet<String>)>,
        planned: Word,
    ) -> Result<Campaign, Refused> {
        let only = follows.map(|(_, assets)| assets);
        let plan = self.plan(known, only, &Campaign::slug(id), planned.time_ms)?;
        if plan.patches.is_empty() {
            let why = plan.left_out.first().map(LeftOut::reason);
            return Err(Refused::new(format!(
                "nothing is to be done{}",
                why.map_or(String::new(), |why| format!(", for example: {why}"))
            )));
        }
        Ok(Campaign {
            id,
            title: self.title.clone(),
            owner: self.owner.clone(),
            contact: self.contact.clone(),
            follows: follows.map(|(id, _)| id),
            rules: self.rules.clone(),
            templates: self.templates.clone(),
            ..Campaign::of(plan, planned)
        })
    }

    /// What assets do not get by an exception; with `only`, of these assets alone.
    #[must_use]
    pub fn excepted(&self, known: Known<'_>, only: Option<&BTreeSet<String>>) -> Vec<Excepted> {
        let standings = known.standings();
        let exceptions: HashMap<i64, &Exception> =
            known.exceptions.iter().map(|it| (it.id, it)).collect();
        let mut concerned: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut of_advisory: HashMap<&str, Vec<&str>> = HashMap::new();
        for (asset, advisory) in standings.excepted.keys() {
            of_advisory.entry(advisory).or_default().push(asset);
        }
        let mut excepted = Vec::new();
        for patch in &self.patches {
            let assets = patch.fixes.iter();
            let assets = assets.filter_map(|it| of_advisory.get(it.as_str()));
            for asset in assets.flatten() {
                let chosen = patch.assets.as_ref();
                let chosen = chosen.is_none_or(|all| all.iter().any(|it| it == asset));
                let wanted = chosen && only.is_none_or(|only| only.contains(*asset));
                let found = standings.exception(asset, patch);
                let found = found.and_then(|id| exceptions.get(&id));
                let (true, Some(exception)) = (wanted, found) else {
                    continue;
                };
                if concerned.insert((asset, &patch.id)) {
                    excepted.push(Excepted {
                        asset: (*asset).to_owned(),
                        patch: patch.id.clone(),
                        exception: exception.id,
                        protection: exception.terms.protection.to_string(),
                        until_ms: exception.until_ms(),
                    });
                }
            }
        }
        excepted.sort_by(|one, two| (&one.asset, &one.patch).cmp(&(&two.asset, &two.patch)));
        excepted
    }

    /// Which asset needs which patch.
    fn wanted(
        &self,
        known: Known<'_>,
        places: &HashMap<&str, u32>,
    ) -> Result<Vec<(u32, u32)>, Refused> {
        let mut fixed_by: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut wanted = Vec::new();
        let standings = known.standings();
        for (at, patch) in (0_u32..).zip(&self.patches) {
            match &patch.assets {
                Some(assets) => {
                    for id in assets {
                        let place = places.get(id.as_str()).ok_or_else(|| not_there(id))?;
                        if standings.exception(id, patch).is_none() {
                            wanted.push((*place, at));
                        }
                    }
                }
                None => {
                    for advisory in &patch.fixes {
                        fixed_by.entry(advisory).or_default().push(at);
                    }
                }
            }
        }
        for finding in known.findings {
            let Subject::Asset(id) = &finding.subject else {
                continue;
            };
            // What was decided not to be fixed now is left alone.
            let open = matches!(
                finding.state(),
                State::Open | State::Shielded | State::Scheduled
            );
            let patches = fixed_by.get(finding.advisory.as_str());
            if let (true, Some(place), Some(patches)) = (open, places.get(id.as_str()), patches) {
                wanted.extend(patches.iter().map(|patch| (*place, *patch)));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        Ok(wanted)
    }

    fn host(&self, asset: &Asset, patched: bool) -> Result<Host, Refused> {
        let none = Extra::default();
        let extra = self.assets.get(&asset.id).unwrap_or(&none);
        let mut depends_on = asset.depends_on.clone();
        depends_on.extend(extra.depends_on.iter().cloned());
        let mut jobs = asset.jobs.clone();
        jobs.extend(extra.jobs.iter().cloned());
        let ring = extra.ring.clone().or_else(|| asset.ring.clone());
        let ring = ring.or_else(|| self.ring_of(asset.environment));
        let ring = match (ring, patched, self.rings.first()) {
            (Some(ring), _, _) => ring,
            // What gets no patch has no turn, whichever ring it is in.
            (None, false, Some(first)) => first.name.clone(),
            (None, _, _) => {
                return Err(Refused::new(format!(
                    "asset {} has no ring and no environment: say one under assets.{}.ring",
                    asset.id, asset.id
                )));
            }
        };
        let minutes = extra.takes_minutes.map(|it| i64::from(it) * 60_000);
        Ok(Host {
            id: asset.id.clone(),
            ring,
            depends_on,
            quorum: extra.quorum.clone(),
            services: extra.services.clone(),
            jobs,
            automatic_updates: asset.auto_updates.iter().any(|it| it.on),
            attended: asset.kind == AssetKind::Workstation,
            checks: extra.checks.clone(),
            backup: extra
                .backup
                .as_ref()
                .map(|it| (it.provider.clone(), it.keep_days)),
            restore: extra.backup.as_ref().is_some_and(|it| it.restore),
            takes_ms: minutes,
            owner: asset.owner.clone().unwrap_or_else(|| self.owner.clone()),
        })
    }

    /// The first ring for an environment.
    fn ring_of(&self, environment: Option<Environment>) -> Option<String> {
        let test = environment? == Environment::Test;
        let mut rings = self.rings.iter();
        rings.find(|it| it.test == test).map(|it| it.name.clone())
    }
}

fn not_there(id: &str) -> Refused {
    Refused::new(format!(
        "there is no asset {id} in the ledger: add it first, or correct the name"
    ))
}

/// A day's beginning in UTC, as vendors' dates are read.
fn start_ms(day: Date) -> i64 {
    let start = day.to_zoned(TimeZone::UTC);
    start.map_or(0, |it| Timestamp::from(it).as_millisecond())
}

//! How a plan is made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ledger::{Job, Refused};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::graph::{levels, turned};
use super::{Consent, LeftOut, Plan, PlannedAsset, PlannedPatch, Ring, Wave};
use crate::calendar::{Freeze, Window, WindowRule, windows};
use crate::policy::{self, Lane, Policy, Threat, VendorPatch};
use crate::rules::Rules;
use crate::text::{date, minute, span};
use crate::{Backup, Check, Means, Retreat};

/// Windows that a ring has beyond those that its waves need.
const SPARE: usize = 3;
/// Windows that a ring's waves may need.
const WINDOWS: usize = 200;
/// Why a vendor patch is left out that goes nowhere.
const NOT_NEEDED: &str = "no asset of this campaign needs it";
/// Remarks of one kind that a plan spells out.
const REMARKS: usize = 5;

/// All that a plan is made of.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Whether it is a month's campaign or an urgent one.
    pub lane: Lane,
    /// The assets, also those without patches: others may depend on them.
    pub hosts: Vec<Host>,
    /// The vendor patches.
    pub offers: Vec<Offer>,
    /// Which of them which asset needs: its place, and the patch's.
    pub wanted: Vec<(u32, u32)>,
    /// How vulnerabilities are exploited, by advisory.
    pub threats: BTreeMap<String, Threat>,
    /// What is demanded.
    pub policy: Policy,
    /// The rings, in their order.
    pub rings: Vec<RingRule>,
    /// The services that run on the assets.
    pub services: Vec<Service>,
    /// When nothing is changed.
    pub freezes: Vec<Freeze>,
    /// How the campaign goes about it.
    pub rules: Rules,
    /// Names backups.
    pub name: String,
    /// Now.
    pub now_ms: i64,
}

/// An asset as a plan needs it.
#[derive(Debug, Clone)]
pub struct Host {
    /// Names it.
    pub id: String,
    /// Its ring.
    pub ring: String,
    /// What it depends on, by name.
    pub depends_on: Vec<String>,
    /// The group of which never more than one is down.
    pub quorum: Option<String>,
    /// The units that stop while what they depend on restarts.
    pub services: Vec<String>,
    /// What is put on hold.
    pub jobs: Vec<Job>,
    /// Whether it updates itself.
    pub automatic_updates: bool,
    /// Whether somebody works at it.
    pub attended: bool,
    /// What must hold.
    pub checks: Vec<Check>,
    /// Who makes its backups, and how many days they are kept.
    pub backup: Option<(String, u32)>,
    /// Whether going back restores the backup, rather than installing the versions of before.
    pub restore: bool,
    /// How long it is thought to take; none: as the rules say.
    pub takes_ms: Option<i64>,
    /// Who answers for it.
    pub owner: String,
}

/// A vendor patch that can be installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What its vendor publishes.
    pub patch: VendorPatch,
    /// By what means it is installed.
    pub means: Means,
}

/// How a ring is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RingRule {
    /// Names it.
    pub name: String,
    /// Whether what it shows decides about the rings behind it.
    #[serde(default)]
    pub test: bool,
    /// When may be worked.
    pub window: WindowRule,
    /// When may be worked if it is urgent; none: as otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent_window: Option<WindowRule>,
    /// Who is told, beside stakeholders: addresses.
    #[serde(default)]
    pub audience: Vec<String>,
    /// What must hold after each wave.
    #[serde(default)]
    pub gate: Vec<Check>,
}

/// What people use, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Names it.
    pub id: String,
    /// The assets that it runs on.
    pub assets: Vec<String>,
    /// Whose consent is needed: an address.
    pub stakeholder: String,
    /// Who is asked when there is no answer in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
}

/// Makes a plan.
///
/// # Errors
/// Assets depend on each other in a circle, a ring is not there or has no window, or an asset
/// takes longer than any window lasts; each is named.
pub fn make(inputs: &Inputs) -> Result<Plan, Refused> {
    inputs.rules.check()?;
    let places = places(&inputs.hosts)?;
    let (needs, mut remarks) = needs(inputs, &places);
    let name = |at: u32| host(inputs, at).map_or_else(String::new, |host| host.id.clone());
    let levels = levels(&needs, name)?;
    let dependents = turned(&needs);
    let offered = offered_windows(inputs)?;
    let (patches, of_host, left_out) = chosen(inputs, &offered);
    let touched = touched(&of_host, &dependents, inputs);

    let mut new_place = vec![None; inputs.hosts.len()];
    let (mut assets, mut of_ring) = (Vec::new(), vec![Vec::new(); inputs.rings.len()]);
    let rings: HashMap<&str, usize> = (inputs.rings.iter().enumerate())
        .map(|(at, ring)| (ring.name.as_str(), at))
        .collect();
    for (at, host) in inputs.hosts.iter().enumerate() {
        if !touched.get(at).copied().unwrap_or(false) {
            continue;
        }
        let place = u32::try_from(assets.len()).unwrap_or(u32::MAX);
        let own = of_host.get(at).cloned().unwrap_or_default();
        if let (false, Some(ring)) = (own.is_empty(), rings.get(host.ring.as_str()))
            && let Some(list) = of_ring.get_mut(*ring)
        {
            list.push(place);
        }
        if let Some(slot) = new_place.get_mut(at) {
            *slot = Some(place);
        }
        let level = levels.get(at).copied().unwrap_or(0);
        assets.push(planned(inputs, host, own, level));
    }
    for (at, place) in new_place.iter().enumerate() {
        let places = dependents.get(at).into_iter().flatten();
        let kept = places.filter_map(|next| *new_place.get(*next as usize)?);
        if let Some(asset) = place.and_then(|place| assets.get_mut(place as usize)) {
            asset.dependents = kept.collect();
        }
    }
    remarks.extend(without_backup(&assets));
    let laid = Laid {
        inputs,
        assets: &assets,
    };
    let mut planned_rings = Vec::new();
    let mut after_ms = inputs.now_ms;
    for ((rule, places), offered) in inputs.rings.iter().zip(of_ring).zip(offered) {
        if places.is_empty() {
            continue;
        }
        let ring = laid.ring(rule, places, offered, after_ms)?;
        let last = ring.waves.last();
        after_ms = last.map_or(after_ms, |wave| {
            wave.begins_ms.saturating_add(wave.takes_ms)
        });
        planned_rings.push(ring);
    }
    Ok(Plan {
        lane: inputs.lane,
        patches,
        assets,
        rings: planned_rings,
        left_out,
        freezes: inputs.freezes.clone(),
        excepted: Vec::new(),
        remarks,
    })
}

fn host(inputs: &Inputs, at: u32) -> Option<&Host> {
    inputs.hosts.get(usize::try_from(at).ok()?)
}

fn places(hosts: &[Host]) -> Result<HashMap<&str, u32>, Refused> {
    let mut places = HashMap::with_capacity(hosts.len());
    for (at, host) in (0_u32..).zip(hosts) {
        if places.insert(host.id.as_str(), at).is_some() {
            return Err(Refused::new(format!("asset {} is there twice", host.id)));
        }
    }
    Ok(places)
}

/// What each asset depends on, each once. What is not in the inventory cannot be waited for.
fn needs(inputs: &Inputs, places: &HashMap<&str, u32>) -> (Vec<Vec<u32>>, Vec<String>) {
    let mut unknown = Vec::new();
    let needs = inputs.hosts.iter().map(|host| {
        let mut own: Vec<u32> = Vec::with_capacity(host.depends_on.len());
        for name in &host.depends_on {
            match places.get(name.as_str()) {
                Some(at) => own.push(*at),
                None => unknown.push(format!("{} depends on {name}", host.id)),
            }
        }
        own.sort_unstable();
        own.dedup();
        own
    });
    let needs = needs.collect();
    (needs, some(unknown, "is not in the inventory"))
}

/// The first of many remarks, and how many more there are.
fn some(all: Vec<String>, what: &str) -> Vec<String> {
    let more = all.len().saturating_sub(REMARKS);
    let mut remarks: Vec<String> = all
        .into_iter()
        .take(REMARKS)
        .map(|it| format!("{it}, which {what}"))
        .collect();
    if more > 0 {
        remarks.push(format!("{more} more like this"));
    }
    remarks
}

fn without_backup(assets: &[PlannedAsset]) -> Option<String> {
    let bare = assets
        .iter()
        .filter(|it| it.backup.is_none() && !it.patches.is_empty())
        .count();
    (bare > 0).then(|| {
        let assets = crate::text::counted(bare, "asset");
        format!("{assets} without a backup: going back means installing the versions of before")
    })
}

/// The windows of each ring.
fn offered_windows(inputs: &Inputs) -> Result<Vec<Vec<Window>>, Refused> {
    let used: BTreeSet<&str> = inputs.hosts.iter().map(|it| it.ring.as_str()).collect();
    let known: BTreeSet<&str> = inputs.rings.iter().map(|it| it.name.as_str()).collect();
    if known.len() != inputs.rings.len() {
        return Err(Refused::new("two rings have the same name"));
    }
    if let Some(unknown) = used.difference(&known).next() {
        return Err(Refused::new(format!(
            "assets are in ring `{unknown}`, which is none of {}",
            known.iter().copied().collect::<Vec<_>>().join(", ")
        )));
    }
    let each = inputs.rings.iter().map(|rule| {
        let window = match (inputs.lane, &rule.urgent_window) {
            (Lane::Urgent, Some(urgent)) => urgent,
            _ => &rule.window,
        };
        let asked = (inputs.now_ms, WINDOWS + SPARE);
        let found = windows(window, &rule.name, &inputs.freezes, asked);
        match (found.open.is_empty(), found.closed.first()) {
            (false, _) => Ok(found.open),
            (true, Some(freeze)) => Err(Refused::new(format!(
                "ring {} has no window: a freeze closes them until {}: {}",
                rule.name, freeze.until, freeze.why
            ))),
            (true, None) => Err(Refused::new(format!(
                "ring {} has no window after {}: see its rule's COUNT and UNTIL",
                rule.name,
                date(inputs.now_ms)
            ))),
        }
    });
    each.collect()
}

type Chosen = (Vec<PlannedPatch>, Vec<Vec<u32>>, Vec<LeftOut>);

/// The patches that come with this campaign, of each asset which, and what is left out.
fn chosen(inputs: &Inputs, offered: &[Vec<Window>]) -> Chosen {
    let all: Vec<VendorPatch> = inputs.offers.iter().map(|it| it.patch.clone()).collect();
    let due = policy::due(&all, &inputs.threats, &inputs.policy);
    let first = offered.iter().filter_map(|windows| windows.first());
    let begins_ms = first.map(|it| it.opens_ms.max(inputs.now_ms)).min();
    let begins_ms = begins_ms.unwrap_or(inputs.now_ms);
    let mut wanting = vec![0_usize; inputs.offers.len()];
    for (_, patch) in &inputs.wanted {
        if let Some(count) = wanting.get_mut(*patch as usize) {
            *count += 1;
        }
    }
    let (mut patches, mut left_out, mut unneeded) = (Vec::new(), Vec::new(), Vec::new());
    let mut new_place = vec![None; inputs.offers.len()];
    let each = inputs
        .offers
        .iter()
        .zip(due)
        .zip(&wanting)
        .zip(&mut new_place);
    for (((offer, due), wanting), place) in each {
        let why = match (inputs.lane, due.lane) {
            _ if *wanting == 0 => Some(NOT_NEEDED.to_owned()),
            (Lane::Urgent, Lane::Monthly) => Some("it is not urgent".to_owned()),
            (_, Lane::Monthly) if due.due_ms > begins_ms => {
                Some(format!("it is too young on {}", date(begins_ms)))
            }
            _ => None,
        };
        if let Some(why) = why {
            // What somebody waits for stands first.
            let list = match *wanting {
                0 => &mut unneeded,
                _ => &mut left_out,
            };
            list.push(LeftOut {
                patch: offer.patch.id.clone(),
                assets: *wanting,
                why,
                fixes: offer.patch.fixes.clone(),
                only: None,
                due: Some(due),
            });
            continue;
        }
        *place = u32::try_from(patches.len()).ok();
        patches.push(PlannedPatch {
            id: offer.patch.id.clone(),
            title: offer.patch.title.clone(),
            fixes: offer.patch.fixes.clone(),
            due,
            means: offer.means.clone(),
        });
    }
    let mut of_host: Vec<Vec<u32>> = vec![Vec::new(); inputs.hosts.len()];
    for (host, patch) in &inputs.wanted {
        let place = new_place.get(*patch as usize).copied().flatten();
        if let (Some(place), Some(list)) = (place, of_host.get_mut(*host as usize)) {
            list.push(place);
        }
    }
    for list in &mut of_host {
        list.sort_unstable();
        list.dedup();
    }
    left_out.append(&mut unneeded);
    (patches, of_host, left_out)
}

/// Which assets a campaign touches: those with patches, and those with services that stop while
/// what they depend on, near or far, restarts. What lies between them is kept, too.
fn touched(of_host: &[Vec<u32>], dependents: &[Vec<u32>], inputs: &Inputs) -> Vec<bool> {
    let mut below: Vec<bool> = of_host.iter().map(|own| !own.is_empty()).collect();
    let mut queue: Vec<u32> = (0_u32..)
        .zip(&below)
        .filter_map(|(at, own)| own.then_some(at))
        .collect();
    while let Some(at) = queue.pop() {
        for next in dependents.get(at as usize).into_iter().flatten() {
            if let Some(seen) = below.get_mut(*next as usize)
                && !*seen
            {
                *seen = true;
                queue.push(*next);
            }
        }
    }
    // Without services to stop, and without patches, nothing is done to any of them.
    let any = inputs.hosts.iter().any(|host| !host.services.is_empty());
    match any {
        true => below,
        false => of_host.iter().map(|own| !own.is_empty()).collect(),
    }
}

fn planned(inputs: &Inputs, host: &Host, patches: Vec<u32>, level: u32) -> PlannedAsset {
    let backup = host.backup.as_ref().map(|(provider, keep_days)| Backup {
        name: format!("{}-{}", inputs.name, host.id),
        provider: provider.clone(),
        keep_days: *keep_days,
    });
    let retreat = match (&backup, host.restore) {
        (Some(backup), true) => Retreat::Restore(backup.clone()),
        _ => Retreat::Downgrade {},
    };
    PlannedAsset {
        id: host.id.clone(),
        patches,
        dependents: Vec::new(),
        level,
        quorum: host.quorum.clone(),
        services: host.services.clone(),
        jobs: host.jobs.clone(),
        automatic_updates: host.automatic_updates,
        attended: host.attended,
        checks: host.checks.clone(),
        backup,
        retreat,
        takes_ms: host.takes_ms.unwrap_or(inputs.rules.asset_ms),
        owner: host.owner.clone(),
    }
}

struct Laid<'a> {
    inputs: &'a Inputs,
    assets: &'a [PlannedAsset],
}

impl Laid<'_> {
    fn ring(
        &self,
        rule: &RingRule,
        places: Vec<u32>,
        mut offered: Vec<Window>,
        after_ms: i64,
    ) -> Result<Ring, Refused> {
        let longest = offered.iter().map(|it| it.closes_ms - it.opens_ms).max();
        let longest = longest.unwrap_or(0);
        let mut at = 0;
        let mut free_ms = after_ms;
        let mut waves = Vec::new();
        for assets in self.groups(&places) {
            let takes = self.takes_ms(&assets);
            // As many as a window holds, and not more than the rules allow.
            let rounds = usize::try_from(longest / takes.max(1)).unwrap_or(usize::MAX);
            let room = rounds.saturating_mul(self.inputs.rules.parallel as usize);
            let room = room.min(self.inputs.rules.wave_assets as usize);
            if room == 0 {
                return Err(self.too_long(rule, &assets, longest));
            }
            for chunk in assets.chunks(room) {
                let takes_ms = self.wave_ms(chunk);
                let begins_ms = loop {
                    let window = offered.get(at).ok_or_else(|| self.too_much(rule))?;
                    let begins_ms = window.opens_ms.max(free_ms);
                    if window.fits(begins_ms, takes_ms) {
                        break begins_ms;
                    }
                    at += 1;
                };
                free_ms = begins_ms.saturating_add(takes_ms);
                waves.push(Wave {
                    assets: chunk.to_vec(),
                    begins_ms,
                    takes_ms,
                });
            }
        }
        offered.truncate(at + 1 + SPARE);
        let first = waves.first().map_or(after_ms, |wave| wave.begins_ms);
        offered.retain(|window| window.closes_ms > first);
        let (consents, stakeholders) = self.consents(&places);
        let mut audience: BTreeSet<String> = rule.audience.iter().cloned().collect();
        audience.extend(stakeholders);
        let window = match (self.inputs.lane, &rule.urgent_window) {
            (Lane::Urgent, Some(urgent)) => urgent,
            _ => &rule.window,
        };
        Ok(Ring {
            name: rule.name.clone(),
            test: rule.test,
            zone: window.zone.clone(),
            rule: Some(window.clone()),
            windows: offered,
            waves,
            consents,
            audience: audience.into_iter().collect(),
            gate: rule.gate.clone(),
        })
    }

    /// The assets of a ring, those first that others depend on; of a quorum group one at a time.
    fn groups(&self, places: &[u32]) -> Vec<Vec<u32>> {
        let mut groups: BTreeMap<(u32, usize), Vec<u32>> = BTreeMap::new();
        let mut members: HashMap<(u32, &str), usize> = HashMap::new();
        for place in places {
            let Some(asset) = self.assets.get(*place as usize) else {
                continue;
            };
            let turn = asset.quorum.as_deref().map_or(0, |group| {
                let before = members.entry((asset.level, group)).or_default();
                *before += 1;
                *before - 1
            });
            groups.entry((asset.level, turn)).or_default().push(*place);
        }
        groups.into_values().collect()
    }

    fn takes_ms(&self, assets: &[u32]) -> i64 {
        let each = assets.iter().filter_map(|at| self.assets.get(*at as usize));
        each.map(|it| it.takes_ms).max().unwrap_or(0)
    }

    fn wave_ms(&self, assets: &[u32]) -> i64 {
        wave_ms(
            self.takes_ms(assets),
            assets.len(),
            self.inputs.rules.parallel,
        )
    }

    fn too_long(&self, rule: &RingRule, assets: &[u32], longest: i64) -> Refused {
        let slowest = assets
            .iter()
            .filter_map(|at| self.assets.get(*at as usize))
            .max_by_key(|it| it.takes_ms);
        Refused::new(format!(
            "asset {} takes {}, a window of ring {} lasts {}: make the window longer",
            slowest.map_or("", |it| &it.id),
            span(self.takes_ms(assets)),
            rule.name,
            span(longest)
        ))
    }

    fn too_much(&self, rule: &RingRule) -> Refused {
        Refused::new(format!(
            "ring {} needs more windows than there are: make them longer or more frequent, or raise rules.parallel",
            rule.name
        ))
    }

    /// Who must consent to what is done in a ring.
    fn consents(&self, places: &[u32]) -> (Vec<Consent>, Vec<String>) {
        let stopped = super::disturbed(self.assets, places);
        let touched: BTreeSet<&str> = places
            .iter()
            .chain(&stopped)
            .filter_map(|at| self.assets.get(*at as usize))
            .map(|asset| asset.id.as_str())
            .collect();
        let affected = self.inputs.services.iter().filter(|service| {
            let mut assets = service.assets.iter();
            assets.any(|asset| touched.contains(asset.as_str()))
        });
        let consents: Vec<Consent> = affected
            .map(|service| Consent {
                service: service.id.clone(),
                stakeholder: service.stakeholder.clone(),
                delegate: service.delegate.clone(),
            })
            .collect();
        let people = consents.iter().map(|it| it.stakeholder.clone()).collect();
        (consents, people)
    }
}

/// How long a wave takes whose assets take so long each.
pub(crate) fn wave_ms(asset_ms: i64, assets: usize, parallel: u32) -> i64 {
    let rounds = assets.div_ceil((parallel as usize).max(1));
    asset_ms.saturating_mul(i64::try_from(rounds).unwrap_or(i64::MAX))
}

/// When something begins, for people.
pub(crate) fn begins(ring: &Ring, time_ms: i64) -> String {
    let told = ring.zone.told(time_ms);
    match told.is_empty() {
        true => minute(time_ms),
        false => told,
    }
}

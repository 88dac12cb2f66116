//! What the waves before a wave mean for it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::fate::Fate;
use super::learned::Learned;
use super::wave::WaveView;
use super::{Signals, View};
use crate::campaign::Campaign;
use crate::journal::Journal;
use crate::plan::Ring;

/// What the waves before a wave mean for it.
#[derive(Clone, Default)]
pub(super) struct Carry {
    /// What test regions have shown of patches, by their places; then what others say.
    pub(super) learned: Rc<BTreeMap<u32, Learned>>,
    /// Quorum groups with a member that is down.
    pub(super) unwell: Rc<BTreeSet<String>>,
    /// Why nothing more is begun.
    pub(super) stopped: Option<String>,
    /// Assets of this ring that failed.
    failures: usize,
    /// What this ring shows.
    shown: BTreeMap<u32, Learned>,
}

impl Carry {
    pub(super) fn new(campaign: &Campaign) -> Self {
        let objection = campaign.objection().map(|it| {
            format!(
                "{} objects for service {}: {}",
                it.word.who, it.service, it.word.text
            )
        });
        let taken_back = campaign.rolled_back.as_ref();
        let taken_back = taken_back.map(|word| format!("{} took it back: {}", word.who, word.text));
        Self {
            learned: Rc::new(told(campaign)),
            stopped: objection.or(taken_back),
            ..Self::default()
        }
    }

    /// Why the campaign stops when so many assets of this wave have failed, too.
    pub(super) fn too_many(&self, campaign: &Campaign, more: usize) -> Option<String> {
        let failed = self.failures + more;
        (failed > campaign.rules.failures as usize).then(|| {
            let assets = crate::text::counted(failed, "asset");
            format!("{assets} failed, {} may", campaign.rules.failures)
        })
    }

    /// Takes in what became of a wave.
    pub(super) fn absorb(&mut self, wave: &WaveView<'_>) {
        for asset in wave.assets() {
            let fate = wave.fate_there(asset);
            if fate.is_failure() {
                self.failures += 1;
            }
            if matches!(fate, Fate::Failed { .. })
                && let Some(quorum) = &asset.quorum
            {
                Rc::make_mut(&mut self.unwell).insert(quorum.clone());
            }
            if wave.ring.test {
                wave.show(asset, &fate, &mut self.shown);
            }
        }
        if self.stopped.is_none() {
            let unsafe_backup = wave.first_failure(super::phase::Phase::Verify);
            self.stopped = self.too_many(wave.view.campaign, 0).or_else(|| {
                unsafe_backup.map(|(whose, _)| format!("a backup of {whose} is not whole"))
            });
        }
    }

    pub(super) fn leave(&mut self, ring: &Ring) {
        self.failures = 0;
        for (patch, mut shown) in std::mem::take(&mut self.shown) {
            shown.from = format!("the test region {}", ring.name);
            let learned = Rc::make_mut(&mut self.learned);
            let before = learned.get(&patch);
            // Who says that it needs a restart may know more than this region shows.
            shown.reboot |= before.is_some_and(|it| it.reboot);
            shown.add(before.filter(|it| it.is_own()));
            learned.insert(patch, shown);
        }
    }
}

/// What others say of patches.
fn told(campaign: &Campaign) -> BTreeMap<u32, Learned> {
    let patches = (0_u32..).zip(&campaign.plan.patches);
    patches
        .filter_map(|(at, patch)| {
            let mut evidence = campaign.evidence.iter();
            let told = evidence.find(|it| it.patch == patch.id)?;
            let learned = Learned {
                from: told.from.told(),
                reboot: told.reboot,
                took_ms: told.took_ms.unwrap_or(0),
                ..Learned::default()
            };
            Some((at, learned))
        })
        .collect()
}

/// Every wave of a campaign, in order, with what those before it mean for it.
pub(super) fn waves<'a>(view: View<'a>) -> Vec<WaveView<'a>> {
    let mut carry = Carry::new(view.campaign);
    let mut waves = Vec::new();
    for (ring_at, ring) in view.campaign.plan.rings.iter().enumerate() {
        for wave_at in 0..ring.waves.len() {
            if let Some(wave) = WaveView::new(view, ring_at, wave_at, &carry) {
                carry.absorb(&wave);
                waves.push(wave);
            }
        }
        carry.leave(ring);
    }
    waves
}

/// What became of an asset, and where it stands in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// Its ring, by its place.
    pub ring: usize,
    /// Its wave, by its place.
    pub wave: usize,
    /// The asset, by its place.
    pub asset: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What became of each asset with patches, in the order of the plan.
#[must_use]
pub fn fates(campaign: &Campaign, journal: &Journal) -> Vec<Became> {
    let seen = Signals::default();
    let view = View {
        campaign,
        journal,
        seen: &seen,
        now_ms: 0,
    };
    let mut fates = Vec::new();
    for wave in waves(view) {
        for (at, asset) in wave.places().iter().zip(wave.assets()) {
            fates.push(Became {
                ring: wave.ring_at,
                wave: wave.wave_at,
                asset: *at,
                fate: wave.fate(asset),
            });
        }
    }
    fates
}

/// What is known of each patch when a ring's turn comes, by the patches' places.
#[must_use]
pub fn learned(campaign: &Campaign, journal: &Journal, ring: usize) -> BTreeMap<u32, Learned> {
    let seen = Signals::default();
    let view = View {
        campaign,
        journal,
        seen: &seen,
        now_ms: 0,
    };
    let mut carry = Carry::new(campaign);
    for (ring_at, each) in campaign.plan.rings.iter().enumerate().take(ring) {
        for wave_at in 0..each.waves.len() {
            if let Some(wave) = WaveView::new(view, ring_at, wave_at, &carry) {
                carry.absorb(&wave);
            }
        }
        carry.leave(each);
    }
    Rc::unwrap_or_clone(carry.learned)
}

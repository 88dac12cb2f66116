//! A ring: reviews, evidence and consents first, then its waves, each in a window that was
//! announced, then the all-clear.

use std::collections::BTreeSet;

use super::carry::{Carry, waves};
use super::wave::WaveView;
use super::{Turn, View, wait};
use crate::journal::Outcome;
use crate::notice;
use crate::plan::{Consent, Ring};
use crate::task::{Action, Mail, Step, Task, Waiting};

/// Whether work may begin.
enum Opening {
    Open,
    Turn(Turn),
    Never,
}

impl<'a> View<'a> {
    /// The life of a ring.
    pub(super) fn ring(&self, ring_at: usize, ring: &Ring, carry: &mut Carry) -> Turn {
        for wave_at in 0..ring.waves.len() {
            let Some(wave) = WaveView::new(*self, ring_at, wave_at, carry) else {
                continue;
            };
            if wave.is_needed() {
                let turn = self.wave(&wave, ring, carry);
                if matches!(turn, Turn::Step(_)) {
                    return turn;
                }
            }
            carry.absorb(&wave);
        }
        self.all_clear(ring_at, ring)
    }

    fn wave(&self, wave: &WaveView<'a>, ring: &Ring, carry: &Carry) -> Turn {
        if wave.is_begun() {
            return wave.step();
        }
        if let Some(word) = &self.campaign.paused {
            let reason = word.text.clone();
            return wait(Waiting::Paused { reason });
        }
        if let Turn::Step(step) = self.prepare(ring, carry) {
            return Turn::Step(step);
        }
        match self.opening(ring, wave.takes_ms()) {
            Opening::Open => wave.step(),
            Opening::Turn(turn) => turn,
            Opening::Never => wave.without_window(),
        }
    }

    /// What people have to say before anything is done.
    fn prepare(&self, ring: &Ring, carry: &Carry) -> Turn {
        let plan = &self.campaign.plan;
        let assets = ring.waves.iter().flat_map(|wave| &wave.assets);
        let assets = assets.filter_map(|at| plan.asset(*at));
        let used: BTreeSet<u32> = assets.flat_map(|it| it.patches.iter().copied()).collect();
        let mut waiting = Vec::new();
        for at in used {
            let learned = carry.learned.get(&at);
            let Some(patch) = plan.patches.get(at as usize) else {
                continue;
            };
            let (patch, name) = (patch.id.clone(), ring.name.clone());
            if self.campaign.review_of(&patch, &name).is_none() {
                waiting.push(Waiting::ForReview {
                    ring: name.clone(),
                    patch: patch.clone(),
                });
            }
            if !ring.test && learned.is_none() {
                waiting.push(Waiting::ForEvidence { ring: name, patch });
            }
        }
        if !waiting.is_empty() {
            return Step::Wait(waiting).into();
        }
        self.consents(ring)
    }

    fn consents(&self, ring: &Ring) -> Turn {
        let mut asks = Vec::new();
        let mut waiting = Vec::new();
        for consent in &ring.consents {
            let mut answers = self.campaign.answers.iter();
            let given = answers
                .any(|it| it.consents && it.ring == ring.name && it.service == consent.service);
            if given {
                continue;
            }
            match self.ask(ring, consent) {
                Ok(task) => asks.push(task),
                Err(why) => waiting.push(why),
            }
        }
        match (asks.is_empty(), waiting.is_empty()) {
            (false, _) => self.do_now(asks),
            (true, false) => Step::Wait(waiting).into(),
            (true, true) => Turn::Over,
        }
    }

    /// Who is to be asked next, or whose answer is awaited.
    fn ask(&self, ring: &Ring, consent: &Consent) -> Result<Task, Waiting> {
        let (campaign, journal) = (self.campaign, self.journal);
        let mail = |key: String, to: &str, deadline_ms| Task {
            key,
            ring: ring.name.clone(),
            asset: None,
            action: Action::Tell(notice::ask(
                campaign,
                journal,
                ring,
                consent,
                to,
                deadline_ms,
            )),
        };
        let deadline = |from_ms: i64| from_ms.saturating_add(campaign.rules.consent_ms);
        let awaited = |who: Vec<String>, deadline_ms| {
            Err(Waiting::ForConsent {
                ring: ring.name.clone(),
                service: consent.service.clone(),
                who,
                deadline_ms,
            })
        };
        let key = format!("{}/ask/{}", ring.name, consent.service);
        let Some(asked_ms) = self.told_ms(&key) else {
            return Ok(mail(key, &consent.stakeholder, deadline(self.now_ms)));
        };
        let who = vec![consent.stakeholder.clone()];
        let Some(delegate) = &consent.delegate else {
            return awaited(who, deadline(asked_ms));
        };
        if self.now_ms < deadline(asked_ms) {
            return awaited(who, deadline(asked_ms));
        }
        let key = format!("{}/ask-delegate/{}", ring.name, consent.service);
        match self.told_ms(&key) {
            None => Ok(mail(key, delegate, deadline(self.now_ms))),
            Some(asked_ms) => awaited([who, vec![delegate.clone()]].concat(), deadline(asked_ms)),
        }
    }

    /// When a mail was sent, or given up.
    fn told_ms(&self, key: &str) -> Option<i64> {
        let entry = self.journal.get(key).filter(|_| self.is_final(key))?;
        entry.ended.as_ref().map(|it| it.time_ms)
    }

    /// Whether a wave that takes so long may begin: people know of the window, and it is open.
    fn opening(&self, ring: &Ring, takes_ms: i64) -> Opening {
        let rules = &self.campaign.rules;
        for (at, window) in ring.windows.iter().enumerate() {
            let key = format!("{}/announce/{}", ring.name, at + 1);
            let told_ms = self.told_ms(&key);
            let earliest_ms = told_ms
                .unwrap_or(self.now_ms)
                .saturating_add(rules.notice_ms)
                .max(window.opens_ms)
                .max(self.now_ms);
            if !window.fits(earliest_ms, takes_ms) {
                continue;
            }
            let until = |time_ms, what: &str| {
                let what = what.to_owned();
                Opening::Turn(wait(Waiting::Until { time_ms, what }))
            };
            let Some(told_ms) = told_ms else {
                let announce_ms = window.opens_ms.saturating_sub(rules.announce_ms);
                if self.now_ms < announce_ms {
                    return until(announce_ms, "the window is announced");
                }
                let mail = || notice::announce(self.campaign, ring, *window);
                return Opening::Turn(self.tell(key, &ring.name, mail));
            };
            if self.now_ms >= earliest_ms {
                return Opening::Open;
            }
            let remind_ms = window.opens_ms.saturating_sub(rules.remind_ms);
            let key = format!("{}/remind/{}", ring.name, at + 1);
            if told_ms < remind_ms && self.now_ms < remind_ms {
                return until(remind_ms, "people are reminded");
            }
            if told_ms < remind_ms && !self.is_final(&key) {
                let mail = || notice::remind(self.campaign, ring, *window);
                return Opening::Turn(self.tell(key, &ring.name, mail));
            }
            return until(earliest_ms, "the window opens");
        }
        Opening::Never
    }

    /// Tells those to whom work was announced that it is over.
    fn all_clear(&self, ring_at: usize, ring: &Ring) -> Turn {
        let announced = (1..=ring.windows.len()).any(|at| {
            let key = format!("{}/announce/{at}", ring.name);
            matches!(self.journal.outcome(&key), Some(Outcome::Done(_)))
        });
        if !announced {
            return Turn::Over;
        }
        let key = format!("{}/all-clear", ring.name);
        let mail = || notice::all_clear(self.campaign, self.journal, ring_at, ring);
        self.tell(key, &ring.name, mail)
    }

    /// The way back: the last wave first.
    pub(super) fn back(&self) -> Turn {
        let mut waves = waves(*self);
        waves.reverse();
        for wave in waves {
            if let Turn::Step(step) = wave.back().step() {
                return Turn::Step(step);
            }
        }
        Turn::Over
    }

    /// Sends a mail, once.
    pub(super) fn tell(&self, key: String, ring: &str, mail: impl FnOnce() -> Mail) -> Turn {
        if self.is_final(&key) {
            return Turn::Over;
        }
        self.do_now(vec![Task {
            action: Action::Tell(mail()),
            ring: ring.to_owned(),
            asset: None,
            key,
        }])
    }
}

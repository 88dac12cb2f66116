//! What happens by itself: rollouts go on and back, debts and expiries are told, findings follow
//! what is enforced. What is due is decided by [`ledger::due`]; each is a change of its own by `system`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ledger::due::{self, Telling};
use ledger::rollout::{Signals, Stage};
use ledger::{Environment, Exception, Finding, Move, Rollout, SYSTEM, State, VirtualPatch};
use store::{Answered, By, Change, Error, FindingFilter, Stored};

use crate::coverage::Coverage;
use crate::protection::{Protections, SETTLES_MS};
use crate::serve::Service;

/// Before a step began, how long its traffic is compared with, in milliseconds.
const BASELINE_MS: i64 = 24 * 60 * 60 * 1000;
/// Traffic is counted by so many milliseconds; the slot in which a step began is of neither side.
const SLOT_MS: i64 = 60 * 1000;

/// How often the ledger is asked whether something has changed, in milliseconds.
const LOOK_MS: u64 = 1000;
/// How often all is looked at anew though nothing has changed, in milliseconds.
const ANEW_MS: i64 = 30 * 1000;

/// How long a hole must be there, or be gone, before that is told, in milliseconds: an ingress point
/// that has just joined has not attested yet.
const HOLE_MS: i64 = 60 * 1000;

/// What is known from the time before.
#[derive(Default)]
struct Memory {
    /// By ingress point, the ways that were told as holes.
    holes: BTreeMap<String, BTreeSet<String>>,
    /// By ingress point, since when it is otherwise.
    otherwise: BTreeMap<String, i64>,
    /// The patches that were enforced in production when findings were looked at last.
    enforced: Option<BTreeSet<String>>,
    /// The last change that was there then, and when that was.
    looked: Option<(i64, i64)>,
    /// The exceptions whose protection may come back in a moment, and since when it is not there.
    unsettled: BTreeMap<i64, i64>,
}

/// Does what is due until nobody asks for it any more.
pub(crate) async fn run(service: Arc<Service>) {
    let mut memory = Memory::default();
    loop {
        let under_way = Arc::clone(&service);
        let work = tokio::task::spawn_blocking(move || {
            let outcome = look(&under_way, &mut memory);
            (outcome, memory)
        });
        memory = match work.await {
            Ok((outcome, memory)) => {
                if let Err(why) = outcome {
                    tracing::error!("what is due is not done: {why}");
                }
                memory
            }
            Err(defect) => {
                tracing::error!("what is due is not done: {defect}");
                Memory::default()
            }
        };
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

fn look(service: &Service, memory: &mut Memory) -> Result<(), Error> {
    let (change, now_ms) = (service.store.read(|it| it.last_change())?, service.now_ms());
    let same = memory.looked.is_some_and(|(before, time_ms)| {
        before == change && (time_ms..time_ms.saturating_add(ANEW_MS)).contains(&now_ms)
    });
    if same {
        return Ok(());
    }
    act(service, memory, now_ms)?;
    service.telemetry.due_done(now_ms);
    memory.looked = Some((change, now_ms));
    if service.store.read(|it| it.last_change())? != change {
        service.fleet.changed.notify_one();
    }
    Ok(())
}

/// Does all that is due now.
fn act(service: &Service, memory: &mut Memory, now_ms: i64) -> Result<(), Error> {
    let doer = Doer { service, now_ms };
    for rollout in service.store.read(|it| it.live_rollouts())? {
        doer.lead(&rollout)?;
    }
    let live = service.store.read(|it| it.live_rollouts())?;
    doer.tell(&live)?;
    let coverage = service.store.read(Coverage::of)?;
    doer.tell_holes(&coverage, memory)?;
    doer.link(&live, memory)?;
    doer.except(&coverage, memory)
}

struct Doer<'a> {
    service: &'a Service,
    now_ms: i64,
}

impl Doer<'_> {
    /// Changes the ledger; what is refused was changed by others meanwhile, and is looked at anew.
    fn change(
        &self,
        why: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let by = By {
            who: SYSTEM,
            why,
            now_ms: self.now_ms,
        };
        match self.service.store.change(&by, change) {
            Err(error) if error.is_refused() || error.is_changed() || error.is_existing() => {
                tracing::warn!("what was due was not done: {error}");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Lets a rollout go on or back.
    fn lead(&self, rollout: &Stored<Rollout>) -> Result<(), Error> {
        let Some(environment) = due::watched(&rollout.value, self.now_ms) else {
            return Ok(());
        };
        let seen = self.seen(&rollout.value, environment)?;
        let policy = self.service.policy;
        let (moves, why) = due::moves(&rollout.value, &seen, policy, self.now_ms);
        let Some((first, rest)) = moves.split_first() else {
            return Ok(());
        };
        let id = rollout.value.id;
        tracing::info!("rollout {id}: {}, {why}", first.name());
        self.change(why, |it| {
            it.move_rollout(id, first, policy, Some(rollout.version))?;
            for step in rest {
                it.move_rollout(id, step, policy, None)?;
            }
            Ok(())
        })
    }

    /// What was seen of a rollout's present step, and before it.
    fn seen(&self, rollout: &Rollout, environment: Environment) -> Result<Signals, Error> {
        let began = rollout.since_ms - rollout.since_ms.rem_euclid(SLOT_MS);
        let unreviewed = rollout
            .reviewed_ms
            .map_or(rollout.since_ms, |reviewed| reviewed.saturating_add(1));
        let (now, before, hits) = self.service.store.read(|it| {
            let now = it.answered(environment, (began + SLOT_MS, i64::MAX))?;
            let before = it.answered(environment, (began - BASELINE_MS, began))?;
            Ok((
                now,
                before,
                it.hits(&rollout.patch, environment, unreviewed)?,
            ))
        })?;
        let average = |of: &Answered| of.latency_us.checked_div(of.requests).unwrap_or(0);
        Ok(Signals {
            requests: now.requests,
            errors: now.errors,
            latency_us: average(&now),
            baseline_requests: before.requests,
            baseline_errors: before.errors,
            baseline_latency_us: average(&before),
            unreviewed_hits: hits,
            false_positives: rollout.false_positives,
        })
    }

    /// Tells of debts and expiries, once.
    fn tell(&self, live: &[Stored<Rollout>]) -> Result<(), Error> {
        let mut tellings: BTreeMap<String, Telling> = BTreeMap::new();
        for patch in self.service.store.read(|it| it.deployed_patches())? {
            if let Some(telling) = due::of_patch(&patch, self.now_ms) {
                tellings.insert(format!("patch/{}", patch.id), telling);
            }
        }
        for rollout in live.iter().map(|it| &it.value) {
            if let Some(telling) = due::of_rollout(rollout, self.now_ms) {
                tellings.insert(format!("rollout/{}", rollout.id), telling);
            }
        }
        for seen in self.service.store.read(|it| it.fleet())? {
            let (gateway, seen_ms) = (seen.gateway, seen.seen_ms);
            let telling = seen_ms.and_then(|ms| due::of_gateway(&gateway, ms, self.now_ms));
            if let Some(telling) = telling {
                tellings.insert(format!("gateway/{}", gateway.id), telling);
            }
        }
        for exception in self.service.store.read(|it| it.exceptions_in_force())? {
            if let Some(telling) = due::of_exception(&exception.value, self.now_ms) {
                tellings.insert(format!("exception/{}", exception.value.id), telling);
            }
        }
        for (subject, telling) in tellings {
            let told = self
                .service
                .store
                .read(|it| it.is_told(&telling, &subject))?;
            if !told {
                tracing::warn!("{subject}: {}", telling.why);
                self.change(telling.why, |it| it.tell(&telling, &subject))?;
            }
        }
        Ok(())
    }

    /// Tells of ways on which nothing enforces, each once as long as it is so.
    fn tell_holes(&self, coverage: &Coverage, memory: &mut Memory) -> Result<(), Error> {
        let map = coverage.map();
        for point in coverage.points() {
            let holes = map.holes_of(point).into_iter();
            let holes: BTreeSet<String> = holes
                .map(|hole| format!("{}{}", hole.host, hole.prefix))
                .collect();
            if !memory.holes.contains_key(&point.id) {
                let told = self.service.store.read(|it| it.told_holes(&point.id))?;
                memory.holes.insert(point.id.clone(), told);
            }
            if memory.holes.get(&point.id) == Some(&holes) {
                memory.otherwise.remove(&point.id);
                continue;
            }
            let otherwise = memory.otherwise.entry(point.id.clone());
            let since_ms = *otherwise.or_insert(self.now_ms);
            if self.now_ms.saturating_sub(since_ms) < HOLE_MS {
                continue;
            }
            let why = match holes.len() {
                0 => "something enforces on all its ways".to_owned(),
                count => {
                    format!("nothing enforces on {count} of its ways; stopgap coverage names them")
                }
            };
            self.change(&why, |it| it.tell_holes(&point.id, &holes))?;
            memory.holes.insert(point.id.clone(), holes);
        }
        Ok(())
    }

    /// Ends exceptions whose time or protection is gone; lets findings follow the others.
    fn except(&self, coverage: &Coverage, memory: &mut Memory) -> Result<(), Error> {
        let store = &self.service.store;
        for exception in store.read(|it| it.exceptions_fulfilled())? {
            self.tried(&exception, self.end(&exception));
        }
        let before = std::mem::take(&mut memory.unsettled);
        let in_force = store.read(|it| it.exceptions_in_force())?;
        if in_force.is_empty() {
            return Ok(());
        }
        let known = store.read(|it| Protections::of(it, coverage))?;
        for exception in in_force {
            let protects = store.read(|it| known.protects(it, &exception.value, self.now_ms))?;
            let Err(red) = protects else { continue };
            let id = exception.value.id;
            let since_ms = before.get(&id).copied().unwrap_or(self.now_ms);
            if red.settles && self.now_ms.saturating_sub(since_ms) < SETTLES_MS {
                memory.unsettled.insert(id, since_ms);
                continue;
            }
            self.tried(&exception, self.void(&exception, &red.why));
        }
        for (finding, exception) in store.read(|it| it.findings_to_except())? {
            self.change("its exception is in force", |it| {
                let step = Move::Except { exception };
                it.move_finding(finding, &step, None).map(|_| ())
            })?;
        }
        Ok(())
    }

    /// What fails with one exception keeps no other from what is due.
    fn tried(&self, exception: &Stored<Exception>, done: Result<(), Error>) {
        if let Err(error) = done {
            tracing::error!("exception {}: {error}", exception.value.id);
        }
    }

    /// Takes an exception back that nothing needs any more: should a fix not hold, its finding is open.
    fn end(&self, exception: &Stored<Exception>) -> Result<(), Error> {
        let why = "all its findings are fixed";
        let (id, policy) = (exception.value.id, self.service.policy);
        self.change(why, |it| {
            it.fulfil_exception(id, why, policy, Some(exception.version))?;
            tracing::info!("exception {id} ends: {why}");
            Ok(())
        })
    }

    fn void(&self, exception: &Stored<Exception>, why: &str) -> Result<(), Error> {
        let id = exception.value.id;
        tracing::warn!("exception {id} is void: {why}");
        self.change(why, |it| {
            it.void_exception(id, why, Some(exception.version))
                .map(|_| ())
        })
    }

    /// Lets findings follow which patches are enforced in production.
    fn link(&self, live: &[Stored<Rollout>], memory: &mut Memory) -> Result<(), Error> {
        let enforces = |rollout: &&Rollout| {
            rollout.stage == Stage::Enforce && rollout.environment == Environment::Production
        };
        let rollouts = live.iter().map(|it| &it.value).filter(enforces);
        let enforced: BTreeSet<String> = rollouts.map(|it| it.patch.clone()).collect();
        // What ended while nobody looked is found in what there ever was.
        let before = match &memory.enforced {
            Some(before) => before.clone(),
            None => self.service.store.read(|it| it.production_patches())?,
        };
        for patch in before.difference(&enforced) {
            self.link_patch(patch, false)?;
        }
        for patch in &enforced {
            self.link_patch(patch, true)?;
        }
        memory.enforced = Some(enforced);
        Ok(())
    }

    fn link_patch(&self, patch: &str, enforced: bool) -> Result<(), Error> {
        let found = self
            .service
            .store
            .read(|it| it.get::<VirtualPatch>(patch))?;
        let why = match enforced {
            true => "its patch is enforced in production",
            false => "its patch is not enforced in production any more",
        };
        for advisory in found.value.advisories {
            for state in due::UNFIXED {
                // What is shielded already needs nothing more.
                if enforced && *state == State::Shielded {
                    continue;
                }
                let filter = FindingFilter {
                    state: Some(*state),
                    advisory: Some(advisory.clone()),
                    subject: None,
                };
                for finding in self.service.store.read(|it| it.all_findings(&filter))? {
                    if let Some(step) = due::of_finding(&finding.value, patch, enforced) {
                        self.move_finding(&finding, &step, why)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn move_finding(&self, finding: &Stored<Finding>, step: &Move, why: &str) -> Result<(), Error> {
        self.change(why, |it| {
            it.move_finding(finding.value.id, step, Some(finding.version))
                .map(|_| ())
        })
    }
}

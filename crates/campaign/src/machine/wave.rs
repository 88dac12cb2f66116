//! A wave: assets that are done at one time, phase by phase. A phase begins when the one before
//! has ended on all of them.

use std::cell::OnceCell;
use std::rc::Rc;

use ledger::Job;

use super::carry::Carry;
use super::fate::Fate;
use super::phase::Phase;
use super::{Turn, View, is_final};
use crate::hands::{Class, Failure};
use crate::journal::{Entry, Outcome};
use crate::plan::{PlannedAsset, Ring, Wave};
use crate::task::{Action, Change, Step, Task, Waiting};

/// A wave on its way there, or back.
#[derive(Clone)]
pub(super) struct WaveView<'a> {
    pub(super) view: View<'a>,
    pub(super) ring: &'a Ring,
    pub(super) ring_at: usize,
    wave: &'a Wave,
    pub(super) wave_at: usize,
    back: bool,
    carry: Carry,
    bystanders: OnceCell<Rc<Vec<&'a PlannedAsset>>>,
}

const THERE: [Phase; 14] = [
    Phase::Message,
    Phase::Hold,
    Phase::Before,
    Phase::BackUp,
    Phase::Verify,
    Phase::Apply,
    Phase::Stop,
    Phase::Reboot,
    Phase::Start,
    Phase::After,
    Phase::Gate,
    Phase::RollBack,
    Phase::Again,
    Phase::Release,
];
const BACK: [Phase; 4] = [Phase::Hold, Phase::RollBack, Phase::Again, Phase::Release];

impl<'a> WaveView<'a> {
    pub(super) fn new(
        view: View<'a>,
        ring_at: usize,
        wave_at: usize,
        carry: &Carry,
    ) -> Option<Self> {
        let ring = view.campaign.plan.rings.get(ring_at)?;
        Some(Self {
            view,
            ring,
            ring_at,
            wave: ring.waves.get(wave_at)?,
            wave_at,
            back: false,
            carry: carry.clone(),
            bystanders: OnceCell::new(),
        })
    }

    /// The same wave on its way back.
    pub(super) fn back(&self) -> Self {
        Self {
            back: true,
            ..self.clone()
        }
    }

    pub(super) fn assets(&self) -> impl Iterator<Item = &'a PlannedAsset> + use<'a> {
        let plan = &self.view.campaign.plan;
        self.wave.assets.iter().filter_map(|at| plan.asset(*at))
    }

    pub(super) fn places(&self) -> &'a [u32] {
        &self.wave.assets
    }

    /// Assets of later waves, or of none, whose services stop while assets of this one restart.
    pub(super) fn bystanders(&self) -> &[&'a PlannedAsset] {
        self.bystanders.get_or_init(|| {
            let plan = &self.view.campaign.plan;
            let places = plan.disturbed(&self.wave.assets);
            let assets = places.into_iter().filter_map(|at| plan.asset(at));
            Rc::new(assets.collect())
        })
    }

    fn prefix(&self) -> String {
        let back = if self.back { "back/" } else { "" };
        format!("{back}{}/{}/", self.ring.name, self.wave_at + 1)
    }

    pub(super) fn key(&self, phase: Phase, asset: &str) -> String {
        format!("{}{asset}/{}", self.prefix(), phase.name())
    }

    pub(super) fn entry(&self, phase: Phase, asset: &PlannedAsset) -> Option<&'a Entry> {
        self.view.journal.get(&self.key(phase, &asset.id))
    }

    /// How a task ended for good.
    pub(super) fn ended(&self, phase: Phase, asset: &PlannedAsset) -> Option<&'a Outcome> {
        self.final_outcome(self.entry(phase, asset)?)
    }

    fn final_outcome(&self, entry: &'a Entry) -> Option<&'a Outcome> {
        let ended = is_final(entry, self.view.campaign.rules.attempts);
        entry.ended.as_ref().filter(|_| ended).map(|it| &it.outcome)
    }

    pub(super) fn gate_ended(&self) -> Option<&'a Outcome> {
        let key = format!("{}gate", self.prefix());
        self.final_outcome(self.view.journal.get(&key)?)
    }

    pub(super) fn first_failure(&self, phase: Phase) -> Option<(&'a str, &'a Failure)> {
        let all = self.assets().chain(self.bystanders().iter().copied());
        all.into_iter()
            .find_map(|asset| match self.ended(phase, asset) {
                Some(Outcome::Failed(failure)) => Some((asset.id.as_str(), failure)),
                _ => None,
            })
    }

    /// Whether anything of this wave was begun.
    pub(super) fn is_begun(&self) -> bool {
        self.view.journal.has_under(&self.prefix())
    }

    /// Whether something is to be installed by this wave.
    pub(super) fn is_needed(&self) -> bool {
        self.is_begun() || self.assets().any(|asset| self.out(asset).is_none())
    }

    /// How long the wave is thought to take.
    pub(super) fn takes_ms(&self) -> i64 {
        let open: Vec<i64> = self
            .assets()
            .filter(|asset| self.out(asset).is_none())
            .map(|asset| self.asset_ms(asset))
            .collect();
        let longest = open.iter().copied().max().unwrap_or(0);
        crate::plan::wave_ms(longest, open.len(), self.view.campaign.rules.parallel)
    }

    /// How long an asset is thought to take: what the test region has shown, and a margin.
    fn asset_ms(&self, asset: &PlannedAsset) -> i64 {
        let took = asset
            .patches
            .iter()
            .filter_map(|at| self.carry.learned.get(at));
        match took.map(|it| it.took_ms).max().unwrap_or(0) {
            0 => asset.takes_ms,
            took => {
                let margin = i64::from(self.view.campaign.rules.margin_percent);
                took.saturating_mul(100 + margin) / 100
            }
        }
    }

    /// What is installed on an asset, or was.
    pub(super) fn changes(&self, asset: &PlannedAsset) -> Vec<Change> {
        let begun = self.view.journal.get(&self.key(Phase::Apply, &asset.id));
        if let Some(Action::Apply { changes }) = begun.map(|it| &it.task.action) {
            return changes.clone();
        }
        let plan = &self.view.campaign.plan;
        let places = asset.patches.iter();
        places
            .filter(|at| self.blocked(**at).is_none())
            .filter_map(|at| plan.patches.get(*at as usize))
            .map(|patch| Change {
                patch: patch.id.clone(),
                means: patch.means.clone(),
            })
            .collect()
    }

    /// Why a patch does not go to this ring.
    fn blocked(&self, patch: u32) -> Option<String> {
        let campaign = self.view.campaign;
        let id = &campaign.plan.patches.get(patch as usize)?.id;
        let rings = campaign.plan.rings.iter().take(self.ring_at + 1);
        let issue = rings
            .filter_map(|ring| campaign.review_of(id, &ring.name))
            .find_map(|review| Some((review.issue.as_ref()?, &review.word.who)));
        if let Some((issue, who)) = issue {
            return Some(format!(
                "{id} has a known issue that concerns us: {issue} ({who})"
            ));
        }
        let learned = self.carry.learned.get(&patch)?;
        (learned.badly > 0).then(|| {
            let assets = crate::text::counted(learned.badly, "asset");
            format!("{id} failed on {assets} of {}", learned.from)
        })
    }

    pub(super) fn why_blocked(&self, asset: &PlannedAsset) -> String {
        let why: Vec<String> = asset
            .patches
            .iter()
            .filter_map(|at| self.blocked(*at))
            .collect();
        why.join("; ")
    }

    /// Why nothing more is begun.
    pub(super) fn stopped(&self) -> Option<String> {
        if self.carry.stopped.is_some() {
            return self.carry.stopped.clone();
        }
        let failed = self.assets().filter(|it| {
            matches!(self.ended(Phase::Apply, it), Some(Outcome::Failed(_)))
                || self.brought_down(it).is_some()
        });
        self.carry.too_many(self.view.campaign, failed.count())
    }

    /// That its backup has left an asset down.
    pub(super) fn brought_down(&self, asset: &PlannedAsset) -> Option<&'a Failure> {
        match self.ended(Phase::BackUp, asset) {
            Some(Outcome::Failed(failure)) if failure.class == Class::Down => Some(failure),
            _ => None,
        }
    }

    pub(super) fn is_unwell(&self, quorum: &str) -> bool {
        self.carry.unwell.contains(quorum)
    }

    /// Whether what depends on the assets stops before anything is installed: it is known that
    /// they restart by themselves.
    pub(super) fn stops_first(&self) -> bool {
        let restarts = |at: &u32| self.carry.learned.get(at).is_some_and(|it| it.restarts);
        self.assets()
            .any(|asset| asset.patches.iter().any(restarts))
    }

    /// Whether an asset must restart after what was installed.
    pub(super) fn must_restart(&self, asset: &PlannedAsset) -> bool {
        let Some(Outcome::Done(done)) = self.ended(Phase::Apply, asset) else {
            return false;
        };
        let known = |at: &u32| self.carry.learned.get(at).is_some_and(|it| it.reboot);
        !done.rebooted && (done.reboot_needed || asset.patches.iter().any(known))
    }

    /// What comes next of this wave.
    pub(super) fn step(&self) -> Turn {
        for phase in self.phases() {
            let mut tasks = self.tasks(phase);
            tasks.retain(|(_, task)| !self.view.is_final(&task.key));
            let Some(first) = tasks.iter().map(|(rank, _)| *rank).min() else {
                continue;
            };
            if phase.can_wait()
                && let Some(word) = self.view.campaign.paused.as_ref()
                && !self.back
            {
                let reason = word.text.clone();
                return super::wait(Waiting::Paused { reason });
            }
            tasks.retain(|(rank, _)| *rank == first);
            if let Some(step) = self.too_late(phase, &tasks) {
                return step.into();
            }
            return self.view.do_now(tasks.into_iter().map(|it| it.1).collect());
        }
        Turn::Over
    }

    fn phases(&self) -> Vec<Phase> {
        if self.back {
            return BACK.to_vec();
        }
        let mut phases = THERE.to_vec();
        if self.stops_first() {
            phases.retain(|phase| *phase != Phase::Stop);
            let apply = phases.iter().position(|phase| *phase == Phase::Apply);
            phases.insert(apply.unwrap_or(0), Phase::Stop);
        }
        phases
    }

    /// What is not begun any more, because the window closes before it would have ended.
    fn too_late(&self, phase: Phase, tasks: &[(u32, Task)]) -> Option<Step> {
        let plan = &self.view.campaign.plan;
        tasks.iter().find_map(|(_, task)| {
            let asset = self
                .assets()
                .find(|it| Some(&it.id) == task.asset.as_ref())?;
            let takes_ms = match phase {
                Phase::Apply => self.asset_ms(asset).min(self.takes_ms()),
                Phase::Reboot => self.view.campaign.rules.reboot_ms.min(self.asset_ms(asset)),
                _ => return None,
            };
            let ring = plan.rings.get(self.ring_at)?;
            let now_ms = self.view.now_ms;
            let open = ring.windows.iter().any(|it| it.fits(now_ms, takes_ms));
            let new = self.view.journal.get(&task.key).is_none();
            (new && !open).then(|| {
                let why = "the window closes before it would have ended".to_owned();
                Step::Skip(task.clone(), why)
            })
        })
    }

    /// What can be left out when no window is left for what was not begun.
    pub(super) fn without_window(&self) -> Turn {
        let out = self
            .assets()
            .find(|it| self.entry(Phase::Apply, it).is_none() && self.out(it).is_none());
        match out {
            Some(asset) => {
                let task = self.task(Phase::Apply, asset, self.apply(asset));
                Step::Skip(task, "no window is left that is long enough".to_owned()).into()
            }
            None => Turn::Over,
        }
    }

    fn task(&self, phase: Phase, asset: &PlannedAsset, action: Action) -> Task {
        Task {
            key: self.key(phase, &asset.id),
            ring: self.ring.name.clone(),
            asset: Some(asset.id.clone()),
            action,
        }
    }

    fn apply(&self, asset: &PlannedAsset) -> Action {
        let changes = self.changes(asset);
        Action::Apply { changes }
    }

    /// The tasks of a phase, as what ended before it says; those of a lower rank end first.
    fn tasks(&self, phase: Phase) -> Vec<(u32, Task)> {
        if phase == Phase::Gate {
            return self.gate().into_iter().map(|task| (0, task)).collect();
        }
        let bystanders = match self.back {
            true => &[],
            false => self.bystanders(),
        };
        let goes_on = self.back || self.assets().any(|asset| self.goes_on(asset));
        let own = self.assets().filter_map(|asset| {
            let action = self.action(phase, asset)?;
            Some((0, self.task(phase, asset, action)))
        });
        let others = bystanders.iter().filter_map(|asset| {
            let action = self.bystander_action(phase, asset, goes_on)?;
            let rank = match phase {
                // The last of a chain of dependencies stops first.
                Phase::Stop => u32::MAX - asset.level,
                Phase::Start => asset.level,
                _ => 0,
            };
            Some((rank, self.task(phase, asset, action)))
        });
        own.chain(others).collect()
    }

    /// Whether something is, or will be, installed on an asset.
    fn goes_on(&self, asset: &PlannedAsset) -> bool {
        let begun = self.entry(Phase::Apply, asset);
        begun.is_some_and(|it| it.attempts > 0) || self.out(asset).is_none()
    }

    /// Whether an asset was changed in this wave.
    fn is_changed(&self, asset: &PlannedAsset) -> bool {
        self.entry(Phase::Apply, asset)
            .is_some_and(|it| it.attempts > 0)
    }

    /// What is done to an asset of the wave in a phase.
    fn action(&self, phase: Phase, asset: &PlannedAsset) -> Option<Action> {
        if self.back {
            return self.action_back(phase, asset);
        }
        // What was begun is asked for until it has ended, whatever was decided since.
        let open = self.entry(phase, asset).is_some_and(|it| it.attempts > 0);
        let begins = open || (!self.is_changed(asset) && self.out(asset).is_none());
        match phase {
            Phase::Message => (begins && asset.attended).then(|| Action::Message {
                text: crate::notice::message(self.view.campaign),
            }),
            Phase::Hold => hold(asset).filter(|_| begins),
            Phase::Before => check(asset).filter(|_| begins),
            Phase::BackUp => asset.backup.clone().filter(|_| begins).map(Action::BackUp),
            Phase::Verify => (begins && self.is_sample(asset))
                .then(|| asset.backup.clone().map(Action::VerifyBackup))?,
            Phase::Apply => begins.then(|| self.apply(asset)),
            Phase::Reboot => (self.must_restart(asset)
                && self.first_failure(Phase::Stop).is_none())
            .then_some(Action::Reboot {
                timeout_ms: self.view.campaign.rules.reboot_ms,
            }),
            Phase::After => {
                let well = matches!(self.ended(Phase::Apply, asset), Some(Outcome::Done(_)))
                    && !matches!(self.ended(Phase::Reboot, asset), Some(Outcome::Failed(_)));
                check(asset).filter(|_| well)
            }
            Phase::RollBack => {
                (self.is_changed(asset) && self.bad(asset).is_some()).then(|| self.retreat(asset))
            }
            Phase::Again => {
                let back = matches!(self.ended(Phase::RollBack, asset), Some(Outcome::Done(_)));
                check(asset).filter(|_| back)
            }
            Phase::Release => self.release(asset),
            Phase::Stop | Phase::Start | Phase::Gate => None,
        }
    }

    /// What is done to an asset that depends on assets of the wave.
    fn bystander_action(
        &self,
        phase: Phase,
        asset: &PlannedAsset,
        goes_on: bool,
    ) -> Option<Action> {
        let services = || asset.services.clone();
        let open = self.entry(phase, asset).is_some();
        let restarts = self.assets().any(|it| self.must_restart(it));
        match phase {
            Phase::Hold => hold(asset).filter(|_| goes_on || open),
            Phase::Before => check(asset).filter(|_| goes_on || open),
            Phase::Stop => {
                let stops = restarts || (self.stops_first() && goes_on) || open;
                stops.then(|| Action::Stop {
                    services: services(),
                })
            }
            Phase::Start => self.entry(Phase::Stop, asset).map(|_| Action::Start {
                services: services(),
            }),
            Phase::After => {
                let well = !matches!(self.ended(Phase::Before, asset), Some(Outcome::Failed(_)));
                let started = matches!(self.ended(Phase::Start, asset), Some(Outcome::Done(_)));
                check(asset).filter(|_| well && started)
            }
            Phase::Release => self.release(asset),
            _ => None,
        }
    }

    fn action_back(&self, phase: Phase, asset: &PlannedAsset) -> Option<Action> {
        let there = Self {
            back: false,
            ..self.clone()
        };
        if !matches!(there.fate_there(asset), Fate::Done { .. }) {
            return None;
        }
        match phase {
            Phase::Hold => hold(asset),
            Phase::RollBack => Some(there.retreat(asset)),
            Phase::Again => {
                let back = matches!(self.ended(Phase::RollBack, asset), Some(Outcome::Done(_)));
                check(asset).filter(|_| back)
            }
            Phase::Release => self.release(asset),
            _ => None,
        }
    }

    fn retreat(&self, asset: &PlannedAsset) -> Action {
        let mut changes = self.changes(asset);
        changes.reverse();
        Action::RollBack {
            retreat: asset.retreat.clone(),
            changes,
        }
    }

    /// Whether the asset is of those whose backups are restored for trial.
    fn is_sample(&self, asset: &PlannedAsset) -> bool {
        let made: Vec<&str> = self
            .assets()
            .filter(|it| matches!(self.ended(Phase::BackUp, it), Some(Outcome::Done(_))))
            .map(|it| it.id.as_str())
            .collect();
        let sample = (self.view.campaign.rules.sample as usize).min(made.len());
        let Some(at) = made.iter().position(|id| *id == asset.id) else {
            return false;
        };
        // Evenly spread over the wave.
        (0..sample).any(|turn| turn * made.len() / sample == at)
    }

    fn gate(&self) -> Option<Task> {
        let changed = self
            .assets()
            .any(|it| matches!(self.ended(Phase::Apply, it), Some(Outcome::Done(_))));
        (changed && !self.ring.gate.is_empty()).then(|| Task {
            key: format!("{}gate", self.prefix()),
            ring: self.ring.name.clone(),
            asset: None,
            action: Action::Check {
                checks: self.ring.gate.clone(),
            },
        })
    }

    /// What was put on hold is released, also when the hold failed half-way.
    fn release(&self, asset: &PlannedAsset) -> Option<Action> {
        let held = self
            .entry(Phase::Hold, asset)
            .filter(|it| it.attempts > 0)?;
        let Action::Hold {
            jobs,
            automatic_updates,
        } = &held.task.action
        else {
            return None;
        };
        let must: Vec<Job> = jobs
            .iter()
            .filter(|job| job.must_not_be_skipped)
            .cloned()
            .collect();
        Some(Action::Release {
            jobs: jobs.clone(),
            run: must,
            automatic_updates: *automatic_updates,
        })
    }
}

fn hold(asset: &PlannedAsset) -> Option<Action> {
    let any = !asset.jobs.is_empty() || asset.automatic_updates;
    any.then(|| Action::Hold {
        jobs: asset.jobs.clone(),
        automatic_updates: asset.automatic_updates,
    })
}

fn check(asset: &PlannedAsset) -> Option<Action> {
    (!asset.checks.is_empty()).then(|| Action::Check {
        checks: asset.checks.clone(),
    })
}

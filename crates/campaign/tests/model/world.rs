//! Hosts that are not there: what tasks do to them, and what must never happen to them.

use std::collections::{BTreeMap, BTreeSet};

use campaign::plan::Plan;
use campaign::{Action, Class, Done, Failure, Found, Task};

/// How a simulated asset behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nature {
    pub(crate) apply_fails: bool,
    pub(crate) apply_passing: u32,
    pub(crate) reboot_needed: bool,
    pub(crate) reboots_itself: bool,
    pub(crate) sick_afterwards: bool,
    pub(crate) sick_before: bool,
    pub(crate) backup_fails: bool,
    /// Its backup stops it, and it does not start again.
    pub(crate) backup_downs: bool,
    pub(crate) release_fails: u32,
    pub(crate) rollback_fails: bool,
    /// How long it takes to install something; as everything else, if not said.
    pub(crate) apply_ms: Option<i64>,
}

#[derive(Debug, Clone, Default)]
struct Host {
    installed: bool,
    held: BTreeSet<String>,
    stopped: bool,
    backed_up: bool,
    verified: bool,
    restarts: u32,
}

/// What is, and what was done to it.
#[derive(Debug, Clone)]
pub(crate) struct World<'p> {
    plan: &'p Plan,
    natures: BTreeMap<String, Nature>,
    hosts: BTreeMap<String, Host>,
    /// Tasks that were done, and how often.
    done: BTreeMap<String, u32>,
    failed: BTreeMap<String, Failure>,
    tries: BTreeMap<String, u32>,
    /// Members of quorum groups that something was begun with that has not ended.
    worked_on: BTreeSet<String>,
    pub(crate) mails: Vec<String>,
    pub(crate) jobs_run: BTreeSet<String>,
}

fn fault(class: Class) -> Failure {
    Failure {
        class,
        excerpt: format!("simulated: {}", class.name()),
    }
}

impl<'p> World<'p> {
    pub(crate) fn new(plan: &'p Plan, natures: BTreeMap<String, Nature>) -> Self {
        let hosts = plan
            .assets
            .iter()
            .map(|it| (it.id.clone(), Host::default()));
        Self {
            plan,
            natures,
            hosts: hosts.collect(),
            done: BTreeMap::new(),
            failed: BTreeMap::new(),
            tries: BTreeMap::new(),
            worked_on: BTreeSet::new(),
            mails: Vec::new(),
            jobs_run: BTreeSet::new(),
        }
    }

    /// What must be true when a task begins.
    pub(crate) fn may_begin(&mut self, task: &Task, now_ms: i64) {
        assert!(
            !self.done.contains_key(&task.key),
            "{} begins again",
            task.key
        );
        let Some(id) = &task.asset else { return };
        let host = &self.hosts[id];
        let asset = self.plan.assets.iter().find(|it| &it.id == id).unwrap();
        let back = task.key.starts_with("back/");
        let ring = self.plan.ring(&task.ring);
        let open = ring.is_none_or(|ring| ring.windows.iter().any(|it| it.fits(now_ms, 1)));
        match &task.action {
            Action::Apply { .. } => {
                assert!(open, "{} outside of a window", task.key);
                assert!(!host.installed, "{} is installed twice", task.key);
                let held = asset.jobs.iter().all(|job| host.held.contains(&job.name));
                assert!(held, "{}: a job is not on hold", task.key);
                assert!(
                    asset.backup.is_none() || host.backed_up,
                    "{}: no backup",
                    task.key
                );
                for before in self.plan.assets.iter().filter(|it| {
                    it.dependents
                        .iter()
                        .any(|at| self.plan.assets[*at as usize].id == *id)
                }) {
                    let under_way = self.worked_on.contains(&before.id);
                    assert!(!under_way, "{} before {} has ended", task.key, before.id);
                }
                self.work_on(id);
            }
            Action::Reboot { .. } => {
                assert!(open, "{} outside of a window", task.key);
                self.dependents_are_stopped(&task.key, id);
            }
            Action::Stop { .. } => {
                for next in &asset.dependents {
                    let next = &self.plan.assets[*next as usize];
                    let stops = !next.services.is_empty() && next.quorum.is_none();
                    let stopped = self.hosts[&next.id].stopped;
                    assert!(!stops || stopped, "{} stops before {}", id, next.id);
                }
            }
            Action::Start { .. } => {
                for before in self.plan.assets.iter().filter(|it| {
                    it.dependents
                        .iter()
                        .any(|at| self.plan.assets[*at as usize].id == *id)
                }) {
                    let stopped = self.hosts[&before.id].stopped;
                    assert!(!stopped, "{} starts before {}", id, before.id);
                }
            }
            Action::RollBack { .. } if !back => assert!(
                self.worked_on.contains(id),
                "{} of what was not begun",
                task.key
            ),
            _ => {}
        }
    }

    fn dependents_are_stopped(&self, key: &str, id: &str) {
        let at = self.plan.assets.iter().position(|it| it.id == id).unwrap();
        for next in self.plan.disturbed(&[u32::try_from(at).unwrap()]) {
            let next = &self.plan.assets[next as usize].id;
            assert!(self.hosts[next].stopped, "{key} while {next} runs");
        }
    }

    fn work_on(&mut self, id: &str) {
        let group = |id: &str| {
            let asset = self.plan.assets.iter().find(|it| it.id == id);
            asset.and_then(|it| it.quorum.clone())
        };
        if let Some(quorum) = group(id) {
            let other = self
                .worked_on
                .iter()
                .find(|it| group(it).as_ref() == Some(&quorum));
            assert!(
                other.is_none(),
                "{id} and {other:?} of {quorum} at one time"
            );
        }
        self.worked_on.insert(id.to_owned());
    }

    pub(crate) fn takes_ms(&self, task: &Task) -> i64 {
        let nature = task.asset.as_ref().and_then(|id| self.natures.get(id));
        let applies = matches!(task.action, Action::Apply { .. });
        let apply_ms = nature.and_then(|it| it.apply_ms).filter(|_| applies);
        apply_ms.unwrap_or(crate::MINUTE_MS)
    }

    /// That a wave's life has ended for an asset.
    pub(crate) fn has_ended(&mut self, id: &str) {
        self.worked_on.remove(id);
    }

    /// Does a task, wholly.
    pub(crate) fn carry_out(&mut self, task: &Task) -> Result<Done, Failure> {
        let tries = self.tries.entry(task.key.clone()).or_default();
        *tries += 1;
        let tries = *tries;
        let outcome = self.effect(task, tries);
        match &outcome {
            Ok(_) => *self.done.entry(task.key.clone()).or_default() += 1,
            Err(failure) => {
                self.failed.insert(task.key.clone(), failure.clone());
            }
        }
        assert!(
            self.done.get(&task.key).is_none_or(|times| *times == 1),
            "{} was done twice",
            task.key
        );
        outcome
    }

    fn effect(&mut self, task: &Task, tries: u32) -> Result<Done, Failure> {
        let Some(id) = &task.asset else {
            if let Action::Tell(mail) = &task.action {
                self.mails.push(format!("{}: {}", task.key, mail.subject));
            }
            return Ok(Done::default());
        };
        let nature = self.natures.get(id).cloned().unwrap_or_default();
        let host = self.hosts.get_mut(id).unwrap();
        let mut done = Done::default();
        match &task.action {
            Action::Hold { jobs, .. } => host.held.extend(jobs.iter().map(|it| it.name.clone())),
            Action::Release { jobs, run, .. } => {
                if tries <= nature.release_fails {
                    return Err(fault(Class::Command));
                }
                jobs.iter().for_each(|it| {
                    host.held.remove(&it.name);
                });
                self.jobs_run.extend(run.iter().map(|it| it.name.clone()));
            }
            Action::BackUp(_) if nature.backup_fails => return Err(fault(Class::Backup)),
            Action::BackUp(_) if nature.backup_downs => return Err(fault(Class::Down)),
            Action::BackUp(_) => host.backed_up = true,
            Action::VerifyBackup(_) => {
                assert!(host.backed_up);
                host.verified = true;
            }
            Action::Apply { .. } => {
                if tries <= nature.apply_passing {
                    return Err(fault(Class::Unreachable));
                }
                if nature.apply_fails {
                    return Err(fault(Class::Conflict));
                }
                host.installed = true;
                if nature.reboots_itself {
                    host.restarts += 1;
                }
                done.reboot_needed = nature.reboot_needed;
                done.rebooted = nature.reboots_itself;
            }
            Action::Reboot { .. } => host.restarts += 1,
            Action::Stop { .. } => host.stopped = true,
            Action::Start { .. } => host.stopped = false,
            Action::Check { .. } => {
                let sick = (nature.sick_afterwards && host.installed) || nature.sick_before;
                if sick {
                    return Err(fault(Class::Check));
                }
            }
            Action::RollBack { .. } if nature.rollback_fails => {
                return Err(fault(Class::Command));
            }
            Action::RollBack { .. } => host.installed = false,
            Action::Tell(_) | Action::Message { .. } | Action::Discard(_) => {}
        }
        Ok(done)
    }

    /// What a new controller finds of a task that an earlier one began.
    pub(crate) fn inspect(&self, task: &Task) -> Found {
        if self.done.contains_key(&task.key) {
            let id = task.asset.clone().unwrap_or_default();
            let nature = self.natures.get(&id).cloned().unwrap_or_default();
            let applies = matches!(task.action, Action::Apply { .. });
            return Found::Done(Done {
                evidence: String::new(),
                reboot_needed: applies && nature.reboot_needed,
                rebooted: applies && nature.reboots_itself,
            });
        }
        match self.failed.get(&task.key) {
            Some(failure) => Found::Failed(failure.clone()),
            None => Found::Undone,
        }
    }

    pub(crate) fn held(&self) -> Vec<&String> {
        let held = self.hosts.iter().filter(|(_, host)| !host.held.is_empty());
        held.map(|(id, _)| id).collect()
    }

    pub(crate) fn stopped(&self) -> Vec<&String> {
        let stopped = self.hosts.iter().filter(|(_, host)| host.stopped);
        stopped.map(|(id, _)| id).collect()
    }

    pub(crate) fn is_installed(&self, id: &str) -> bool {
        self.hosts[id].installed
    }

    pub(crate) fn restarts(&self, id: &str) -> u32 {
        self.hosts[id].restarts
    }
}

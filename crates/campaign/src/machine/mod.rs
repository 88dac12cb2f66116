//! What comes next in a campaign. It is found out anew each time, from the campaign, from what
//! was begun in it and from the time; so a controller that dies is followed by any other.

mod carry;
mod fate;
mod learned;
mod phase;
mod ring;
mod wave;

use std::collections::BTreeSet;

use crate::campaign::Campaign;
use crate::journal::{Entry, Journal, LAST, Outcome};
use crate::task::{Action, Step, Task, Waiting};
use crate::{Backup, notice};

pub use carry::{Became, fates, learned};
pub use fate::Fate;
pub use learned::Learned;

use carry::Carry;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is seen of the world at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// The keys of tasks that this controller carries out right now.
    pub running: BTreeSet<String>,
}

/// What comes next. Whoever gets `Do` records that the task begins, lets it be carried out, and
/// may ask again meanwhile, for what can be done at the same time.
#[must_use]
pub fn next_step(campaign: &Campaign, journal: &Journal, seen: &Signals, now_ms: i64) -> Step {
    let left = journal
        .open()
        .find(|entry| !seen.running.contains(&entry.task.key));
    if let Some(entry) = left {
        return Step::Inspect(entry.task.clone());
    }
    let view = View {
        campaign,
        journal,
        seen,
        now_ms,
    };
    match view.course() {
        Turn::Step(step) => *step,
        Turn::Over => Step::End,
    }
}

/// What a part of a campaign says.
enum Turn {
    /// This comes next.
    Step(Box<Step>),
    /// Nothing more comes of this part.
    Over,
}

impl From<Step> for Turn {
    fn from(step: Step) -> Self {
        Self::Step(Box::new(step))
    }
}

#[derive(Clone, Copy)]
struct View<'a> {
    campaign: &'a Campaign,
    journal: &'a Journal,
    seen: &'a Signals,
    now_ms: i64,
}

impl View<'_> {
    /// The life of a campaign.
    fn course(&self) -> Turn {
        if self.campaign.started.is_none() {
            return wait(Waiting::ForStart {});
        }
        let mut carry = Carry::new(self.campaign);
        for (at, ring) in self.campaign.plan.rings.iter().enumerate() {
            if let Turn::Step(step) = self.ring(at, ring, &mut carry) {
                return Turn::Step(step);
            }
            carry.leave(ring);
        }
        if self.campaign.rolled_back.is_some()
            && let Turn::Step(step) = self.back()
        {
            return Turn::Step(step);
        }
        if let Turn::Step(step) = self.tell(LAST.to_owned(), "", || {
            notice::report(self.campaign, self.journal)
        }) {
            return Turn::Step(step);
        }
        self.discard()
    }

    /// Ends the backups whose time is over.
    fn discard(&self) -> Turn {
        let Some(told) = self.journal.get(LAST).and_then(|it| it.ended.as_ref()) else {
            return Turn::Over;
        };
        let mut tasks = Vec::new();
        let mut next_ms = i64::MAX;
        for (asset, backup) in self.backups() {
            let key = format!("discard/{asset}");
            let until_ms = told
                .time_ms
                .saturating_add(i64::from(backup.keep_days).saturating_mul(DAY_MS));
            if self.is_final(&key) {
                continue;
            }
            if self.now_ms < until_ms {
                next_ms = next_ms.min(until_ms);
                continue;
            }
            tasks.push(Task {
                key,
                ring: String::new(),
                asset: Some(asset.to_owned()),
                action: Action::Discard(backup.clone()),
            });
        }
        match (tasks.is_empty(), next_ms) {
            (false, _) => self.do_now(tasks),
            (true, i64::MAX) => Turn::Over,
            (true, time_ms) => wait(Waiting::Until {
                time_ms,
                what: "backups are kept".to_owned(),
            }),
        }
    }

    /// The backups that were made, or may have been in part.
    fn backups(&self) -> impl Iterator<Item = (&str, &Backup)> {
        self.journal
            .entries()
            .filter_map(|it| match &it.task.action {
                Action::BackUp(backup) if it.attempts > 0 => {
                    Some((it.task.asset.as_deref()?, backup))
                }
                _ => None,
            })
    }

    /// The first of these tasks that can begin; what was done or left out must not be among them.
    fn do_now(&self, tasks: Vec<Task>) -> Turn {
        let running = self.seen.running.len();
        let parallel = self.campaign.rules.parallel as usize;
        let mut again_ms = i64::MAX;
        let mut under_way = 0;
        for task in tasks {
            match self.journal.get(&task.key) {
                Some(Entry { ended: None, .. }) => under_way += 1,
                Some(Entry {
                    ended: Some(ended), ..
                }) if matches!(ended.outcome, Outcome::Failed(_))
                    && self.now_ms < ended.time_ms.saturating_add(self.campaign.rules.retry_ms) =>
                {
                    let at = ended.time_ms.saturating_add(self.campaign.rules.retry_ms);
                    again_ms = again_ms.min(at);
                }
                _ if running < parallel => return Step::Do(task).into(),
                _ => {}
            }
        }
        if under_way > 0 || running > 0 {
            return wait(Waiting::ForTasks { running });
        }
        wait(Waiting::Until {
            time_ms: again_ms,
            what: "it is tried again".to_owned(),
        })
    }

    /// Whether nothing more comes of a task.
    fn is_final(&self, key: &str) -> bool {
        self.journal
            .get(key)
            .is_some_and(|entry| is_final(entry, self.campaign.rules.attempts))
    }
}

/// Whether nothing more comes of a task. What releases and what tells is tried again whatever
/// the fault.
fn is_final(entry: &Entry, attempts: u32) -> bool {
    match entry.ended.as_ref().map(|it| &it.outcome) {
        None | Some(Outcome::Undone {}) => false,
        Some(Outcome::Done(_) | Outcome::Skipped { .. }) => true,
        Some(Outcome::Failed(failure)) => {
            let again = matches!(
                entry.task.action,
                Action::Release { .. } | Action::Tell(_) | Action::Start { .. }
            );
            entry.failures >= attempts || !(again || failure.class.is_passing())
        }
    }
}

fn wait(why: Waiting) -> Turn {
    Step::Wait(vec![why]).into()
}

//! What was begun in a campaign, and how it ended.

use std::collections::BTreeMap;

use ledger::Refused;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Done, Failure, Found, Task};

/// The key of a campaign's last task: whoever answers for it is told what became of it.
pub const LAST: &str = "report";

/// What was begun in a campaign, by the keys of its tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    entries: BTreeMap<String, Entry>,
}

/// One task of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CampaignEntry")]
pub struct Entry {
    /// What was to be done.
    pub task: Task,
    /// How often it was begun.
    pub attempts: u32,
    /// How often it failed; a controller that dies while it is under way is no fault of it.
    #[serde(default)]
    pub failures: u32,
    /// When it was begun last.
    pub begun_ms: i64,
    /// How it ended; none: it has not, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TaskEnded")]
pub struct Ended {
    /// When.
    pub time_ms: i64,
    /// How.
    pub outcome: Outcome,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "TaskOutcome")]
pub enum Outcome {
    /// It was done.
    Done(Done),
    /// It was not done, or not in full.
    Failed(Failure),
    /// The controller that began it is gone, and it was found not to be done.
    Undone {},
    /// It was left out.
    Skipped {
        /// Why.
        why: String,
    },
}

impl From<Found> for Outcome {
    fn from(found: Found) -> Self {
        match found {
            Found::Done(done) => Self::Done(done),
            Found::Failed(failure) => Self::Failed(failure),
            Found::Undone => Self::Undone {},
        }
    }
}

impl Entry {
    /// How long it took.
    #[must_use]
    pub fn took_ms(&self) -> i64 {
        let ended = self.ended.as_ref().map_or(self.begun_ms, |it| it.time_ms);
        ended.saturating_sub(self.begun_ms)
    }

    /// The entry of a task that begins now, after what was known of it.
    ///
    /// # Errors
    /// It is under way, or was done or left out.
    pub fn begin(before: Option<&Self>, task: &Task, now_ms: i64) -> Result<Self, Refused> {
        let refuse = |why: &str| {
            Err(Refused::new(format!(
                "task {} is not begun: {why}",
                task.key
            )))
        };
        match before.map(|it| it.ended.as_ref().map(|ended| &ended.outcome)) {
            Some(None) => return refuse("it is under way"),
            Some(Some(Outcome::Done(_))) => return refuse("it was done"),
            Some(Some(Outcome::Skipped { .. })) => return refuse("it was left out"),
            Some(Some(Outcome::Failed(_) | Outcome::Undone {})) | None => {}
        }
        Ok(Self {
            task: task.clone(),
            attempts: before.map_or(0, |it| it.attempts).saturating_add(1),
            failures: before.map_or(0, |it| it.failures),
            begun_ms: now_ms,
            ended: None,
        })
    }

    /// The entry of a task that ends now.
    ///
    /// # Errors
    /// It is not under way.
    pub fn end(&self, outcome: Outcome, now_ms: i64) -> Result<Self, Refused> {
        if self.ended.is_some() {
            return Err(Refused::new(format!(
                "task {} does not end: it has ended",
                self.task.key
            )));
        }
        let failed = matches!(outcome, Outcome::Failed(_));
        Ok(Self {
            failures: self.failures.saturating_add(u32::from(failed)),
            ended: Some(Ended {
                time_ms: now_ms,
                outcome,
            }),
            ..self.clone()
        })
    }

    /// The entry of a task that is left out.
    ///
    /// # Errors
    /// It was begun.
    pub fn skip(
        before: Option<&Self>,
        task: &Task,
        why: &str,
        now_ms: i64,
    ) -> Result<Self, Refused> {
        if before.is_some() {
            return Err(Refused::new(format!(
                "task {} is not left out: it was begun",
                task.key
            )));
        }
        Ok(Self {
            task: task.clone(),
            attempts: 0,
            failures: 0,
            begun_ms: now_ms,
            ended: Some(Ended {
                time_ms: now_ms,
                outcome: Outcome::Skipped {
                    why: why.to_owned(),
                },
            }),
        })
    }
}

impl Journal {
    /// Whether nothing more comes of the campaign: it was reported.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.get(LAST).is_some_and(|it| it.ended.is_some())
    }

    /// Takes in an entry, in the place of what was known of its task.
    pub fn keep(&mut self, entry: Entry) {
        self.entries.insert(entry.task.key.clone(), entry);
    }

    /// What is known of a task.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// All, in the order of their keys.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Those that have not ended, as far as is known.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|it| it.ended.is_none())
    }

    /// Whether a task was begun whose key begins so.
    pub(crate) fn has_under(&self, prefix: &str) -> bool {
        let from = self.entries.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix))
            .any(|(_, entry)| entry.attempts > 0)
    }

    pub(crate) fn outcome(&self, key: &str) -> Option<&Outcome> {
        self.get(key)?.ended.as_ref().map(|it| &it.outcome)
    }
}

impl FromIterator<Entry> for Journal {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let mut journal = Self::default();
        entries.into_iter().for_each(|entry| journal.keep(entry));
        journal
    }
}

//! What carries out a campaign's tasks, told apart from what decides them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Task;

/// Carries out tasks on real hosts. Tasks of different assets are called for at the same time,
/// from different threads; those of one asset come one after the other.
pub trait Hands: Sync {
    /// Carries out a task. That it begins has been recorded; that it ended will be. What was
    /// done in part before is completed, not done again.
    ///
    /// # Errors
    /// It was not done, or not in full: which kind of fault, and what was seen.
    fn carry_out(&self, task: &Task) -> Result<Done, Failure>;

    /// Finds out what became of a task that was begun at `started_ms` by a controller that is
    /// gone, and changes nothing. What may still be under way is waited for.
    ///
    /// # Errors
    /// It cannot be found out now; it will be asked again.
    fn inspect(&self, task: &Task, started_ms: i64) -> Result<Found, Failure>;
}

/// What became of a task that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was done.
    Done(Done),
    /// It failed.
    Failed(Failure),
    /// It was not done, or in part, and can be carried out.
    Undone,
}

/// What was seen of a task that was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TaskDone")]
pub struct Done {
    /// What shows it: the end of a log, the state of a unit, a digest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// Of applying: the asset must restart for it to take effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reboot_needed: bool,
    /// Of applying: the asset has restarted by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rebooted: bool,
}

/// Why a task was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TaskFailure")]
pub struct Failure {
    /// Which kind of fault.
    pub class: Class,
    /// What was seen: the end of a log.
    pub excerpt: String,
}

/// Kinds of faults.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "FailureClass")]
pub enum Class {
    /// The asset cannot be reached.
    Unreachable,
    /// It lets nobody in, or not to do this.
    Refused,
    /// Somebody else works on it: another package manager runs.
    Busy,
    /// There is not enough space.
    Space,
    /// What is to be installed cannot be had: no such version, no repository, a wrong signature.
    Source,
    /// It conflicts with what is there.
    Conflict,
    /// It took too long.
    Timeout,
    /// A check does not hold.
    Check,
    /// A backup could not be made or is not whole.
    Backup,
    /// It was stopped for a backup, and did not start again.
    Down,
    /// The command or playbook failed otherwise.
    Command,
}

impl Class {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Space => "space",
            Self::Source => "source",
            Self::Conflict => "conflict",
            Self::Timeout => "timeout",
            Self::Check => "check",
            Self::Backup => "backup",
            Self::Down => "down",
            Self::Command => "command",
        }
    }

    /// Whether the same may succeed a moment later.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy | Self::Down)
    }
}

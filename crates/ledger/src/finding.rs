//! An advisory that concerns an asset or an application: the unit of work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::ssvc::{Assessment, Inputs};
use crate::{Advisory, Limits, Refused, Severity, check};

named! {
    /// Where the work on a finding stands.
    pub enum State {
        /// Nothing protects and nothing is planned.
        Open = "open",
        /// A virtual patch stops its exploitation.
        Shielded = "shielded",
        /// The fix is planned.
        Scheduled = "scheduled",
        /// It was decided not to fix it now.
        Excepted = "excepted",
        /// The fix is there, not yet verified.
        Fixed = "fixed",
        /// The fix was verified.
        Closed = "closed",
    }
}

/// What a finding concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// An asset, by its identifier.
    Asset(#[schemars(length(max = 128), regex(pattern = crate::check::ID))] String),
    /// An application, by its identifier.
    Application(#[schemars(length(max = 128), regex(pattern = crate::check::ID))] String),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asset(id) => write!(f, "asset/{id}"),
            Self::Application(id) => write!(f, "application/{id}"),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("asset", id)) => Ok(Self::Asset(id.to_owned())),
            Some(("application", id)) => Ok(Self::Application(id.to_owned())),
            _ => Err(format!("`{text}` must be `asset/ID` or `application/ID`")),
        }
    }
}

/// When a fix is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What will bring it: a campaign, a change, a release.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub by: String,
    /// When it shall be there.
    pub due_ms: i64,
}

/// An advisory that concerns an asset or an application. Its state is what its facts say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its number.
    pub id: i64,
    /// The advisory, by its identifier.
    pub advisory: String,
    /// What it concerns.
    pub subject: Subject,
    /// How bad it is.
    pub severity: Severity,
    /// When it was found.
    pub opened_ms: i64,
    /// The virtual patch that stops its exploitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<String>,
    /// When the fix is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The exception by which it is not fixed now, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excepted_by: Option<i64>,
    /// The version that has the fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
    /// What showed that the fix holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
    /// How soon it wants attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
}

/// What can be done with a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "FindingMove")]
pub enum Move {
    /// A virtual patch stops its exploitation now.
    Shield {
        /// The patch.
        #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
        patch: String,
    },
    /// The virtual patch no longer does.
    Expose {},
    /// The fix is planned, or planned anew.
    Schedule(Schedule),
    /// The plan is given up.
    Unschedule {},
    /// An exception that is in force is about it.
    Except {
        /// The exception's number.
        #[schemars(range(min = 1, max = i64::MAX))]
        exception: i64,
    },
    /// That exception has ended.
    Lapse {},
    /// The fix is there.
    Fix {
        /// The version that has it.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        version: String,
    },
    /// The fix was shown to hold.
    Verify {
        /// What showed it.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        evidence: String,
    },
    /// The fix does not hold, or the flaw came back.
    Reopen {},
    /// It is found out how soon it wants attention.
    Assess(Inputs),
}

impl Move {
    /// As in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shield { .. } => "shield",
            Self::Expose {} => "expose",
            Self::Schedule(_) => "schedule",
            Self::Unschedule {} => "unschedule",
            Self::Except { .. } => "except",
            Self::Lapse {} => "lapse",
            Self::Fix { .. } => "fix",
            Self::Verify { .. } => "verify",
            Self::Reopen {} => "reopen",
            Self::Assess(_) => "assess",
        }
    }

    fn check(&self, limits: &Limits) -> Result<(), Refused> {
        match self {
            Self::Shield { patch } => check::id("patch", patch, limits),
            Self::Schedule(schedule) => check::text("by", &schedule.by, limits),
            Self::Fix { version } => check::text("version", version, limits),
            Self::Verify { evidence } => check::text("evidence", evidence, limits),
            Self::Assess(inputs) => inputs.check(limits),
            Self::Expose {}
            | Self::Unschedule {}
            | Self::Except { .. }
            | Self::Lapse {}
            | Self::Reopen {} => Ok(()),
        }
    }
}

impl Finding {
    /// A finding of which nothing is done yet.
    #[must_use]
    pub fn open(id: i64, advisory: &Advisory, subject: Subject, now_ms: i64) -> Self {
        Self {
            id,
            advisory: advisory.id.clone(),
            subject,
            severity: advisory.severity,
            opened_ms: now_ms,
            shield: None,
            schedule: None,
            excepted_by: None,
            fixed_by: None,
            verified_by: None,
            assessment: None,
        }
    }

    /// Where the work stands. A planned fix says more than a shield, which may be there too.
    #[must_use]
    pub fn state(&self) -> State {
        if self.verified_by.is_some() {
            State::Closed
        } else if self.fixed_by.is_some() {
            State::Fixed
        } else if self.excepted_by.is_some() {
            State::Excepted
        } else if self.schedule.is_some() {
            State::Scheduled
        } else if self.shield.is_some() {
            State::Shielded
        } else {
            State::Open
        }
    }

    /// What the finding becomes.
    ///
    /// # Errors
    /// The move makes no sense in this state, or says too much or too little.
    pub fn after(&self, step: &Move, now_ms: i64, limits: &Limits) -> Result<Self, Refused> {
        step.check(limits)?;
        let state = self.state();
        let refuse = |why: &str| {
            Err(Refused::new(format!(
                "finding {} is {state}: it cannot {}, {why}",
                self.id,
                step.name()
            )))
        };
        let ended = matches!(state, State::Fixed | State::Closed);
        let mut next = self.clone();
        match step {
            Move::Shield { .. } | Move::Schedule(_) | Move::Except { .. } | Move::Fix { .. }
                if ended =>
            {
                return refuse("reopen it first");
            }
            Move::Shield { patch } => next.shield = Some(patch.clone()),
            Move::Expose {} if self.shield.is_none() => return refuse("nothing shields it"),
            Move::Expose {} => next.shield = None,
            Move::Schedule(schedule) => {
                next.schedule = Some(schedule.clone());
                next.excepted_by = None;
            }
            Move::Unschedule {} if state != State::Scheduled => {
                return refuse("nothing is planned");
            }
            Move::Unschedule {} => next.schedule = None,
            Move::Except { exception } => {
                next.excepted_by = Some(*exception);
                next.schedule = None;
            }
            Move::Lapse {} if state != State::Excepted => return refuse("it has no exception"),
            Move::Lapse {} => next.excepted_by = None,
            Move::Fix { version } => {
                next.fixed_by = Some(version.clone());
                next.schedule = None;
                next.excepted_by = None;
            }
            Move::Verify { .. } if state != State::Fixed => {
                return refuse("only a fix can be verified");
            }
            Move::Verify { evidence } => next.verified_by = Some(evidence.clone()),
            Move::Reopen {} if !ended => return refuse("it is not fixed"),
            Move::Reopen {} => {
                next.fixed_by = None;
                next.verified_by = None;
            }
            Move::Assess(inputs) => {
                next.assessment = Some(Assessment {
                    decision: inputs.decision(),
                    inputs: inputs.clone(),
                    assessed_ms: now_ms,
                });
            }
        }
        Ok(next)
    }
}

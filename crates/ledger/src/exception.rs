//! A recorded decision not to fix something now, and what protects instead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::rollout::{Approval, Policy};
use crate::{Finding, Limits, Refused, State, Subject, VirtualPatch, check};

/// What protects while something is not fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Protection {
    /// A virtual patch, as long as it is proven and enforced wherever the findings can be reached.
    VirtualPatch {
        /// Which.
        #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
        patch: String,
    },
    /// What is concerned cannot be reached.
    NetworkIsolation(Evidence),
    /// Something else.
    OtherControl {
        /// What.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        what: String,
        /// What shows that it protects.
        evidence: Evidence,
    },
}

/// What shows that something protects, and how long that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// A test, a document, a configuration: what somebody has looked at.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub seen: String,
    /// When it must be looked at again.
    pub recheck_ms: i64,
}

impl Evidence {
    fn check(&self, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
        check::text("evidence.seen", &self.seen, limits)?;
        match self.recheck_ms > now_ms {
            true => Ok(()),
            false => Err(Refused::new("evidence.recheck_ms must be ahead")),
        }
    }
}

impl Protection {
    fn check(&self, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
        match self {
            Self::VirtualPatch { patch } => check::id("patch", patch, limits),
            Self::NetworkIsolation(evidence) => evidence.check(now_ms, limits),
            Self::OtherControl { what, evidence } => {
                check::text("what", what, limits)?;
                evidence.check(now_ms, limits)
            }
        }
    }

    /// What shows it; none for a virtual patch, which is looked at all the time.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::VirtualPatch { .. } => None,
            Self::NetworkIsolation(evidence) | Self::OtherControl { evidence, .. } => {
                Some(evidence)
            }
        }
    }
}

impl std::fmt::Display for Protection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::VirtualPatch { patch } => write!(f, "virtual patch {patch}"),
            Self::NetworkIsolation(evidence) => write!(f, "network isolation: {}", evidence.seen),
            Self::OtherControl { what, evidence } => write!(f, "{what}: {}", evidence.seen),
        }
    }
}

/// Which findings an exception is about: those that are there when it is asked for. What is
/// found later is a decision of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum About {
    /// These, by their numbers.
    Findings(
        #[schemars(length(min = 1, max = 1000), inner(range(min = 1, max = i64::MAX)))] Vec<i64>,
    ),
    /// All of an advisory that are not fixed.
    Advisory(#[schemars(length(max = 128), regex(pattern = crate::check::ID))] String),
    /// All that concern this and are not fixed; with a virtual patch, as far as it is for them.
    Subject(Subject),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExceptionTerms")]
pub struct Terms {
    /// Which findings are not fixed now.
    pub about: About,
    /// Why.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub reason: String,
    /// Who answers for it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub owner: String,
    /// When it must be decided anew.
    pub expires_ms: i64,
    /// What protects meanwhile.
    pub protection: Protection,
}

impl Terms {
    fn check(&self, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
        match &self.about {
            About::Findings(findings) => check::entries("findings", findings, limits)?,
            About::Advisory(id) => check::id("advisory", id, limits)?,
            About::Subject(Subject::Asset(id) | Subject::Application(id)) => {
                check::id("subject", id, limits)?;
            }
        }
        check::text("reason", &self.reason, limits)?;
        check::text("owner", &self.owner, limits)?;
        if self.expires_ms <= now_ms {
            return Err(Refused::new("expires_ms must be ahead"));
        }
        self.protection.check(now_ms, limits)
    }

    /// Whether it can be about a finding. `patch` is the virtual patch that protects, if one does.
    ///
    /// # Errors
    /// It cannot: why.
    pub fn fits(&self, finding: &Finding, patch: Option<&VirtualPatch>) -> Result<(), Refused> {
        let id = finding.id;
        if matches!(finding.state(), State::Fixed | State::Closed) {
            return Err(Refused::new(format!("finding {id} is {}", finding.state())));
        }
        match patch {
            Some(patch) if !patch.advisories.contains(&finding.advisory) => {
                Err(Refused::new(format!(
                    "patch {} is not for {}, of which finding {id} is",
                    patch.id, finding.advisory
                )))
            }
            _ => Ok(()),
        }
    }
}

named! {
    /// Whether an exception counts.
    pub enum Standing {
        /// Somebody has asked for it.
        Requested = "requested",
        /// It was approved, and its protection is there.
        InForce = "in-force",
        /// Its protection or its time is gone.
        Void = "void",
        /// Somebody has taken it back, or refused it; or all its findings are fixed.
        Revoked = "revoked",
    }
}

/// That an exception has ended: it does not come back, another must be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExceptionEnded")]
pub struct Ended {
    /// Whether somebody has taken it back; otherwise it became void.
    pub revoked: bool,
    /// Why.
    pub why: String,
    /// When.
    pub time_ms: i64,
}

/// A recorded decision not to fix something now, and what protects instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Its number.
    pub id: i64,
    /// What was asked for.
    pub terms: Terms,
    /// The findings that it is about, by their numbers.
    pub findings: Vec<i64>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_ms: i64,
    /// Who consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Why it does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What can be done with an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "ExceptionMove")]
pub enum Move {
    /// Somebody consents: it counts from now on.
    Approve {},
    /// Somebody has looked again at what shows its protection.
    Recheck(Evidence),
    /// Take it back, or refuse it.
    Revoke {
        /// Why.
        #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
        reason: String,
    },
}

impl Move {
    /// As in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approve {} => "approve",
            Self::Recheck(_) => "recheck",
            Self::Revoke { .. } => "revoke",
        }
    }
}

impl Exception {
    /// One that nobody has consented to yet.
    ///
    /// # Errors
    /// The terms say too much or too little, or there is no finding that it is about.
    pub fn request(
        id: i64,
        terms: Terms,
        findings: Vec<i64>,
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        terms.check(now_ms, limits)?;
        if findings.is_empty() {
            return Err(Refused::new(
                "there is no finding that is not fixed and that this could be about",
            ));
        }
        if findings.len() > limits.excepted {
            return Err(Refused::new(format!(
                "this would be about {} findings, {} are allowed: name fewer",
                findings.len(),
                limits.excepted
            )));
        }
        Ok(Self {
            id,
            terms,
            findings,
            requested_by: who.to_owned(),
            requested_ms: now_ms,
            approval: None,
            ended: None,
        })
    }

    /// Whether it counts.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (&self.ended, &self.approval) {
            (Some(Ended { revoked: true, .. }), _) => Standing::Revoked,
            (Some(_), _) => Standing::Void,
            (None, Some(_)) => Standing::InForce,
            (None, None) => Standing::Requested,
        }
    }

    /// What it becomes when `who` makes the move.
    ///
    /// # Errors
    /// The move is not possible here, or not allowed.
    pub fn after(
        &self,
        step: &Move,
        policy: Policy,
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        let refuse = |why: &str| {
            let (id, standing, name) = (self.id, self.standing(), step.name());
            Err(Refused::new(format!(
                "exception {id} is {standing}: it cannot {name}, {why}"
            )))
        };
        if self.ended.is_some() {
            return refuse("it has ended: ask for another");
        }
        let mut next = self.clone();
        match step {
            Move::Approve {} if self.approval.is_some() => return refuse("it was approved"),
            Move::Approve {} => {
                if policy.two_persons && who == self.requested_by {
                    return refuse("somebody other than who asked for it must approve it");
                }
                if let Some(why) = self.is_over(now_ms) {
                    return refuse(why);
                }
                next.approval = Some(Approval {
                    who: who.to_owned(),
                    time_ms: now_ms,
                });
            }
            Move::Recheck(seen) => {
                seen.check(now_ms, limits)?;
                match &mut next.terms.protection {
                    Protection::NetworkIsolation(evidence)
                    | Protection::OtherControl { evidence, .. } => *evidence = seen.clone(),
                    Protection::VirtualPatch { .. } => {
                        return refuse("its virtual patch is looked at all the time");
                    }
                }
            }
            Move::Revoke { reason } => {
                check::text("reason", reason, limits)?;
                next.ended = Some(Ended {
                    revoked: true,
                    why: reason.clone(),
                    time_ms: now_ms,
                });
            }
        }
        Ok(next)
    }

    /// What it becomes when its protection or its time is gone.
    #[must_use]
    pub fn voided(&self, why: &str, now_ms: i64) -> Self {
        let ended = Ended {
            revoked: false,
            why: why.to_owned(),
            time_ms: now_ms,
        };
        Self {
            ended: Some(self.ended.clone().unwrap_or(ended)),
            ..self.clone()
        }
    }

    /// Why its time is over; none: it is not.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> Option<&'static str> {
        let evidence = self.terms.protection.evidence();
        if self.terms.expires_ms <= now_ms {
            return Some("its time is over");
        }
        let late = evidence.is_some_and(|it| it.recheck_ms <= now_ms);
        late.then_some("nobody has looked again in time at what protects")
    }

    /// When it ends if nobody does anything.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        let evidence = self.terms.protection.evidence();
        let recheck_ms = evidence.map_or(i64::MAX, |it| it.recheck_ms);
        self.terms.expires_ms.min(recheck_ms)
    }
}

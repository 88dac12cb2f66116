//! How a rollout moves.

use super::{Approval, Evidence, Move, Policy, Rollout, Rules, Stage};
use crate::{AwaitedFix, Environment, Limits, Proven, Refused, VirtualPatch, check};

impl Rollout {
    /// A rollout of a proven patch, at its first stage.
    ///
    /// # Errors
    /// The rules cannot be followed.
    pub fn start(
        id: i64,
        patch: &VirtualPatch,
        proven: Proven,
        (environment, rules): (Environment, Rules),
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        let evidence = Evidence::Proven(proven);
        Self::begin(
            id,
            patch,
            evidence,
            (environment, rules),
            (who, now_ms),
            limits,
        )
    }

    /// A rollout whose proof follows, at its first stage; `Move::Emergency` leads on.
    ///
    /// # Errors
    /// The rules cannot be followed, no reason is given or the deadline is not ahead.
    pub fn start_unproven(
        id: i64,
        patch: &VirtualPatch,
        (reason, due_ms): (String, i64),
        (environment, rules): (Environment, Rules),
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        emergency(&reason, due_ms, now_ms, limits)?;
        let evidence = Evidence::Owed { reason, due_ms };
        Self::begin(
            id,
            patch,
            evidence,
            (environment, rules),
            (who, now_ms),
            limits,
        )
    }

    fn begin(
        id: i64,
        patch: &VirtualPatch,
        evidence: Evidence,
        (environment, rules): (Environment, Rules),
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        rules.check(limits)?;
        Ok(Self {
            id,
            patch: patch.id.clone(),
            digest: patch.digest(),
            environment,
            stage: Stage::Test,
            share_percent: None,
            since_ms: now_ms,
            paused: None,
            started_by: who.to_owned(),
            approvals: Vec::new(),
            reviewed_ms: None,
            false_positives: 0,
            evidence,
            rules,
        })
    }

    /// What the rollout becomes when `who` makes the move.
    ///
    /// # Errors
    /// The move is not possible here, or not allowed yet.
    pub fn after(
        &self,
        step: &Move,
        fix: &AwaitedFix,
        policy: Policy,
        (who, now_ms): (&str, i64),
        limits: &Limits,
    ) -> Result<Self, Refused> {
        let mut next = self.clone();
        match step {
            Move::Promote {} => {
                self.may_go_on()?;
                next.go_to(self.step_on()?, now_ms);
            }
            Move::Demote {} => next.go_to(self.step_back()?, now_ms),
            Move::Pause { reason } => {
                check::text("reason", reason, limits)?;
                if self.stage == Stage::Retired {
                    return self.refuse("pause", "it has ended");
                }
                next.paused = Some(reason.clone());
            }
            Move::Resume {} if self.paused.is_none() => {
                return self.refuse("resume", "it is not paused");
            }
            Move::Resume {} => next.paused = None,
            Move::Approve {} => {
                if self.approvals.iter().any(|approval| approval.who == who) {
                    return self.refuse("approve", "you have approved it");
                }
                check::entries("approvals", &self.approvals, limits)?;
                next.approvals.push(Approval {
                    who: who.to_owned(),
                    time_ms: now_ms,
                });
            }
            Move::Emergency {
                reason,
                proof_due_ms,
            } => {
                if matches!(self.stage, Stage::Enforce | Stage::Retired) {
                    return self.refuse("emergency", "that leads to enforcing only from before");
                }
                emergency(reason, *proof_due_ms, now_ms, limits)?;
                next.paused = None;
                next.go_to((Stage::Enforce, None), now_ms);
            }
            Move::Review {} | Move::Report { .. } if self.stage == Stage::Retired => {
                return self.refuse(step.name(), "it has ended");
            }
            Move::Review {} => next.reviewed_ms = Some(now_ms),
            Move::Report { reason } => {
                check::text("reason", reason, limits)?;
                next.false_positives = self.false_positives.saturating_add(1);
            }
            Move::Retire {} => {
                let stops = matches!(self.stage, Stage::Canary | Stage::Enforce);
                if self.stage == Stage::Retired {
                    return self.refuse("retire", "it has ended");
                }
                if stops && fix.verified_by.is_none() {
                    return self.refuse(
                        "retire",
                        "the fix is not verified; demote it until it stops nobody, or verify the fix",
                    );
                }
                next.paused = None;
                next.go_to((Stage::Retired, None), now_ms);
            }
        }
        if next.stage == Stage::Enforce && self.stage != Stage::Enforce {
            self.may_enforce(policy)?;
        }
        Ok(next)
    }

    /// The rollout with its proof.
    ///
    /// # Errors
    /// The proof is of another document.
    pub fn proven(&self, proven: Proven) -> Result<Self, Refused> {
        if proven.digest() != self.digest {
            return self.refuse("prove", "the proof is of another document");
        }
        Ok(Self {
            evidence: Evidence::Proven(proven),
            ..self.clone()
        })
    }

    /// The rollout where it was before, or out of the way; it does not go on by itself from there.
    pub(crate) fn taken_back(
        &self,
        step: (Stage, Option<u8>),
        (reason, now_ms): (&str, i64),
    ) -> Self {
        let mut next = self.clone();
        if (self.stage, self.share_percent) != step {
            next.go_to(step, now_ms);
            next.paused = (step.0 != Stage::Retired).then(|| reason.to_owned());
        }
        next
    }

    /// Whether a proof should be there that is not.
    #[must_use]
    pub fn proof_is_overdue(&self, now_ms: i64) -> bool {
        matches!(self.evidence, Evidence::Owed { due_ms, .. } if due_ms <= now_ms)
    }

    /// The step after this one, whoever may take it.
    pub(super) fn step_on(&self) -> Result<(Stage, Option<u8>), Refused> {
        let shares = &self.rules.canary_percent;
        let from = |least: u8| {
            let share = shares.iter().copied().find(|share| *share > least);
            share.map_or((Stage::Enforce, None), |share| (Stage::Canary, Some(share)))
        };
        match self.stage {
            Stage::Test => Ok((Stage::Shadow, None)),
            Stage::Shadow => Ok(from(0)),
            Stage::Canary => Ok(from(self.share_percent.unwrap_or(100))),
            Stage::Enforce => self.refuse("promote", "it has come all the way"),
            Stage::Retired => self.refuse("promote", "it has ended"),
        }
    }

    fn step_back(&self) -> Result<(Stage, Option<u8>), Refused> {
        let shares = self.rules.canary_percent.iter().rev().copied();
        let below = |most: u8| {
            let share = shares.clone().find(|share| *share < most);
            share.map_or((Stage::Shadow, None), |share| (Stage::Canary, Some(share)))
        };
        match self.stage {
            Stage::Test => self.refuse("demote", "it is at its first stage"),
            Stage::Shadow => Ok((Stage::Test, None)),
            Stage::Canary => Ok(below(self.share_percent.unwrap_or(0))),
            Stage::Enforce => Ok(below(100)),
            Stage::Retired => Ok((Stage::Enforce, None)),
        }
    }

    fn go_to(&mut self, (stage, share_percent): (Stage, Option<u8>), now_ms: i64) {
        self.stage = stage;
        self.share_percent = share_percent;
        self.since_ms = now_ms;
        self.reviewed_ms = None;
        self.false_positives = 0;
    }

    /// Steps on are for proven patches, and not while it is paused.
    fn may_go_on(&self) -> Result<(), Refused> {
        if let Some(reason) = &self.paused {
            return self.refuse("promote", &format!("it is paused: {reason}"));
        }
        match self.evidence {
            Evidence::Proven(_) => Ok(()),
            Evidence::Owed { .. } => self.refuse("promote", "its proof is owed"),
        }
    }

    pub(super) fn may_enforce(&self, policy: Policy) -> Result<(), Refused> {
        let demanded = policy.two_persons && self.environment == Environment::Production;
        let second = self
            .approvals
            .iter()
            .any(|approval| approval.who != self.started_by);
        if demanded && !second {
            return self.refuse(
                "enforce",
                "somebody other than who started it must approve it first",
            );
        }
        Ok(())
    }

    fn refuse<T>(&self, what: &str, why: &str) -> Result<T, Refused> {
        Err(Refused::new(format!(
            "rollout {} is at {}: it cannot {what}, {why}",
            self.id, self.stage
        )))
    }
}

fn emergency(reason: &str, due_ms: i64, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
    check::text("reason", reason, limits)?;
    if due_ms <= now_ms {
        return Err(Refused::new("the proof's deadline must be ahead"));
    }
    Ok(())
}

//! Rollouts, in the order of their numbers.

use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{Environment, Proof, Proven, Rollout, VirtualPatch};

use crate::bundles::check_room;
use crate::records::{Record, as_expected, written};
use crate::{Change, Error, Limits, Page, Paging, Session, Stored};

/// Which rollouts are asked for; all that it names must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolloutFilter {
    /// Of which patch.
    pub patch: Option<String>,
    /// How far they have come.
    pub stage: Option<Stage>,
}

impl Session<'_> {
    /// One rollout.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn rollout(&mut self, id: i64) -> Result<Stored<Rollout>, Error> {
        self.one("rollout", "rollout", id)
    }

    /// Rollouts, the oldest first.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn rollouts(
        &mut self,
        filter: &RolloutFilter,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<Rollout>>, Error> {
        let mut of = Vec::new();
        if let Some(patch) = &filter.patch {
            of.push(("patch = ?", patch.as_str().into()));
        }
        if let Some(stage) = filter.stage {
            of.push(("stage = ?", stage.name().into()));
        }
        self.numbered_page("rollout", of, paging)
    }
}

/// What a rollout starts with.
#[derive(Debug, Clone)]
pub enum Start<'a> {
    /// A proof of the patch's present document.
    Proven(&'a Proof),
    /// An emergency: why, and when the proof will be there.
    Owed(&'a str, i64),
}

impl Change<'_> {
    /// Starts a rollout of a patch's present document.
    ///
    /// # Errors
    /// The patch is not there, the proof is not for it or speaks against it, the rules cannot be
    /// followed, or this document is being deployed there already.
    pub fn start_rollout(
        &mut self,
        patch: &str,
        start: &Start<'_>,
        environment: Environment,
        rules: Rules,
    ) -> Result<Stored<Rollout>, Error> {
        self.must_be_there(VirtualPatch::TABLE, patch)?;
        let patch: VirtualPatch = self.get(patch)?.value;
        check_room(self)?;
        self.keep_document(&patch)?;
        let id = self.number("rollout")?;
        let (to, by) = ((environment, rules), (self.who(), self.now_ms()));
        let limits = Limits::records();
        let rollout = match start {
            Start::Proven(proof) => {
                let proven = Proven::new(proof, &patch)?;
                Rollout::start(id, &patch, proven, to, by, &limits)?
            }
            Start::Owed(reason, due_ms) => {
                let owed = ((*reason).to_owned(), *due_ms);
                Rollout::start_unproven(id, &patch, owed, to, by, &limits)?
            }
        };
        let body = written(&rollout)?;
        let values = [
            id.into(),
            body.as_str().into(),
            rollout.patch.as_str().into(),
            rollout.digest.as_str().into(),
            rollout.environment.name().into(),
            rollout.stage.name().into(),
        ];
        let added = self.connection.execute(
            "INSERT INTO rollout (id, version, body, patch, digest, environment, stage)
             VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            &values,
        )?;
        if added == 0 {
            return Err(already(&rollout));
        }
        self.note("rollout.start", &format!("rollout/{id}"), &body)?;
        Ok(Stored {
            version: 1,
            value: rollout,
        })
    }

    /// Moves a rollout, if it is still of the expected version.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the move is refused.
    pub fn move_rollout(
        &mut self,
        id: i64,
        step: &Move,
        policy: Policy,
        expected: Option<i64>,
    ) -> Result<Stored<Rollout>, Error> {
        let now = self.rollout(id)?;
        let fix = self.get::<VirtualPatch>(&now.value.patch)?.value.fix;
        let by = (self.who(), self.now_ms());
        let next = now.value.after(step, &fix, policy, by, &Limits::records());
        self.keep_rollout(step.name(), &now, next?, expected)
    }

    /// Gives a rollout the proof that it owes.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, or the proof is of another document or speaks
    /// against it.
    pub fn prove_rollout(
        &mut self,
        id: i64,
        proof: &Proof,
        expected: Option<i64>,
    ) -> Result<Stored<Rollout>, Error> {
        let now = self.rollout(id)?;
        let patch: VirtualPatch = self.get(&now.value.patch)?.value;
        let next = now.value.proven(Proven::new(proof, &patch)?)?;
        self.keep_rollout("prove", &now, next, expected)
    }

    pub(crate) fn keep_rollout(
        &mut self,
        what: &str,
        now: &Stored<Rollout>,
        next: Rollout,
        expected: Option<i64>,
    ) -> Result<Stored<Rollout>, Error> {
        let subject = format!("rollout/{}", next.id);
        as_expected(&subject, now.version, expected)?;
        if now.value.stage == Stage::Retired && next.stage != Stage::Retired {
            let others = self.connection.first(
                "SELECT id FROM rollout
                 WHERE patch = $1 AND digest = $2 AND environment = $3 AND stage <> 'retired'",
                &[
                    next.patch.as_str().into(),
                    next.digest.as_str().into(),
                    next.environment.name().into(),
                ],
            )?;
            if others.is_some() {
                return Err(already(&next));
            }
        }
        let body = written(&next)?;
        let version = now.version + 1;
        let values = [
            version.into(),
            body.as_str().into(),
            next.stage.name().into(),
            next.id.into(),
        ];
        self.connection.execute(
            "UPDATE rollout SET version = $1, body = $2, stage = $3 WHERE id = $4",
            &values,
        )?;
        self.note(&format!("rollout.{what}"), &subject, &body)?;
        Ok(Stored {
            version,
            value: next,
        })
    }
}

fn already(rollout: &Rollout) -> Error {
    Error::exists(format!(
        "a rollout of this document of patch {} to {}",
        rollout.patch, rollout.environment
    ))
}

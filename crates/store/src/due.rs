//! What those ask who look after the ledger while nobody else does.

use std::collections::BTreeSet;

use ledger::due::Telling;
use ledger::{Environment, Rollout, VirtualPatch};

use crate::records::{parsed, written};
use crate::{Change, Error, Session, Stored};

impl Session<'_> {
    /// Rollouts that have not ended, the oldest first: so many at most as there may be.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn live_rollouts(&mut self) -> Result<Vec<Stored<Rollout>>, Error> {
        let rows = self.connection.query(
            "SELECT version, body FROM rollout WHERE stage <> 'retired' ORDER BY id",
            &[],
        )?;
        let rollouts = rows.iter().map(|row| {
            Ok(Stored {
                version: row.integer(0)?,
                value: parsed(row.text(1)?)?,
            })
        });
        rollouts.collect()
    }

    /// The patches that some rollout deploys, or did, to production.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn production_patches(&mut self) -> Result<BTreeSet<String>, Error> {
        let rows = self.connection.query(
            "SELECT DISTINCT patch FROM rollout WHERE environment = 'production'",
            &[],
        )?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    /// The patches of rollouts that have not ended.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn deployed_patches(&mut self) -> Result<Vec<VirtualPatch>, Error> {
        let rows = self.connection.query(
            "SELECT body FROM patch WHERE id IN (SELECT patch FROM rollout WHERE stage <> 'retired')",
            &[],
        )?;
        rows.iter().map(|row| parsed(row.text(0)?)).collect()
    }

    /// How often a patch has matched since a time, at the ingress points of an environment.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn hits(
        &mut self,
        patch: &str,
        environment: Environment,
        since_ms: i64,
    ) -> Result<u64, Error> {
        let row = self.connection.first(
            "SELECT COUNT(*) FROM hit h JOIN gateway g ON g.id = h.ingress
             WHERE h.patch = $1 AND h.time_ms >= $2 AND g.environment = $3",
            &[patch.into(), since_ms.into(), environment.name().into()],
        )?;
        let count = row.map_or(Ok(0), |row| row.integer(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Whether the audit log tells something of a subject already, since a time.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn is_told(&mut self, telling: &Telling, subject: &str) -> Result<bool, Error> {
        let row = self.connection.first(
            "SELECT sequence FROM audit WHERE subject = $1 AND action = $2 AND time_ms >= $3 LIMIT 1",
            &[
                subject.into(),
                telling.action.into(),
                telling.since_ms.into(),
            ],
        )?;
        Ok(row.is_some())
    }

    /// The ways of an ingress point that the audit log tells are holes.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn told_holes(&mut self, ingress: &str) -> Result<BTreeSet<String>, Error> {
        let row = self.connection.first(
            "SELECT detail FROM audit WHERE subject = $1
             AND action IN ('ingress-point.hole', 'ingress-point.covered')
             ORDER BY sequence DESC LIMIT 1",
            &[format!("ingress-point/{ingress}").as_str().into()],
        )?;
        row.map_or(Ok(BTreeSet::new()), |row| parsed(row.text(0)?))
    }
}

impl Change<'_> {
    /// Tells in the audit log which ways of an ingress point are holes now: as something that needs
    /// a decision if one of them was none before.
    ///
    /// # Errors
    /// The database cannot be asked or written.
    pub fn tell_holes(&mut self, ingress: &str, holes: &BTreeSet<String>) -> Result<(), Error> {
        let before = self.told_holes(ingress)?;
        if *holes == before {
            return Ok(());
        }
        let action = match holes.is_subset(&before) {
            true => "ingress-point.covered",
            false => "ingress-point.hole",
        };
        self.note(
            action,
            &format!("ingress-point/{ingress}"),
            &written(holes)?,
        )
    }

    /// Tells something in the audit log, unless it is told already.
    ///
    /// # Errors
    /// The database cannot be asked or written.
    pub fn tell(&mut self, telling: &Telling, subject: &str) -> Result<(), Error> {
        if self.is_told(telling, subject)? {
            return Ok(());
        }
        self.note(telling.action, subject, "{}")
    }
}

//! What probes have shown, the last of each patch at each ingress point.

use ledger::probe::Probe;

use crate::records::{parsed, written};
use crate::sql::Transaction;
use crate::{Error, Session, Store};

impl Session<'_> {
    /// The probes of an ingress point, in the order of the patches.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn probes(&mut self, ingress: &str) -> Result<Vec<Probe>, Error> {
        let rows = self.connection.query(
            "SELECT body FROM probe WHERE ingress = $1 ORDER BY patch",
            &[ingress.into()],
        )?;
        rows.iter().map(|row| parsed(row.text(0)?)).collect()
    }

    /// The probe with this mark.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn probe(&mut self, mark: &str) -> Result<Option<Probe>, Error> {
        let sql = "SELECT body FROM probe WHERE mark = $1";
        let row = self.connection.first(sql, &[mark.into()])?;
        row.map(|row| parsed(row.text(0)?)).transpose()
    }
}

impl Store {
    /// Keeps a probe in the place of the one with the mark `before`, or of none. Says whether that
    /// was so: of several processes one sends it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn begin_probe(&self, probe: &Probe, before: Option<&str>) -> Result<bool, Error> {
        let body = written(probe)?;
        self.pool.with(Transaction::Write, |connection| {
            let kept = connection.execute(
                "INSERT INTO probe (ingress, patch, mark, body) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (ingress, patch) DO UPDATE SET mark = excluded.mark,
                 body = excluded.body WHERE probe.mark = $5",
                &[
                    probe.ingress.as_str().into(),
                    probe.patch.as_str().into(),
                    probe.mark.as_str().into(),
                    body.as_str().into(),
                    before.unwrap_or_default().into(),
                ],
            )?;
            Ok(kept > 0)
        })
    }

    /// Changes what is known of the probe with this mark, if `change` says that it did.
    ///
    /// # Errors
    /// The database cannot be asked or written.
    pub fn learn_of_probe(
        &self,
        mark: &str,
        change: impl FnOnce(&mut Probe) -> bool,
    ) -> Result<bool, Error> {
        self.pool.with(Transaction::Write, |connection| {
            let sql = match connection {
                crate::sql::Connection::Sqlite(_) => "SELECT body FROM probe WHERE mark = $1",
                // Held, so that two that come at once are taken one after the other.
                crate::sql::Connection::Postgres(_) => {
                    "SELECT body FROM probe WHERE mark = $1 FOR UPDATE"
                }
            };
            let Some(row) = connection.first(sql, &[mark.into()])? else {
                return Ok(false);
            };
            let mut probe: Probe = parsed(row.text(0)?)?;
            if !change(&mut probe) {
                return Ok(false);
            }
            let sql = "UPDATE probe SET body = $1 WHERE mark = $2";
            connection.execute(sql, &[written(&probe)?.into(), mark.into()])?;
            Ok(true)
        })
    }
}

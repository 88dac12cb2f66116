//! Changes, each with its entries in the audit log.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use ledger::audit::{Entry, Head};

use crate::{Error, Limits, Session};

/// Who changes something, why, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// A person or a program.
    pub who: &'a str,
    /// The reason, for whoever reads the log later.
    pub why: &'a str,
    /// Milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
}

impl By<'_> {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let most = Limits::records().text_bytes;
        for (what, text) in [("who", self.who), ("why", self.why)] {
            if text.trim().is_empty() || text.len() > most || text.contains('\0') {
                return Err(Error::refused(format!(
                    "`{what}` must be said, in {most} bytes at most and without a NUL"
                )));
            }
        }
        Ok(())
    }
}

/// A change under way. It sees what it has changed.
pub struct Change<'a> {
    session: Session<'a>,
    by: &'a By<'a>,
    head: Head,
}

impl<'a> Deref for Change<'a> {
    type Target = Session<'a>;

    fn deref(&self) -> &Session<'a> {
        &self.session
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.session
    }
}

impl<'a> Change<'a> {
    /// Makes a change while others wait with theirs.
    pub(crate) fn within<T>(
        session: Session<'a>,
        by: &'a By<'a>,
        change: impl FnOnce(&mut Change<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let held = session.connection.first(
            "UPDATE audit_head SET sequence = sequence WHERE one = 1 RETURNING sequence, hash",
            &[],
        )?;
        let held = held.ok_or_else(|| Error::damaged("the audit log has no head"))?;
        let head = Head {
            sequence: held.integer(0)?,
            hash: held.text(1)?.to_owned(),
        };
        let mut under_way = Change { session, by, head };
        let outcome = change(&mut under_way)?;
        let Change { session, head, .. } = under_way;
        session.connection.execute(
            "UPDATE audit_head SET sequence = $1, hash = $2 WHERE one = 1",
            &[head.sequence.into(), head.hash.into()],
        )?;
        Ok(outcome)
    }

    /// When it is made.
    pub(crate) fn now_ms(&self) -> i64 {
        self.by.now_ms
    }

    /// Who makes it.
    pub(crate) fn who(&self) -> &'a str {
        self.by.who
    }

    /// Why it is made.
    pub(crate) fn why(&self) -> &'a str {
        self.by.why
    }

    /// The last entry of the audit log, also if it was written now.
    pub(crate) fn noted(&self) -> i64 {
        self.head.sequence
    }

    /// Writes to the audit log what was done to what, and what it became.
    pub(crate) fn note(&mut self, action: &str, subject: &str, detail: &str) -> Result<(), Error> {
        let entry = Entry {
            sequence: self.head.sequence + 1,
            time_ms: self.by.now_ms,
            who: self.by.who.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            why: self.by.why.to_owned(),
            detail: detail.to_owned(),
            previous: self.head.hash.clone(),
            hash: String::new(),
        }
        .sealed();
        self.head = self.head.after(&entry)?;
        let values = [
            entry.sequence.into(),
            entry.time_ms.into(),
            entry.who.into(),
            entry.action.into(),
            entry.subject.into(),
            entry.why.into(),
            entry.detail.into(),
            entry.previous.into(),
            entry.hash.into(),
        ];
        self.connection.execute(
            "INSERT INTO audit (sequence, time_ms, who, action, subject, why, detail, previous, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &values,
        )?;
        Ok(())
    }

    pub(crate) fn note_restored(&mut self, file: &Path) -> Result<(), Error> {
        let detail = serde_json::json!({ "file": file.display().to_string() });
        self.note("ledger.restore", "ledger", &detail.to_string())
    }

    /// The next number of a finding or a rollout.
    pub(crate) fn number(&mut self, name: &str) -> Result<i64, Error> {
        let row = self.connection.first(
            "UPDATE numbers SET last = last + 1 WHERE name = $1 RETURNING last",
            &[name.into()],
        )?;
        let row = row.ok_or_else(|| Error::damaged(format!("{name} has no numbers")))?;
        row.integer(0)
    }
}

//! The audit log.

use ledger::audit::{Broken, Entry, Fault, Head};

use crate::cursor::{Kind, Part};
use crate::sql::Row;
use crate::{Error, Page, Paging, Session};

pub(crate) const COLUMNS: &str =
    "sequence, time_ms, who, action, subject, why, detail, previous, hash";

impl Session<'_> {
    /// Entries, the newest first; of one subject if it is named.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn audit(
        &mut self,
        subject: Option<&str>,
        paging: Paging<'_>,
    ) -> Result<Page<Entry>, Error> {
        let part = Part::of(paging, &[Kind::Integer], self.limits)?;
        let mut values = part.after.clone().unwrap_or_else(|| vec![i64::MAX.into()]);
        let mut conditions = "sequence < $1".to_owned();
        if let Some(subject) = subject {
            values.push(subject.into());
            conditions.push_str(" AND subject = $2");
        }
        values.push(part.rows());
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY sequence DESC LIMIT ${}",
            values.len()
        );
        let rows = self.connection.query(&sql, &values)?;
        let entries = rows
            .iter()
            .map(|row| Ok((vec![row.integer(0)?.into()], entry(row)?)));
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// Reads the whole log, and gives its end. What was noted elsewhere of an earlier or the
    /// present end must be in it: else whoever can write all of the database could have made
    /// all of the log anew.
    ///
    /// # Errors
    /// [`Error::broken`] names the first entry that does not hold.
    pub fn verify_audit(&mut self, noted: Option<&Head>) -> Result<Head, Error> {
        let row = self
            .connection
            .first("SELECT sequence, hash FROM audit_head WHERE one = 1", &[])?
            .ok_or_else(|| Error::damaged("the audit log has no head"))?;
        let end = Head {
            sequence: row.integer(0)?,
            hash: row.text(1)?.to_owned(),
        };
        let mut head = Head::beginning();
        let broken = |sequence, fault| Err(Broken { sequence, fault }.into());
        let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY sequence");
        self.connection.each(&sql, &[], &mut |row| {
            let entry = entry(&row)?;
            head = head.after(&entry)?;
            if head.sequence > end.sequence {
                return broken(head.sequence, Fault::Uncounted);
            }
            if noted.is_some_and(|noted| noted.sequence == head.sequence && *noted != head) {
                return broken(head.sequence, Fault::Replaced);
            }
            Ok(())
        })?;
        let least = noted.map_or(0, |noted| noted.sequence).max(end.sequence);
        if head.sequence < least {
            return Err(Broken {
                sequence: head.sequence + 1,
                fault: Fault::Missing,
            }
            .into());
        }
        if head != end {
            return Err(Broken {
                sequence: head.sequence,
                fault: Fault::Replaced,
            }
            .into());
        }
        Ok(head)
    }
}

pub(crate) fn entry(row: &Row) -> Result<Entry, Error> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Entry {
        sequence: row.integer(0)?,
        time_ms: row.integer(1)?,
        who: text(2)?,
        action: text(3)?,
        subject: text(4)?,
        why: text(5)?,
        detail: text(6)?,
        previous: text(7)?,
        hash: text(8)?,
    })
}

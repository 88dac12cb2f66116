//! How much there is of what: what is counted for metrics.

use crate::sql::{Connection, Row};
use crate::{Error, Session};

impl Session<'_> {
    /// How many changes the audit log tells of after an entry, by what was done.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn changes_after(&mut self, sequence: i64) -> Result<Vec<(String, u64)>, Error> {
        let sql = "SELECT action, COUNT(*) FROM audit WHERE sequence > $1 GROUP BY action";
        let rows = self.connection.query(sql, &[sequence.into()])?;
        rows.iter().map(counted).collect()
    }

    /// How many findings there are, by their state.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn finding_counts(&mut self) -> Result<Vec<(String, u64)>, Error> {
        let sql = "SELECT state, COUNT(*) FROM finding GROUP BY state";
        let rows = self.connection.query(sql, &[])?;
        rows.iter().map(counted).collect()
    }

    /// What the ledger takes on its disk, in bytes.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn size_bytes(&mut self) -> Result<u64, Error> {
        let sql = match self.connection {
            Connection::Sqlite(_) => {
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            }
            Connection::Postgres(_) => "SELECT pg_database_size(current_database())",
        };
        let row = self.connection.first(sql, &[])?;
        let size = row.map_or(Ok(0), |row| row.integer(0))?;
        Ok(u64::try_from(size).unwrap_or(0))
    }
}

fn counted(row: &Row) -> Result<(String, u64), Error> {
    let count = u64::try_from(row.integer(1)?).unwrap_or(0);
    Ok((row.text(0)?.to_owned(), count))
}

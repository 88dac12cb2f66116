//! The instance's database, in memory, and the bounds of a query.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, Row};
use tokio::time::timeout;

use crate::seed;

const TIME: Duration = Duration::from_secs(3);
const ROWS: usize = 200;
/// The greatest length of a value, so that an injected query cannot fill the memory.
const VALUE_BYTES: i32 = 1024 * 1024;
/// How many rows of a table that visitors fill are kept.
const KEPT: i64 = 5000;

/// A query that failed or took too long.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Query(#[from] rusqlite::Error),
    #[error("the query was given up")]
    GivenUp,
}

/// The connection, and the way to interrupt it.
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
    interrupt: InterruptHandle,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").finish_non_exhaustive()
    }
}

impl Database {
    pub(crate) fn open() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        seed::fill(&connection)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        Ok(Self {
            interrupt: connection.get_interrupt_handle(),
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs `work` on a thread that may block, for three seconds at most.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let connection = Arc::clone(&self.connection);
        let task = tokio::task::spawn_blocking(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match timeout(TIME, task).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(_)) => Err(Failure::GivenUp),
            Err(_) => {
                self.interrupt.interrupt();
                Err(Failure::GivenUp)
            }
        }
    }
}

/// Up to 200 rows of a query's answer, all values as text.
pub(crate) fn rows(connection: &Connection, query: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = connection.prepare(query)?;
    let columns = statement.column_count();
    let row = |row: &Row<'_>| (0..columns).map(|index| text(row, index)).collect();
    statement.query_map([], row)?.take(ROWS).collect()
}

fn text(row: &Row<'_>, index: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    })
}

/// Forgets the oldest rows of a table that visitors fill. The seeded users stay.
pub(crate) fn trim(connection: &Connection, table: &'static str) -> rusqlite::Result<()> {
    let condition = if table == "users" { "id > 2 AND" } else { "" };
    connection.execute(
        &format!("DELETE FROM {table} WHERE {condition} id <= (SELECT max(id) FROM {table}) - ?"),
        [KEPT],
    )?;
    Ok(())
}

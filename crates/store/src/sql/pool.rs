//! Some connections for many callers.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Connection;
use crate::{Error, Limits, Location};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// All that is read is of one moment.
    Read,
    /// What is written is written together.
    Write,
}

/// Connections that are opened when they are needed, and kept.
pub(crate) struct Pool {
    location: Location,
    most: usize,
    wait_ms: u64,
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    idle: Vec<Connection>,
    /// Idle or not.
    open: usize,
}

impl Pool {
    pub(crate) fn new(location: &Location, limits: &Limits) -> Self {
        Self {
            location: location.clone(),
            most: limits.connections.max(1),
            wait_ms: limits.wait_ms,
            state: Mutex::new(State {
                idle: Vec::new(),
                open: 0,
            }),
            freed: Condvar::new(),
        }
    }

    /// Runs `work` in a transaction, which ends well if `work` does.
    pub(crate) fn with<T>(
        &self,
        transaction: Transaction,
        work: impl FnOnce(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut place = self.take()?;
        let mut connection = match place.connection.take() {
            Some(mut idle) => match idle.begin(transaction) {
                Ok(()) => idle,
                // It may have been cut while it was idle: nothing was asked of it yet.
                Err(_) => self.opened(transaction)?,
            },
            None => self.opened(transaction)?,
        };
        let outcome = work(&mut connection);
        let ended = match &outcome {
            Ok(_) => connection.batch("COMMIT").map_err(Error::unknown),
            Err(_) => connection.batch("ROLLBACK"),
        };
        match (outcome, ended) {
            (outcome, Ok(())) => {
                place.connection = Some(connection);
                outcome
            }
            // The connection goes: nobody knows what state it is in.
            (Ok(_), Err(error)) | (Err(error), Err(_)) => Err(error),
        }
    }

    fn opened(&self, transaction: Transaction) -> Result<Connection, Error> {
        let mut connection = Connection::open(&self.location, self.wait_ms)?;
        connection.begin(transaction)?;
        Ok(connection)
    }

    /// Waits for a place among the connections.
    fn take(&self) -> Result<Place<'_>, Error> {
        let until = Instant::now() + Duration::from_millis(self.wait_ms);
        let mut state = self.state();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(Place {
                    pool: self,
                    connection: Some(connection),
                });
            }
            if state.open < self.most {
                state.open += 1;
                return Ok(Place {
                    pool: self,
                    connection: None,
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::busy());
            }
            let waited = self.freed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the connections; when it is given back without one, it is free for another.
struct Place<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        match self.connection.take() {
            Some(connection) => state.idle.push(connection),
            None => state.open -= 1,
        }
        drop(state);
        self.pool.freed.notify_one();
    }
}

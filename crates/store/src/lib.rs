//! The ledger's persistence: SQLite in one file, or PostgreSQL.
//!
//! Calls wait for the database: where a thread must not wait, call from another one. What is
//! changed together is changed in one [`Store::change`], which writes to the audit log with it:
//! there is no other way to change anything. Changes come one after the other, whoever makes
//! them, also from several processes.

mod answers;
mod backup;
mod bundles;
mod campaigns;
mod change;
mod counts;
mod cursor;
mod due;
mod error;
mod events;
mod exceptions;
mod findings;
mod gateways;
mod limits;
mod location;
mod log;
mod migrations;
mod planning;
mod probes;
mod records;
mod rollouts;
mod sql;
mod subscriptions;
mod tokens;
mod users;

use std::path::Path;

pub use answers::Repeatable;
pub use bundles::{Back, Made, Making};
pub use campaigns::NOTE_BYTES;
pub use change::{By, Change};
pub use error::Error;
pub use events::EventFilter;
pub use exceptions::ExceptionFilter;
pub use findings::{FindingFilter, Opened, PlannedFix};
pub use gateways::{Answered, Report, Seen};
pub use limits::Limits;
pub use location::Location;
pub use planning::Facts;
pub use records::{Record, Stored};
pub use rollouts::{RolloutFilter, Start};
pub use subscriptions::Subscribed;

use sql::{Connection, Pool, Transaction};

/// The ledger.
pub struct Store {
    pool: Pool,
    limits: Limits,
}

/// Some of a list, in its order, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// What to ask for the next page with; none: this is the last.
    pub next: Option<String>,
}

/// Where in a list to begin, and how much of it to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paging<'a> {
    /// What the page before said; none: the list's beginning.
    pub after: Option<&'a str>,
    /// How many; none: as many as [`Limits::page`] allows.
    pub most: Option<usize>,
}

/// One view of the ledger: what others change meanwhile is not seen.
pub struct Session<'a> {
    connection: &'a mut Connection,
    limits: &'a Limits,
}

impl Store {
    /// Opens the ledger, makes it if it is not there, and brings it to the newest schema.
    ///
    /// # Errors
    /// The database cannot be reached, was made by a later release or by other migrations.
    pub fn open(location: &Location, limits: Limits) -> Result<Self, Error> {
        let store = Self {
            pool: Pool::new(location, &limits),
            limits,
        };
        store.pool.with(Transaction::Write, migrations::migrate)?;
        Ok(store)
    }

    /// Opens a ledger that is there.
    ///
    /// # Errors
    /// There is none, or as [`Store::open`].
    pub fn open_existing(location: &Location, limits: Limits) -> Result<Self, Error> {
        let none = || Error::missing(format!("ledger in {location}"));
        if let Location::File(path) = location
            && !path
                .try_exists()
                .map_err(|source| Error::file(path, source))?
        {
            return Err(none());
        }
        let pool = Pool::new(location, &limits);
        if !pool.with(Transaction::Read, migrations::are_there)? {
            return Err(none());
        }
        Self::open(location, limits)
    }

    /// Reads; all that `read` sees is of one moment.
    ///
    /// # Errors
    /// The database cannot be asked, or `read` fails.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&mut Session<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.pool.with(Transaction::Read, |connection| {
            read(&mut Session {
                connection,
                limits: &self.limits,
            })
        })
    }

    /// Changes all that `change` changes, or nothing if it fails.
    ///
    /// # Errors
    /// The database cannot be written, nobody or no reason is named, or `change` fails.
    pub fn change<T>(
        &self,
        by: &By<'_>,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        by.check()?;
        self.pool.with(Transaction::Write, |connection| {
            let session = Session {
                connection,
                limits: &self.limits,
            };
            Change::within(session, by, change)
        })
    }

    /// Writes all that the ledger holds at this moment to a new file.
    ///
    /// # Errors
    /// The file is there already or cannot be written, or the database cannot be read.
    pub fn back_up(&self, file: &Path) -> Result<(), Error> {
        self.pool.with(Transaction::Read, |connection| {
            backup::write(connection, file)
        })
    }

    /// Makes a ledger of what [`Store::back_up`] wrote, of this schema or an earlier one.
    ///
    /// # Errors
    /// There is a ledger already, or the file is not whole.
    pub fn restore(
        location: &Location,
        file: &Path,
        by: &By<'_>,
        limits: Limits,
    ) -> Result<Self, Error> {
        by.check()?;
        let store = Self {
            pool: Pool::new(location, &limits),
            limits,
        };
        store.pool.with(Transaction::Write, |connection| {
            backup::read(connection, file, &store.limits)?;
            migrations::migrate(connection)?;
            let session = Session {
                connection,
                limits: &store.limits,
            };
            Change::within(session, by, |change| change.note_restored(file))
        })?;
        Ok(store)
    }

    /// Takes in what ingress points tell; what was told before is not taken twice. Gives how
    /// many were new.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn deliver(&self, events: &[wire::Event]) -> Result<usize, Error> {
        self.pool.with(Transaction::Write, |connection| {
            events::deliver(connection, events)
        })
    }
}

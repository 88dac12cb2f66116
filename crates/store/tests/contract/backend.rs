//! A database of its own for each test.

use std::path::PathBuf;

use store::{By, Change, Error, Limits, Location, Store};

use crate::cluster;

pub(crate) struct Backend {
    place: Place,
}

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

/// Whose changes the tests make.
pub(crate) const BY: By<'static> = By {
    who: "alice",
    why: "a test",
    now_ms: 1_000,
};

impl Backend {
    pub(crate) fn sqlite() -> Self {
        Self {
            place: Place::Sqlite(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) fn postgresql() -> Self {
        Self {
            place: Place::Postgres(cluster::database()),
        }
    }

    /// Another empty database of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self.place {
            Place::Sqlite(_) => Self::sqlite(),
            Place::Postgres(_) => Self::postgresql(),
        }
    }

    /// An empty database of the other kind.
    pub(crate) fn of_the_other_kind(&self) -> Self {
        match self.place {
            Place::Sqlite(_) => Self::postgresql(),
            Place::Postgres(_) => Self::sqlite(),
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite(_))
    }

    pub(crate) fn location(&self) -> Location {
        match &self.place {
            Place::Sqlite(folder) => Location::folder(folder.path()),
            Place::Postgres(url) => Location::url(url).unwrap(),
        }
    }

    /// As for `--data` or `--database`.
    pub(crate) fn word(&self) -> String {
        match &self.place {
            Place::Sqlite(folder) => folder.path().display().to_string(),
            Place::Postgres(url) => url.clone(),
        }
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.location(), Limits::default()).unwrap()
    }

    /// Goes past the ledger, as whoever has the database can.
    pub(crate) fn raw(&self, sql: &str) -> Result<(), String> {
        match &self.place {
            Place::Sqlite(folder) => {
                let path: PathBuf = folder.path().join("ledger.sqlite");
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.execute_batch(sql).map_err(|why| why.to_string())
            }
            Place::Postgres(url) => {
                let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
                client.batch_execute(sql).map_err(|why| format!("{why:?}"))
            }
        }
    }

    /// Lets the audit log be changed.
    pub(crate) fn disarm(&self) {
        let sql = match self.is_sqlite() {
            true => "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut",
            false => "DROP TRIGGER audit_is_append_only ON audit",
        };
        self.raw(sql).unwrap();
    }
}

/// A change that goes well.
pub(crate) fn change<T>(
    store: &Store,
    change: impl FnOnce(&mut Change<'_>) -> Result<T, Error>,
) -> T {
    store.change(&BY, change).unwrap()
}

//! The database's schema, version by version. What has been released is never changed: a
//! change is a new version, which leaves what releases before it read as it was.

use ledger::sha256;

use crate::Error;
use crate::sql::Connection;

type Fill = fn(&mut Connection) -> Result<(), Error>;

/// Leads from the version before to this one. Each version needs a specimen in
/// `testdata/specimens/`.
struct Migration {
    /// Statements for both databases; PostgreSQL compares its texts as bytes, as SQLite does.
    both: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    /// What no statement can do, afterwards.
    fill: Option<Fill>,
}

/// Version 1 is the first.
const MIGRATIONS: &[Migration] = &[
    Migration {
        both: include_str!("0001-ledger.sql"),
        sqlite: include_str!("0001-audit.sqlite.sql"),
        postgres: include_str!("0001-audit.postgres.sql"),
        fill: None,
    },
    Migration {
        both: include_str!("0002-events.sql"),
        sqlite: "",
        postgres: "",
        fill: None,
    },
    Migration {
        both: include_str!("0003-access.sql"),
        sqlite: "",
        postgres: "",
        fill: None,
    },
    Migration {
        both: include_str!("0004-fleet.sql"),
        sqlite: "",
        postgres: "",
        fill: Some(crate::bundles::keep_documents),
    },
    Migration {
        both: include_str!("0005-probes.sql"),
        sqlite: "",
        postgres: "",
        fill: None,
    },
    Migration {
        both: include_str!("0006-people.sql"),
        sqlite: "",
        postgres: "",
        fill: None,
    },
    Migration {
        both: include_str!("0007-campaigns.sql"),
        sqlite: "",
        postgres: "",
        fill: None,
    },
    Migration {
        both: include_str!("0008-exceptions.sql"),
        sqlite: "",
        postgres: "",
        fill: Some(crate::exceptions::take_out),
    },
    Migration {
        both: include_str!("0009-schedules.sql"),
        sqlite: include_str!("0009-schedules.sqlite.sql"),
        postgres: include_str!("0009-schedules.postgres.sql"),
        fill: None,
    },
];

/// A table, the version that made it, and the order of its rows in a backup. Tables come after
/// those that they refer to.
pub(crate) const TABLES: &[(usize, &str, &str)] = &[
    (1, "asset", "id"),
    (1, "application", "id"),
    (1, "ingress_point", "id"),
    (1, "advisory", "id"),
    (1, "patch", "id"),
    (1, "finding", "id"),
    (1, "rollout", "id"),
    (1, "numbers", "name"),
    (1, "audit", "sequence"),
    (1, "audit_head", "one"),
    (2, "event", "ingress, reference"),
    (2, "hit", "patch, time_ms, ingress, reference"),
    (3, "token", "id"),
    (3, "answer", "token, idempotency_key"),
    (4, "document", "digest"),
    (4, "bundle", "environment, number"),
    (4, "signing_key", "id"),
    (4, "enrolment", "id"),
    (4, "gateway", "id"),
    (4, "traffic", "environment, slot_ms"),
    (5, "probe", "ingress, patch"),
    (6, "subscription", "id"),
    (6, "person", "id"),
    (7, "campaign", "id"),
    (7, "campaign_asset", "campaign, place"),
    (7, "campaign_task", "campaign, task"),
    (8, "exception", "id"),
    (8, "exception_finding", "exception, finding"),
];

/// The newest version.
pub(crate) const NEWEST: usize = MIGRATIONS.len();

/// Brings the database to the newest version.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let from = version(connection)?;
    advance(connection, from, NEWEST)
}

/// Whether the database holds a ledger, of whichever version.
pub(crate) fn are_there(connection: &mut Connection) -> Result<bool, Error> {
    let sql = match connection {
        Connection::Sqlite(_) => "SELECT name FROM sqlite_master WHERE name = 'migration'",
        Connection::Postgres(_) => {
            "SELECT to_regclass('migration')::text WHERE to_regclass('migration') IS NOT NULL"
        }
    };
    Ok(connection.first(sql, &[])?.is_some())
}

/// Makes a new database of some version.
pub(crate) fn make(connection: &mut Connection, version: usize) -> Result<(), Error> {
    if version > NEWEST {
        return Err(newer(version));
    }
    if self::version(connection)? > 0 {
        return Err(Error::exists("a ledger"));
    }
    advance(connection, 0, version)
}

/// The database's version; 0 if it is new. Others that ask for it wait.
fn version(connection: &mut Connection) -> Result<usize, Error> {
    if matches!(connection, Connection::Postgres(_)) {
        // Any number that nobody else uses.
        connection.batch("SELECT pg_advisory_xact_lock(7308611953407)")?;
    }
    connection.batch(
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT NOT NULL PRIMARY KEY, digest TEXT NOT NULL)",
    )?;
    let made = connection.query(
        "SELECT version, digest FROM migration ORDER BY version",
        &[],
    )?;
    if made.len() > NEWEST {
        return Err(newer(made.len()));
    }
    for (index, (row, migration)) in made.iter().zip(MIGRATIONS).enumerate() {
        if row.text(1)? != digest(migration) {
            return Err(Error::schema(format!(
                "version {} of this ledger's schema was made by another program: back it up with that one and restore it with this",
                index + 1
            )));
        }
    }
    Ok(made.len())
}

fn advance(connection: &mut Connection, from: usize, to: usize) -> Result<(), Error> {
    for (index, migration) in MIGRATIONS.iter().enumerate().take(to).skip(from) {
        match connection {
            Connection::Sqlite(_) => {
                connection.batch(migration.both)?;
                connection.batch(migration.sqlite)?;
            }
            Connection::Postgres(_) => {
                connection.batch(&migration.both.replace("TEXT", "TEXT COLLATE \"C\""))?;
                connection.batch(migration.postgres)?;
            }
        }
        if let Some(fill) = migration.fill {
            fill(connection)?;
        }
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        connection.execute(
            "INSERT INTO migration (version, digest) VALUES ($1, $2)",
            &[version.into(), digest(migration).into()],
        )?;
    }
    Ok(())
}

fn digest(migration: &Migration) -> String {
    let text = [migration.both, migration.sqlite, migration.postgres].join("\n");
    sha256(text.as_bytes())
}

fn newer(version: usize) -> Error {
    Error::schema(format!(
        "the ledger's schema has version {version}, this program knows {NEWEST}: use a later release"
    ))
}

//! Where commands find the ledger.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use store::{Limits, Location, Store};

/// Names the ledger.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// The folder of a ledger in SQLite.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A ledger in PostgreSQL: postgres://user:password@host/database. TLS is demanded of other
    /// machines unless it says sslmode=disable; sslrootcert=FILE names the certificates to trust.
    #[arg(
        long,
        value_name = "URL",
        env = "STOPGAP_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,
}

impl Place {
    /// Where that is.
    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        match (&self.data, &self.database) {
            (Some(folder), _) => Ok(Location::folder(folder)),
            (None, Some(url)) => Ok(Location::url(url)?),
            (None, None) => anyhow::bail!("say --data DIR or --database URL"),
        }
    }

    /// The ledger that is there.
    pub(crate) fn open(&self) -> anyhow::Result<Store> {
        Ok(Store::open_existing(&self.location()?, Limits::default())?)
    }
}

/// The time, as the ledger tells it.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

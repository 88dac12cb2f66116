//! Where commands find the ledger.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use store::{By, Change, Error, Limits, Location, Store};

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

    /// The ledger's folder, if it is in one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The ledger that is there.
    pub(crate) fn open(&self) -> anyhow::Result<Store> {
        match Store::open_existing(&self.location()?, Limits::default()) {
            Err(why) if why.is_missing() => anyhow::bail!(
                "{why}: `stopgap up` and `stopgap control` make one, and so does the first `stopgap token add`"
            ),
            opened => Ok(opened?),
        }
    }
}

/// Who changes the ledger, and why.
#[derive(Args)]
pub(crate) struct Who {
    /// Who does it, for the audit log.
    #[arg(long, env = "USER")]
    who: String,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
}

impl Who {
    pub(crate) fn by(&self, now_ms: i64) -> By<'_> {
        By {
            who: &self.who,
            why: &self.why,
            now_ms,
        }
    }
}

/// Something in the ledger that has a name, and is to be changed.
#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Its name.
    #[arg(value_name = "NAME")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) by: Who,
}

impl Named {
    /// Changes it, in the ledger that is there.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Change<'_>, &str) -> Result<T, Error>,
    ) -> anyhow::Result<T> {
        let store = self.place.open()?;
        Ok(store.change(&self.by.by(now_ms()), |it| change(it, &self.id))?)
    }
}

/// Something in the ledger that has a number, and is to be shown.
#[derive(Args)]
pub(crate) struct Numbered {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Its number.
    #[arg(value_name = "NUMBER")]
    pub(crate) id: i64,
    /// Write one JSON object: "version" and "value" among others.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Something in the ledger that has a number, and is to go on or back.
#[derive(Args)]
pub(crate) struct Step {
    #[command(flatten)]
    pub(crate) numbered: Numbered,
    /// Let one person alone do what takes two.
    #[arg(long)]
    pub(crate) one_person: bool,
    #[command(flatten)]
    pub(crate) by: Who,
}

/// The time, as the ledger tells it.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

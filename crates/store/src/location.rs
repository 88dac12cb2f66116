//! Where the ledger is.

use std::path::{Path, PathBuf};

use crate::Error;

/// Where the ledger is.
#[derive(Clone)]
pub enum Location {
    /// An SQLite database.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<Server>),
}

/// How a PostgreSQL server is reached.
#[derive(Clone)]
pub struct Server {
    pub(crate) config: postgres::Config,
    /// Certificates to trust instead of the usual ones.
    pub(crate) roots: Option<PathBuf>,
}

impl Location {
    /// The ledger in a folder, which is made when it is opened.
    #[must_use]
    pub fn folder(folder: &Path) -> Self {
        Self::File(folder.join("ledger.sqlite"))
    }

    /// `postgres://user:password@host/database`. Unless it says `sslmode`, TLS is demanded of
    /// every host but this one; `sslrootcert=FILE` names the certificates to trust.
    ///
    /// # Errors
    /// It is no such URL.
    pub fn url(url: &str) -> Result<Self, Error> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !known {
            return Err(Error::refused(
                "the database must be a URL like postgres://user@host/database",
            ));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (ours, theirs): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| pair.starts_with("sslrootcert="));
        let roots = ours
            .iter()
            .find_map(|pair| pair.strip_prefix("sslrootcert="))
            .map(PathBuf::from);
        let mut config: postgres::Config = format!("{base}?{}", theirs.join("&"))
            .parse()
            .map_err(|source| Error::refused(format!("the database's URL is wrong: {source}")))?;
        if !theirs.iter().any(|pair| pair.starts_with("sslmode=")) {
            let mode = match roots.is_none() && config.get_hosts().iter().all(is_here) {
                true => postgres::config::SslMode::Disable,
                false => postgres::config::SslMode::Require,
            };
            config.ssl_mode(mode);
        }
        if config.get_application_name().is_none() {
            config.application_name("stopgap");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(5));
        }
        Ok(Self::Postgres(Box::new(Server { config, roots })))
    }
}

/// Without the password.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(server) => write!(
                f,
                "database {}",
                server.config.get_dbname().unwrap_or("of the user's name")
            ),
        }
    }
}

fn is_here(host: &postgres::config::Host) -> bool {
    match host {
        postgres::config::Host::Tcp(name) => {
            let address: Option<std::net::IpAddr> = name.parse().ok();
            name == "localhost" || address.is_some_and(|address| address.is_loopback())
        }
        postgres::config::Host::Unix(_) => true,
    }
}

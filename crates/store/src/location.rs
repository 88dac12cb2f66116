//! Where the ledger is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

/// Seconds after which a server that acknowledges nothing counts as lost, also while it is waited for.
/// A machine that loses its power ends no connection, and the system would wait for hours.
const LOST_SECONDS: u64 = 30;

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
    /// every host but this one; `sslrootcert=FILE` names the certificates to trust. Unless it says
    /// otherwise (`keepalives`, `tcp_user_timeout`), a server that is gone is noticed within half a minute.
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
            config.connect_timeout(Duration::from_secs(5));
        }
        if !theirs.iter().any(|pair| pair.starts_with("keepalives")) {
            config
                .keepalives_idle(Duration::from_secs(LOST_SECONDS / 2))
                .keepalives_interval(Duration::from_secs(LOST_SECONDS / 6))
                .keepalives_retries(3);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(LOST_SECONDS));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_gone_is_noticed_as_soon_as_the_url_says() {
        for (query, idle, unacknowledged) in [
            ("", 15, 30),
            ("?sslmode=disable", 15, 30),
            ("?keepalives_idle=60", 60, 30),
            ("?tcp_user_timeout=90", 15, 90),
        ] {
            let url = format!("postgres://stopgap@db.example/ledger{query}");
            let Ok(Location::Postgres(server)) = Location::url(&url) else {
                panic!("{url}");
            };
            let config = &server.config;
            assert!(config.get_keepalives(), "{url}");
            assert_eq!(config.get_keepalives_idle().as_secs(), idle, "{url}");
            let user = config.get_tcp_user_timeout().map(Duration::as_secs);
            assert_eq!(user, Some(unacknowledged), "{url}");
        }
    }
}

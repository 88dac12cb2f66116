//! Why the ledger did not do something.

use std::path::Path;

/// Why the ledger did not do something.
#[derive(Debug)]
pub struct Error(Box<Kind>);

#[derive(Debug)]
enum Kind {
    Missing(String),
    Exists(String),
    Changed {
        what: String,
        version: i64,
    },
    Refused(String),
    Busy,
    Schema(String),
    Damaged(String),
    Broken(ledger::audit::Broken),
    File {
        path: String,
        source: std::io::Error,
    },
    Sqlite(rusqlite::Error),
    Postgres(postgres::Error),
    Unknown(Error),
}

impl Error {
    /// What was asked for is not there.
    pub fn is_missing(&self) -> bool {
        matches!(*self.0, Kind::Missing(_))
    }

    /// There is one already.
    pub fn is_existing(&self) -> bool {
        matches!(*self.0, Kind::Exists(_))
    }

    /// It was changed since the caller looked at it.
    pub fn is_changed(&self) -> bool {
        matches!(*self.0, Kind::Changed { .. })
    }

    /// The change makes no sense, or is not allowed; the text says why.
    pub fn is_refused(&self) -> bool {
        matches!(*self.0, Kind::Refused(_))
    }

    /// The same call may go well later.
    pub fn is_retryable(&self) -> bool {
        match &*self.0 {
            Kind::Busy => true,
            Kind::Sqlite(source) => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Kind::Postgres(source) => source.code().is_none_or(|code| {
                use postgres::error::SqlState;
                [
                    SqlState::LOCK_NOT_AVAILABLE,
                    SqlState::QUERY_CANCELED,
                    SqlState::TOO_MANY_CONNECTIONS,
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                ]
                .contains(code)
            }),
            _ => false,
        }
    }

    /// There is no room on the database's disk; nothing was changed.
    pub fn is_full(&self) -> bool {
        match &*self.0 {
            Kind::Sqlite(source) => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Kind::Postgres(source) => source.code() == Some(&postgres::error::SqlState::DISK_FULL),
            _ => false,
        }
    }

    /// The audit log's first broken entry, if that is what is wrong.
    pub fn broken(&self) -> Option<&ledger::audit::Broken> {
        match &*self.0 {
            Kind::Broken(broken) => Some(broken),
            _ => None,
        }
    }

    pub(crate) fn missing(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Missing(what.into())))
    }

    pub(crate) fn exists(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Exists(what.into())))
    }

    pub(crate) fn changed(what: impl Into<String>, version: i64) -> Self {
        let what = what.into();
        Self(Box::new(Kind::Changed { what, version }))
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self(Box::new(Kind::Refused(why.into())))
    }

    pub(crate) fn busy() -> Self {
        Self(Box::new(Kind::Busy))
    }

    pub(crate) fn schema(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Schema(what.into())))
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Damaged(what.into())))
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        let path = path.display().to_string();
        Self(Box::new(Kind::File { path, source }))
    }

    /// The change was sent, and nothing was heard of it.
    pub(crate) fn unknown(self) -> Self {
        match *self.0 {
            Kind::Postgres(ref source) if source.code().is_none() => {
                Self(Box::new(Kind::Unknown(self)))
            }
            _ => self,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.0 {
            Kind::Missing(what) => write!(f, "there is no {what}"),
            Kind::Exists(what) => write!(f, "there is {what} already"),
            Kind::Changed { what, version } => write!(
                f,
                "{what} was changed by others, it is now at version {version}: look at it again"
            ),
            Kind::Refused(why) => f.write_str(why),
            Kind::Busy => f.write_str("the database is busy, try again later"),
            Kind::Schema(what) | Kind::Damaged(what) => f.write_str(what),
            Kind::Broken(broken) => write!(f, "the audit log is broken: {broken}"),
            Kind::File { path, source } => write!(f, "{path}: {source}"),
            Kind::Sqlite(source) => write!(f, "the database says: {source}"),
            Kind::Postgres(source) => {
                write!(f, "the database says: {source}")?;
                let cause = std::error::Error::source(source);
                cause.map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            Kind::Unknown(source) => write!(
                f,
                "it is not known whether the change was made, look before you repeat it: {source}"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::File { source, .. } => Some(source),
            Kind::Sqlite(source) => Some(source),
            Kind::Postgres(source) => Some(source),
            Kind::Unknown(source) => Some(source),
            _ => None,
        }
    }
}

impl From<ledger::Refused> for Error {
    fn from(refused: ledger::Refused) -> Self {
        Self::refused(refused.to_string())
    }
}

impl From<ledger::audit::Broken> for Error {
    fn from(broken: ledger::audit::Broken) -> Self {
        Self(Box::new(Kind::Broken(broken)))
    }
}

impl From<serde_json::Error> for Error {
    fn from(source: serde_json::Error) -> Self {
        Self::damaged(format!("what is kept cannot be written or read: {source}"))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        Self(Box::new(Kind::Sqlite(source)))
    }
}

impl From<postgres::Error> for Error {
    fn from(source: postgres::Error) -> Self {
        Self(Box::new(Kind::Postgres(source)))
    }
}

//! What the ledger's database is asked for at most.

/// Bounds of a [`crate::Store`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time; further calls wait.
    pub connections: usize,
    /// How long a call waits for a connection, or for another's change, in milliseconds.
    pub wait_ms: u64,
    /// Entries of one page.
    pub page: usize,
    /// One line of a backup that is restored, in bytes.
    pub backup_line_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4,
            wait_ms: 10_000,
            page: 200,
            backup_line_bytes: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Bounds on what comes in.
    pub(crate) fn records() -> ledger::Limits {
        ledger::Limits::default()
    }
}

//! What one record may hold.

/// Bounds on what comes into the ledger; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// An identifier: of an asset, an advisory, a patch, a person.
    pub id_bytes: usize,
    /// A title, a reason, a version, a name for people.
    pub text_bytes: usize,
    /// A patch document.
    pub document_bytes: usize,
    /// Entries of one list: hosts of an application, aliases of an advisory.
    pub entries: usize,
    /// What is installed on one asset: entries.
    pub software: usize,
    /// And the bytes of their texts.
    pub software_bytes: usize,
    /// What one advisory affects: entries.
    pub affected: usize,
    /// And the bytes of their texts.
    pub affected_bytes: usize,
    /// A record as JSON.
    pub record_bytes: usize,
    /// Rollouts that have not ended, and so patches of a bundle.
    pub rollouts: usize,
    /// Ways to applications of one ingress point.
    pub paths: usize,
    /// Findings that one exception is about.
    pub excepted: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            id_bytes: 128,
            text_bytes: 4096,
            document_bytes: 1024 * 1024,
            entries: 1000,
            software: 20_000,
            software_bytes: 4 * 1024 * 1024,
            affected: 20_000,
            affected_bytes: 4 * 1024 * 1024,
            record_bytes: 6 * 1024 * 1024,
            rollouts: 20_000,
            paths: 5000,
            excepted: 10_000,
        }
    }
}

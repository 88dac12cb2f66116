//! What one source may hold.

/// Bounds of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Its text, in bytes.
    pub source_bytes: usize,
    /// What it tells of: advisories, entries of a catalogue, probabilities.
    pub entries: usize,
    /// A version that is compared, in bytes; a longer one is unknown.
    pub version_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 256 * 1024 * 1024,
            entries: 1_000_000,
            version_bytes: 256,
        }
    }
}

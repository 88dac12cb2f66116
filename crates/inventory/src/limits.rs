//! What one source may hold.

/// Bounds of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Its text, in bytes.
    pub source_bytes: usize,
    /// Assets in it.
    pub assets: usize,
    /// Hosts that one range of an Ansible inventory stands for.
    pub range_hosts: usize,
    /// Groups of an Ansible inventory that one host is in.
    pub groups: usize,
    /// Elements, groups or objects within each other, and ranges in one name.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 256 * 1024 * 1024,
            assets: 200_000,
            range_hosts: 10_000,
            groups: 500,
            depth: 64,
        }
    }
}

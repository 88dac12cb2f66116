//! What bounds a source and what is made of it.

/// Limits of import and synthesis. Beyond them a source is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one source.
    pub source_bytes: usize,
    /// Exploits of one source: combinations of payloads, paths and steps.
    pub exploits: usize,
    /// Requests of one exploit.
    pub steps: usize,
    /// Bytes of one rendered request.
    pub request_bytes: usize,
    /// Bytes that all deflated values of one source inflate to.
    pub inflated_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 8 * 1024 * 1024,
            exploits: 256,
            steps: 64,
            request_bytes: 256 * 1024,
            inflated_bytes: 8 * 1024 * 1024,
        }
    }
}

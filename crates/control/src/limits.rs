//! What the API takes at most.

/// Bounds of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Calls that are worked on at one time.
    pub calls: usize,
    /// A request's body, in bytes.
    pub body_bytes: usize,
    /// How long a request's body may take to come, in milliseconds.
    pub body_ms: u64,
    /// An idempotency key, in bytes.
    pub key_bytes: usize,
    /// How long calls under way may take when the service stops, in milliseconds.
    pub stop_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 64,
            body_bytes: 2 * 1024 * 1024,
            body_ms: 10_000,
            key_bytes: 128,
            stop_ms: 10_000,
        }
    }
}

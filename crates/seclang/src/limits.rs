//! Bounds of the parser.

/// What a text may hold at most. Whatever is beyond is a [`SyntaxError`](crate::SyntaxError).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one text.
    pub source_bytes: usize,
    /// Directives of one text.
    pub directives: usize,
    /// Targets of one rule.
    pub targets: usize,
    /// Actions of one rule.
    pub actions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_bytes: 32 * 1024 * 1024,
            directives: 200_000,
            targets: 1_000,
            actions: 500,
        }
    }
}

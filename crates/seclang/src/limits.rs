//! Bounds of the parser.

/// What a text, with all that it includes, may hold at most. Whatever is beyond is a [`SyntaxError`](crate::SyntaxError).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all texts.
    pub source_bytes: usize,
    /// Directives of all texts.
    pub directives: usize,
    /// Files that include files that include files.
    pub include_depth: usize,
    /// Files that are included.
    pub included_files: usize,
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
            include_depth: 16,
            included_files: 2_000,
            targets: 1_000,
            actions: 500,
        }
    }
}

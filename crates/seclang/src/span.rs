//! Where a thing was written.

/// A range of bytes in one source of a [`SourceMap`].
///
/// Two spans are always equal: syntax trees are compared by what they say, not
/// by where they say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// Index into [`SourceMap`].
    pub source: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

/// A position as people count: from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The source's path or name.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// The texts that were loaded.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    path: String,
    text: String,
}

impl SourceMap {
    /// Adds a text; the number is what [`Span::source`] holds.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> u32 {
        self.sources.push(Source {
            path: path.into(),
            text: text.into(),
        });
        (self.sources.len() - 1) as u32
    }

    /// The path or name under which the span's source was added; empty if there is none.
    pub fn path(&self, span: Span) -> &str {
        self.sources
            .get(span.source as usize)
            .map_or("", |source| source.path.as_str())
    }

    /// The text that the span covers; empty if it covers none.
    pub fn text(&self, span: Span) -> &str {
        self.sources
            .get(span.source as usize)
            .and_then(|source| source.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// Where the span begins.
    pub fn locate(&self, span: Span) -> Location {
        let source = self.sources.get(span.source as usize);
        let before = source
            .and_then(|source| source.text.get(..span.start as usize))
            .unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Location {
            path: source.map_or_else(String::new, |source| source.path.clone()),
            line: before.matches('\n').count() as u32 + 1,
            column: before
                .get(line_start..)
                .map_or(0, |line| line.chars().count()) as u32
                + 1,
        }
    }
}

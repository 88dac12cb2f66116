//! What is wrong with a document, where, and what to do.

use serde::Serialize;

/// Whether a document can be used in spite of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It cannot.
    Error,
    /// It can; someone should look.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// From 1; 0 where the fault has no place.
    pub line: u32,
    /// From 1, in characters; 0 where the fault has no place.
    pub column: u32,
    /// Error or warning.
    pub level: Level,
    /// What was found, what was expected, what to do.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, ": {level}: {}", self.message)
    }
}

impl std::error::Error for Problem {}

/// `; did you mean …? (known: …)` for a word that is not one of the known ones.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let hint = engine::nearest(word, known.iter().copied())
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    format!("{hint} (known: {})", known.join(", "))
}

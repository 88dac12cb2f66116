//! Why a text is not SecLang.

use crate::span::{Location, SourceMap, Span};

/// Where a text is wrong, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    location: Location,
    token: String,
    message: String,
}

impl SyntaxError {
    pub(crate) fn new(sources: &SourceMap, span: Span, message: impl Into<String>) -> Self {
        const SHOWN: usize = 60;
        let token: String = sources.text(span).chars().take(SHOWN).collect();
        Self {
            location: sources.locate(span),
            token,
            message: message.into(),
        }
    }

    /// Where.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The text at fault, its first 60 characters.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What was expected and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.location, self.message)?;
        if !self.token.is_empty() {
            write!(f, ", at `{}`", self.token.escape_debug())?;
        }
        Ok(())
    }
}

impl std::error::Error for SyntaxError {}

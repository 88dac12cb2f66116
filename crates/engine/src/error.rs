//! Why rules do not compile.

use seclang::Location;

/// Why rules do not compile: where, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    patch: Option<String>,
    location: Option<Location>,
    message: String,
}

impl CompileError {
    pub(crate) fn new(location: Option<Location>, message: impl Into<String>) -> Self {
        Self {
            patch: None,
            location,
            message: message.into(),
        }
    }

    pub(crate) fn in_patch(mut self, patch: &str) -> Self {
        self.patch = Some(patch.to_owned());
        self
    }

    /// The patch whose rules do not compile.
    pub fn patch(&self) -> Option<&str> {
        self.patch.as_deref()
    }

    /// Where the fault stands in the SecLang source.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// What is wrong and what to do, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(patch) = &self.patch {
            write!(f, "patch {patch}: ")?;
        }
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for CompileError {}

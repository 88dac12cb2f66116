//! Why a gateway does not start.

use std::path::Path;

/// Why a gateway does not start: what is wrong, where, what to do.
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    configuration: bool,
}

impl Error {
    /// The configuration, or a file that it names, is wrong; trying again will not help.
    pub fn is_configuration(&self) -> bool {
        self.configuration
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
            configuration: true,
        }
    }

    pub(crate) fn file(
        path: &Path,
        why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            message: format!("cannot read {}", path.display()),
            source: Some(why.into()),
            configuration: true,
        }
    }

    pub(crate) fn system(message: impl Into<String>, source: std::io::Error) -> Self {
        Self {
            message: message.into(),
            source: Some(Box::new(source)),
            configuration: false,
        }
    }

    pub(crate) fn because(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

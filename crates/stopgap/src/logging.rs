//! What the program's roles log, to the standard error.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};

/// How lines are logged.
#[derive(Args, Default)]
pub(crate) struct Logging {
    /// How lines of the log are written, to standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    log: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line: "timestamp", "level", "fields" with the "message".
    Json,
}

impl Logging {
    /// Begins to log.
    pub(crate) fn start(&self) {
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false);
        match self.log {
            Format::Text => log.init(),
            Format::Json => log.json().init(),
        }
    }
}

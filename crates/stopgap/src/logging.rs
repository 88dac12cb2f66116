//! What the program's roles log, to the standard error, and tell a collector.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::otlp::{Exports, Otlp};

/// How lines are logged.
#[derive(Args, Default)]
pub(crate) struct Logging {
    /// How lines of the log are written, to standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    log: Format,
    #[command(flatten)]
    otlp: Otlp,
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
    /// Begins to log, as this service; what is told a collector ends with what comes back.
    ///
    /// # Errors
    /// The collector's address is none.
    pub(crate) fn start(&self, service: &'static str) -> anyhow::Result<Option<Exports>> {
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false);
        let log: Box<dyn Layer<Registry> + Send + Sync> = match self.log {
            Format::Text => log.boxed(),
            Format::Json => log.json().boxed(),
        };
        let (mut told, mut requests, mut exports) = (None, None, None);
        if let Some((layer, share, end)) = self.otlp.start(service)? {
            (told, requests, exports) = (Some(layer), Some(share), Some(end));
        }
        let log = log.with_filter(LevelFilter::INFO);
        let layers = vec![log.boxed()].into_iter();
        let layers: Vec<_> = layers.chain(told.map(Layer::boxed)).collect();
        let registry = tracing_subscriber::registry();
        registry.with(layers).with(requests).init();
        Ok(exports)
    }
}

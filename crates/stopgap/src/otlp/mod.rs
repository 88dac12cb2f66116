//! Events, lines of the log and traces to a collector, by OTLP over HTTP (JSON).
//!
//! What is told by `tracing` becomes records ([`layer`]), waits in a bounded queue, and is sent by a
//! thread of its own ([`sender`]): whoever tells it never waits.

mod layer;
mod records;
mod sender;

use anyhow::Context;
use clap::Args;
use http::Uri;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use layer::Requests;
pub(crate) use sender::Exports;

/// Where telemetry goes besides the log.
#[derive(Args, Default)]
pub(crate) struct Otlp {
    /// A collector that takes events, lines of the log and traces by OTLP over HTTP, such as
    /// http://127.0.0.1:4318.
    #[arg(long, value_name = "URL", env = "STOPGAP_OTLP")]
    otlp: Option<Uri>,
    /// Of so many requests and calls one is traced.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "otlp", value_parser = clap::value_parser!(u32).range(1..))]
    otlp_one_in: u32,
}

impl Otlp {
    /// What takes it from `tracing`, and of requests a share, and what ends it; none: nobody wants it.
    pub(crate) fn start<S: Subscriber + for<'a> LookupSpan<'a>>(
        &self,
        service: &'static str,
    ) -> anyhow::Result<Option<(impl Layer<S> + Send + Sync + use<S>, Requests, Exports)>> {
        let Some(url) = &self.otlp else {
            return Ok(None);
        };
        let wrong = "--otlp is no address such as http://127.0.0.1:4318";
        anyhow::ensure!(url.scheme().is_some() && url.authority().is_some(), wrong);
        let resource = records::resource(service);
        let (queue, exports) =
            Exports::start(url, resource).context("telemetry is not exported")?;
        let (layer, requests) = layer::layers(queue, self.otlp_one_in);
        Ok(Some((layer, requests, exports)))
    }
}

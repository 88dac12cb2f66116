//! Opens connections to upstreams, in TLS where they want it.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

use crate::config::{Application, Protocol};
use crate::error::Error;
use crate::limits::Limits;

pub(super) type Connector = HttpsConnector<HttpConnector>;

pub(super) fn connector(application: &Application, limits: &Limits) -> Result<Connector, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_millis(limits.connect_ms)));
    let tls = crate::tls::client(application.authorities.as_deref())?;
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    Ok(match application.protocol {
        Protocol::Http1 => builder.enable_http1().wrap_connector(http),
        Protocol::Http2 => builder.enable_http2().wrap_connector(http),
    })
}

//! How this program asks others by HTTP and HTTPS.

mod reach;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::TokioExecutor;
use reach::Resolver;
pub(crate) use reach::{Reach, is_public};

/// What asks others over the network.
pub(crate) type Web = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Until whoever is asked must be connected.
const CONNECT: Duration = Duration::from_secs(5);

/// One that trusts the authorities of a PEM file; none: the public ones.
///
/// # Errors
/// The file cannot be read, or holds no authority.
pub(crate) fn client(authorities: Option<&Path>) -> anyhow::Result<Web> {
    client_to(Reach::Any, authorities)
}

/// The same, for those whom it may reach.
///
/// # Errors
/// As [`client`].
pub(crate) fn client_to(reach: Reach, authorities: Option<&Path>) -> anyhow::Result<Web> {
    reaching(&Client::builder(TokioExecutor::new()), reach, authorities)
}

/// The same, with how connections are kept.
///
/// # Errors
/// As [`client`].
pub(crate) fn client_of(builder: &Builder, authorities: Option<&Path>) -> anyhow::Result<Web> {
    reaching(builder, Reach::Any, authorities)
}

fn reaching(builder: &Builder, reach: Reach, authorities: Option<&Path>) -> anyhow::Result<Web> {
    let mut connector = HttpConnector::new_with_resolver(Resolver::new(reach));
    connector.set_connect_timeout(Some(CONNECT));
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(gateway::tls::client(authorities)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(builder.build(connector))
}

//! Opens connections to upstreams, in TLS where they want it.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::{Application, Protocol};
use crate::error::Error;
use crate::limits::Limits;

pub(super) type Connector = HttpsConnector<HttpConnector>;

pub(super) fn connector(application: &Application, limits: &Limits) -> Result<Connector, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_millis(limits.connect_ms)));
    let tls = tls(application)?;
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    Ok(match application.protocol {
        Protocol::Http1 => builder.enable_http1().wrap_connector(http),
        Protocol::Http2 => builder.enable_http2().wrap_connector(http),
    })
}

fn tls(application: &Application) -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore::empty();
    match &application.authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let fail = |why: rustls::pki_types::pem::Error| Error::file(path, why);
            for authority in CertificateDer::pem_file_iter(path).map_err(fail)? {
                let added = roots.add(authority.map_err(fail)?);
                added.map_err(|why| Error::file(path, why))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::configuration("TLS cannot be set up").because(why))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

//! TLS to PostgreSQL. A certificate is always verified.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// Trusts the certificates of this file, or the usual ones.
pub(super) fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, Error> {
    let mut trusted = RootCertStore::empty();
    match roots {
        None => trusted.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let faulty = |why: &dyn std::fmt::Display| {
                Error::refused(format!("sslrootcert {}: {why}", path.display()))
            };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|why| faulty(&why))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|why| faulty(&why))?;
                trusted.add(certificate).map_err(|why| faulty(&why))?;
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::refused(format!("TLS cannot be used: {why}")))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

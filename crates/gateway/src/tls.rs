//! TLS towards servers.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::Error;

/// How a client trusts servers: by the authorities of a PEM file, or by the public ones.
///
/// # Errors
/// The file cannot be read, or holds no authority that can be understood.
pub fn client(authorities: Option<&Path>) -> Result<rustls::ClientConfig, Error> {
    let mut roots = rustls::RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let fail = |why: rustls::pki_types::pem::Error| Error::file(path, why);
            for authority in CertificateDer::pem_file_iter(path).map_err(fail)? {
                let added = roots.add(authority.map_err(fail)?);
                added.map_err(|why| Error::file(path, why))?;
            }
            if roots.is_empty() {
                let why = "there is no certificate in it; it must hold authorities in PEM";
                return Err(Error::file(path, std::io::Error::other(why)));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::configuration("TLS cannot be set up").because(why))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

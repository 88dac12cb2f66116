//! How long the certificate of a service is still valid.

use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, Stream};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::{LOOK, connect};

/// Days until the first of the certificates in use is no longer valid. Who has signed it is not asked: services inside
/// have authorities of their own.
pub(super) fn days_left(address: &str) -> Result<i64, String> {
    let (host, _) = address
        .rsplit_once(':')
        .ok_or_else(|| format!("`{address}` must be `host:port`"))?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|why| format!("{address}: {why}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
        .with_no_client_auth();
    let mut stream = connect(address)?;
    for set in [
        std::net::TcpStream::set_read_timeout,
        std::net::TcpStream::set_write_timeout,
    ] {
        set(&stream, Some(LOOK)).map_err(|why| why.to_string())?;
    }
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(|why| why.to_string())?;
    // Nothing is sent but what the handshake needs.
    Stream::new(&mut connection, &mut stream)
        .flush()
        .map_err(|why| format!("{address}: {why}"))?;
    let chain = connection.peer_certificates().unwrap_or_default();
    let mut soonest = None;
    for der in chain {
        let certificate = Certificate::from_der(der)
            .map_err(|why| format!("{address}: cannot read its certificate: {why}"))?;
        let ends = certificate
            .tbs_certificate()
            .validity()
            .not_after
            .to_unix_duration();
        soonest = Some(soonest.map_or(ends, |other| ends.min(other)));
    }
    let ends = soonest.ok_or_else(|| format!("{address} shows no certificate"))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|why| why.to_string())?;
    let seconds = i128::from(ends.as_secs()) - i128::from(now.as_secs());
    i64::try_from(seconds.div_euclid(86400)).map_err(|why| why.to_string())
}

/// Takes any certificate, but holds the server to it.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! A certificate that ends soon fails its check before it fails people.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod gate;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use campaign::{Class, Probe};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection};

const DAY_S: i64 = 86_400;

/// A server whose certificate is valid for so long; where it answers.
fn server(left_s: i64) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ends_s = i64::try_from(now.as_secs()).unwrap() + left_s;
    let ends = Duration::from_secs(ends_s.try_into().unwrap());
    params.not_before = date_time_ymd(1970, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + ends;
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Whoever looks at a certificate goes away after the handshake.
            let _ = connection.complete_io(&mut stream.unwrap());
        }
    });
    format!("localhost:{}", address.port())
}

#[test]
fn a_certificate_that_ends_soon_fails_its_check() {
    let check = |address: &str, days| {
        let address = address.to_owned();
        gate::checked("certificate", Probe::Tls { address, days })
    };
    // An hour more than whole days, so that none ends meanwhile.
    let soon = server(20 * DAY_S + 3600);
    let done = check(&soon, 20).unwrap();
    assert_eq!(done.evidence, "certificate: valid for 20 more days");
    for (address, days, why) in [
        (soon, 21, "certificate: valid for 20 more days, not 21"),
        (
            server(3600 - DAY_S),
            0,
            "certificate: valid for -1 more days, not 0",
        ),
    ] {
        let failure = check(&address, days).unwrap_err();
        assert_eq!((failure.class, &*failure.excerpt), (Class::Check, why));
    }
    // What speaks no TLS is not well either.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", plain.local_addr().unwrap().port());
    std::thread::spawn(move || drop(plain.accept()));
    assert_eq!(check(&address, 0).unwrap_err().class, Class::Check);
}

//! TLS on both sides, HTTP/2 on both sides.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use engine::Plan;
use gateway::{Config, Protocol, Tls};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{PATIENCE, Upstream, ask, config, get, no_attack, start};

/// A certificate for `localhost` and its key, in files.
struct Identity {
    folder: tempfile::TempDir,
    certificate: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Self {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "app.example".to_owned()])
                .unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        Self {
            folder,
            certificate: made.cert.der().clone(),
        }
    }

    fn tls(&self) -> Tls {
        Tls {
            certificate: self.folder.path().join("cert.pem"),
            key: self.folder.path().join("key.pem"),
        }
    }

    async fn connect(&self, address: SocketAddr, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("app.example").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }

    async fn http2(&self, address: SocketAddr) -> http2::SendRequest<Full<Bytes>> {
        let stream = self.connect(address, b"h2").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }
}

fn with_tls(mut config: Config, identity: &Identity) -> Config {
    config.listen[0].tls = Some(identity.tls());
    config
}

fn request(method: &str, target: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("https://app.example{target}"))
        .body(Full::from(body))
        .unwrap()
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn http2_over_tls_is_served_and_inspected() {
    let identity = Identity::new();
    let upstream = Upstream::ok().await;
    let (running, address) =
        start(with_tls(config(upstream.address), &identity), no_attack()).await;
    let mut client = identity.http2(address).await;
    let mut fine = request("GET", "/a?q=1", "");
    fine.headers_mut().append("cookie", "a=b".parse().unwrap());
    fine.headers_mut().append("cookie", "c=d".parse().unwrap());
    let response = client.send_request(fine).await.unwrap();
    assert_eq!(
        (response.status(), response.version()),
        (StatusCode::OK, Version::HTTP_2)
    );
    assert_eq!(text(response).await, "ok");
    let got = upstream.got();
    for line in [
        "GET /a?q=1 HTTP/1.1\r\n",
        "host: app.example\r\n",
        "cookie: a=b; c=d\r\n",
        "x-forwarded-proto: https\r\n",
    ] {
        assert!(got.contains(line), "{line} {got}");
    }
    let response = client
        .send_request(request("POST", "/", "q=fine"))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    for attack in [
        request("GET", "/?q=attack", ""),
        request("POST", "/", "q=attack"),
    ] {
        let response = client.send_request(attack).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    assert!(!upstream.got().contains("attack"));
    running.stop().await;
}

#[tokio::test]
async fn http2_requests_that_read_two_ways_are_refused() {
    let identity = Identity::new();
    let upstream = Upstream::ok().await;
    let (running, address) =
        start(with_tls(config(upstream.address), &identity), Plan::empty()).await;
    let mut client = identity.http2(address).await;
    for (name, value) in [
        ("host", "other.example"),
        ("content_length", "5"),
        ("x_forwarded_for", "9.9.9.9"),
    ] {
        let mut bad = request("GET", "/", "");
        bad.headers_mut().insert(name, value.parse().unwrap());
        let response = client.send_request(bad).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(upstream.got(), "");
    running.stop().await;
}

#[tokio::test]
async fn http1_over_tls_is_served() {
    let identity = Identity::new();
    let upstream = Upstream::ok().await;
    let (running, address) =
        start(with_tls(config(upstream.address), &identity), no_attack()).await;
    let stream = identity.connect(address, b"http/1.1").await;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut fine = request("GET", "/", "");
    fine.headers_mut()
        .insert("host", "app.example".parse().unwrap());
    assert_eq!(
        client.send_request(fine).await.unwrap().status(),
        StatusCode::OK
    );
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn slow_clients_of_tls_do_not_starve_others_and_are_ended() {
    let identity = Identity::new();
    let upstream = Upstream::ok().await;
    let mut slow = with_tls(config(upstream.address), &identity);
    slow.limits.head_ms = 1000;
    let (running, address) = start(slow, no_attack()).await;
    let mut silent = Vec::new();
    for count in 0..60 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Nothing, or the start of a handshake.
        let start: &[u8] = if count % 2 == 0 {
            b""
        } else {
            &[22, 3, 1, 1, 0, 1]
        };
        stream.write_all(start).await.unwrap();
        silent.push(stream);
    }
    let mut halfway = Vec::new();
    for _ in 0..20 {
        let mut stream = identity.connect(address, b"http/1.1").await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: app.")
            .await
            .unwrap();
        halfway.push(stream);
    }
    // It speaks HTTP/2 and then asks for nothing.
    let mut idle = identity.http2(address).await;
    let mut client = identity.http2(address).await;
    for _ in 0..20 {
        let response = client.send_request(request("GET", "/", "")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    let mut space = Vec::new();
    for mut stream in silent {
        // Ended, with an alert or without.
        let ended = timeout(PATIENCE, stream.read_to_end(&mut space)).await;
        assert!(ended.is_ok(), "a silent client is still connected");
    }
    for mut stream in halfway {
        let ended = timeout(PATIENCE, stream.read_to_end(&mut space)).await;
        assert!(
            ended.is_ok(),
            "a client that sends half a head is still connected"
        );
    }
    let closed = async {
        while idle.ready().await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, closed).await.unwrap();
    running.stop().await;
}

/// An upstream of TLS, or HTTP/2, that says what it was asked.
async fn echo(identity: Option<&Identity>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = identity.map(|identity| {
        use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
        let key = PrivateKeyDer::from_pem_file(identity.folder.path().join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], key)
            .unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    });
    let service = service_fn(async |request: Request<hyper::body::Incoming>| {
        let said = format!("{:?} {}", request.version(), request.uri());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = format!("{said} {}", String::from_utf8_lossy(&body));
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from(text)))
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match &acceptor {
                None => {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
                }
                Some(acceptor) => {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        continue;
                    };
                    let builder = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn upstreams_speak_http2_where_configured() {
    let upstream = echo(None).await;
    let mut config = config(upstream);
    config.application[0].protocol = Protocol::Http2;
    let (running, address) = start(config, no_attack()).await;
    for _ in 0..2 {
        let body = ask(address, get("/a")).await.body;
        assert!(body.contains("HTTP/2.0 http://app.example/a "), "{body}");
    }
    let body = ask(address, crate::support::post("q=1")).await.body;
    assert!(body.contains("q=1"), "{body}");
    running.stop().await;
}

#[tokio::test]
async fn upstreams_of_tls_must_be_signed_by_the_configured_authority() {
    let identity = Identity::new();
    let upstream = echo(Some(&identity)).await;
    let url = format!("https://localhost:{}", upstream.port());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let pem = identity.folder.path().join("cert.pem");
    for (authorities, expected) in [(Some(pem), 200), (None, 502)] {
        let mut config = Config::for_one(listen, &url).unwrap();
        config.application[0].authorities = authorities;
        let (running, address) = start(config, Plan::empty()).await;
        assert_eq!(ask(address, get("/a")).await.status, expected);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_named() {
    let mut config = config(SocketAddr::from(([127, 0, 0, 1], 1)));
    config.listen[0].tls = Some(Tls {
        certificate: Path::new("/nowhere/cert.pem").to_owned(),
        key: Path::new("/nowhere/key.pem").to_owned(),
    });
    let Err(error) = gateway::Gateway::start(config, Plan::empty()).await else {
        panic!("it started");
    };
    assert!(error.is_configuration());
    assert_eq!(error.to_string(), "cannot read /nowhere/cert.pem");
}

//! Connections: accepted, bounded, served, ended.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::config::{Listen, Network, Role, Tls};
use crate::error::Error;
use crate::proxy::Proxy;
use crate::sniff::{Signals, Sniffed};
use crate::timers::{Apart, Spare};
use crate::{ext_proc, spoe};

/// What is known of one client connection.
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) is_tls: bool,
    /// The peer is a proxy whose forwarding headers are believed.
    pub(crate) is_trusted: bool,
    /// Who forwards what comes on it.
    pub(crate) role: Role,
    /// The peer's IP address as a header value.
    pub(crate) peer_value: HeaderValue,
    pub(crate) signals: Arc<Signals>,
    /// True as soon as the gateway stops.
    pub(crate) stop: watch::Receiver<bool>,
    /// Bounds the wait for a response.
    pub(crate) patience: Spare,
    requests: AtomicU64,
    /// The last request that this connection may make has come.
    full: Notify,
    /// Given back when the connection, and a tunnel made of it, has ended.
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// The client: the peer or, behind trusted proxies, the last address before them.
    pub(crate) fn client(&self, headers: &HeaderMap, trusted: &[Network]) -> SocketAddr {
        if !self.is_trusted {
            return self.peer;
        }
        let name = HeaderName::from_static("x-forwarded-for");
        let lines: Vec<&str> = headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .collect();
        let known = lines.iter().rev().flat_map(|line| line.rsplit(','));
        let mut client = self.peer;
        for address in known.map_while(|each| each.trim().parse::<IpAddr>().ok()) {
            client = SocketAddr::new(address, 0);
            if !trusted.iter().any(|network| network.contains(address)) {
                break;
            }
        }
        client
    }
}

/// One address, listening.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) role: Role,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Server {
    /// Serves until `stop`; then lets the connections end their requests, and ends those that
    /// take too long.
    pub(crate) async fn run(self) {
        let mut connections = JoinSet::new();
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer, permit)) => {
                    let connection = self.connection(&stream, peer, permit);
                    let proxy = Arc::clone(&self.proxy);
                    let tls = self.tls.clone();
                    connections.spawn(async move {
                        proxy.metrics.connected(1);
                        let guard = Gauge(&proxy);
                        if let Err(why) = serve(&proxy, tls, stream, connection).await {
                            tracing::debug!(%peer, "a connection ended: {why}");
                        }
                        drop(guard);
                    });
                }
                Err(why) => {
                    // Without descriptors, accepting fails until some connection ends.
                    tracing::warn!("a connection cannot be accepted: {why}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(self.listener);
        let grace = Duration::from_millis(self.proxy.limits.stop_ms);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, all).await.is_err() {
            connections.shutdown().await;
        }
    }

    /// Waits for room first: what comes meanwhile stays in the listen queue.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.room)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer, permit))
    }

    fn connection(
        &self,
        stream: &TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> Arc<Connection> {
        let ip = peer.ip().to_canonical();
        let trusted = &self.proxy.trusted;
        let forwards = self.role == Role::Proxy;
        Arc::new(Connection {
            peer,
            local: stream.local_addr().unwrap_or(peer),
            is_tls: self.tls.is_some(),
            is_trusted: !forwards || trusted.iter().any(|network| network.contains(ip)),
            role: self.role,
            peer_value: HeaderValue::from_str(&ip.to_string())
                .unwrap_or(HeaderValue::from_static("unknown")),
            signals: Arc::default(),
            stop: self.stop.clone(),
            patience: Spare::default(),
            requests: AtomicU64::new(0),
            full: Notify::new(),
            _permit: permit,
        })
    }
}

/// Counts a connection down when it ends, however it ends.
struct Gauge<'a>(&'a Proxy);

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.metrics.connected(-1);
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    proxy: &Arc<Proxy>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    connection: Arc<Connection>,
) -> Result<(), BoxError> {
    let Some(tls) = tls else {
        return serve_in(proxy, stream, connection, false).await;
    };
    let patience = Duration::from_millis(proxy.limits.head_ms);
    let stream = timeout(patience, tls.accept(stream)).await??;
    let chose_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    serve_in(proxy, stream, connection, chose_http2).await
}

/// Serves in the protocol of the connection's role.
async fn serve_in(
    proxy: &Arc<Proxy>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Arc<Connection>,
    chose_http2: bool,
) -> Result<(), BoxError> {
    match connection.role {
        Role::ExtProc => {
            let shared = (Arc::clone(proxy), Arc::clone(&connection));
            let service = move |request| {
                let (proxy, connection) = shared.clone();
                count(&proxy, &connection);
                ext_proc::answer(proxy, connection, request)
            };
            serve_http2(proxy, stream, connection, service).await
        }
        Role::Spoe => Ok(spoe::serve(proxy, stream, &connection).await?),
        Role::Proxy | Role::ForwardAuth if chose_http2 => {
            let shared = (Arc::clone(proxy), Arc::clone(&connection));
            let service = move |request| {
                let (proxy, connection) = shared.clone();
                async move { answer(&proxy, &connection, request).await }
            };
            serve_http2(proxy, stream, connection, service).await
        }
        Role::Proxy | Role::ForwardAuth => serve_http1(proxy, stream, connection).await,
    }
}

async fn serve_http1(
    proxy: &Arc<Proxy>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Arc<Connection>,
) -> Result<(), BoxError> {
    let limits = &proxy.limits;
    let stream = Sniffed::new(
        stream,
        Arc::clone(&connection.signals),
        Some(limits.head_bytes),
        Duration::from_millis(limits.write_idle_ms),
    );
    let mut builder = http1::Builder::new();
    builder
        .timer(Spare::default())
        .header_read_timeout(Duration::from_millis(limits.head_ms))
        .max_buf_size(limits.head_bytes);
    // PERF: hyper keeps up to 100 headers on the stack if it is not told otherwise.
    if limits.headers != 100 {
        builder.max_headers(limits.headers);
    }
    let service = service_fn(|request| answer(proxy, &connection, request));
    let served = builder.serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served.with_upgrades());
    let mut stop = connection.stop.clone();
    let ending = std::pin::pin!(ending(&connection, &mut stop));
    let outcome = tokio::select! {
        biased;
        outcome = served.as_mut() => outcome,
        () = Apart::new(ending) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if connection.signals.refused.load(Ordering::Acquire) {
        proxy.metrics.failed("framing");
    }
    Ok(outcome?)
}

async fn serve_http2<B, E, F>(
    proxy: &Arc<Proxy>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Arc<Connection>,
    service: impl Fn(Request<Incoming>) -> F + Send,
) -> Result<(), BoxError>
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
    E: Into<BoxError>,
    F: Future<Output = Result<http::Response<B>, E>> + Send + 'static,
{
    let limits = &proxy.limits;
    let write_idle = Duration::from_millis(limits.write_idle_ms);
    let signals = Arc::clone(&connection.signals);
    let stream = Sniffed::new(stream, signals, None, write_idle);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_millis(limits.head_ms)))
        .keep_alive_timeout(Duration::from_millis(limits.head_ms));
    let service = service_fn(service);
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut stop = connection.stop.clone();
    tokio::select! {
        outcome = served.as_mut() => return Ok(outcome?),
        () = ending(&connection, &mut stop) => served.as_mut().graceful_shutdown(),
        () = idle(&connection, Duration::from_millis(limits.head_ms)) => {
            served.as_mut().graceful_shutdown();
        }
    }
    Ok(served.await?)
}

async fn answer(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Result<http::Response<crate::body::Body>, crate::proxy::Dropped> {
    count(proxy, connection);
    proxy.serve(connection, request).await
}

fn count(proxy: &Proxy, connection: &Connection) {
    let before = connection.requests.fetch_add(1, Ordering::Relaxed);
    if before + 1 == proxy.limits.connection_requests {
        connection.full.notify_one();
    }
}

/// Waits until the connection should take no more requests.
async fn ending(connection: &Connection, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = connection.full.notified() => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Waits until no request has come for the time given. Requests under way are not cut off:
/// what follows is a graceful end.
async fn idle(connection: &Connection, time: Duration) {
    let mut known = connection.requests.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(time).await;
        let now = connection.requests.load(Ordering::Relaxed);
        if now == known {
            return;
        }
        known = now;
    }
}

/// Binds an address and reads its certificate.
pub(crate) async fn bind(listen: &Listen) -> Result<(TcpListener, Option<TlsAcceptor>), Error> {
    let tls = listen.tls.as_ref().map(acceptor).transpose()?;
    Ok((bind_address(listen.address).await?, tls))
}

/// Binds an address.
pub(crate) async fn bind_address(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|why| Error::system(format!("cannot listen on {address}"), why))
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    let fail = |why: rustls::pki_types::pem::Error| Error::file(&tls.certificate, why);
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .map_err(fail)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|why| Error::file(&tls.key, why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| Error::configuration("TLS cannot be set up").because(why))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|why| {
            let place = tls.certificate.display();
            Error::configuration(format!("{place} and its key cannot be used")).because(why)
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

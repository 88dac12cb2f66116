//! To the upstream and back: which one, what it is told, and what connections are kept.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, TE, UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::Instant;
use tower_service::Service;

use crate::body::{Arrival, Body, BodyError};
use crate::config::{Application, Protocol, UpstreamUrl};
use crate::error::Error;
use crate::halt::Halt;
use crate::limits::Limits;
use crate::server::Connection;
use crate::timers::Spare;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How long an upstream that could not be reached is passed over while another is there.
const REST: Duration = Duration::from_secs(2);

/// The upstreams of one application.
pub(crate) struct Upstreams {
    list: Box<[Upstream]>,
    next: AtomicUsize,
    response: Duration,
    begin: Instant,
}

struct Upstream {
    scheme: Scheme,
    authority: Authority,
    sender: Sender,
    /// Milliseconds after `Upstreams::begin` until which it is passed over.
    resting: AtomicU64,
}

type Connector = HttpsConnector<HttpConnector>;

enum Sender {
    Http1(Box<Client<Connector, Body>>),
    Http2(Http2),
}

/// One connection, opened anew when it is closed.
struct Http2 {
    connector: Connector,
    open: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
}

impl Upstreams {
    pub(crate) fn new(application: &Application, limits: &Limits) -> Result<Self, Error> {
        let connector = connector(application, limits)?;
        let upstream = |url: &UpstreamUrl| {
            let uri = url.uri();
            Some(Upstream {
                scheme: uri.scheme()?.clone(),
                authority: uri.authority()?.clone(),
                sender: match application.protocol {
                    Protocol::Http1 => Sender::Http1(Box::new(http1(connector.clone(), limits))),
                    Protocol::Http2 => Sender::Http2(Http2 {
                        connector: connector.clone(),
                        open: tokio::sync::Mutex::default(),
                    }),
                },
                resting: AtomicU64::new(0),
            })
        };
        Ok(Self {
            list: application.upstreams.iter().filter_map(upstream).collect(),
            next: AtomicUsize::new(0),
            response: Duration::from_millis(limits.response_ms),
            begin: Instant::now(),
        })
    }

    /// Sends a prepared request and waits for the head of the response. Where there are several
    /// upstreams and the body is at hand, one that cannot be reached gives way to the next.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        patience: &Spare,
    ) -> Result<Response<Incoming>, Halt> {
        let mut attempts = self.list.len();
        loop {
            let again = match attempts {
                0 | 1 => None,
                _ => again(&request),
            };
            attempts = attempts.saturating_sub(1);
            let Some(upstream) = self.choose() else {
                let why = "no upstream".to_owned();
                return Err(Halt::Upstream(StatusCode::BAD_GATEWAY, why));
            };
            let arrival = request.body_mut().arrival();
            upstream.address(&mut request)?;
            let sent = upstream.send(request);
            match (self.wait(upstream, sent, arrival, patience).await, again) {
                (Ok(response), _) => return Ok(response),
                (Err(Failure::Unreached(_)), Some(spare)) => request = spare,
                (Err(Failure::Unreached(why)), None) => {
                    return Err(Halt::Upstream(StatusCode::BAD_GATEWAY, why));
                }
                (Err(Failure::Halt(halt)), _) => return Err(halt),
            }
        }
    }

    async fn wait(
        &self,
        upstream: &Upstream,
        mut sent: Sent<'_>,
        arrival: Option<Arrival>,
        patience: &Spare,
    ) -> Result<Response<Incoming>, Failure> {
        let mut timer = patience.until(Instant::now() + self.response);
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = &mut sent => Some(outcome),
                () = &mut timer => None,
            };
            match outcome {
                Some(Err(Failure::Unreached(why))) => {
                    let until = self.begin.elapsed() + REST;
                    let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                    upstream.resting.store(until, Ordering::Relaxed);
                    return Err(Failure::Unreached(why));
                }
                Some(outcome) => return outcome,
                // The client still sends, within its own times.
                None if arrival.as_ref().is_some_and(|arrived| !arrived.is()) => {
                    timer.reset(Instant::now() + self.response);
                }
                None => {
                    let why = "no response in time".to_owned();
                    let halt = Halt::Upstream(StatusCode::GATEWAY_TIMEOUT, why);
                    return Err(Failure::Halt(halt));
                }
            }
        }
    }

    /// In turn; one that could not be reached lately only if all could not.
    fn choose(&self) -> Option<&Upstream> {
        if let [only] = &*self.list {
            return Some(only);
        }
        let now = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.list.len().max(1);
        let (before, from) = self.list.split_at_checked(turn)?;
        from.iter()
            .chain(before)
            .find(|each| each.resting.load(Ordering::Relaxed) <= now)
            .or_else(|| from.first())
    }
}

/// The same request once more, if all of its body is here.
fn again(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// A response to come.
///
/// PERF: a request of 400 bytes is moved at each `async fn` that it is given to; this is none.
enum Sent<'a> {
    Http1(ResponseFuture),
    Http2(Pin<Box<dyn Future<Output = Result<Response<Incoming>, Failure>> + Send + 'a>>),
}

impl Future for Sent<'_> {
    type Output = Result<Response<Incoming>, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Http1(response) => Pin::new(response).poll(cx).map_err(|why| {
                let unreached = why.is_connect();
                failure(&why, unreached)
            }),
            Self::Http2(response) => response.as_mut().poll(cx),
        }
    }
}

impl Upstream {
    fn send(&self, request: Request<Body>) -> Sent<'_> {
        match &self.sender {
            Sender::Http1(client) => Sent::Http1(client.request(request)),
            Sender::Http2(sender) => Sent::Http2(Box::pin(sender.send(self, request))),
        }
    }

    /// Makes it a request to this upstream.
    fn address(&self, request: &mut Request<Body>) -> Result<(), Halt> {
        let target = self.target(request.uri(), request.headers());
        *request.uri_mut() = target.ok_or_else(|| {
            let why = "the target cannot be forwarded".to_owned();
            Halt::Upstream(StatusCode::BAD_GATEWAY, why)
        })?;
        match &self.sender {
            Sender::Http1(_) => {
                *request.version_mut() = Version::HTTP_11;
                if !request.headers().contains_key(HOST)
                    && let Ok(host) = HeaderValue::from_str(self.authority.as_str())
                {
                    request.headers_mut().insert(HOST, host);
                }
            }
            Sender::Http2(_) => {
                *request.version_mut() = Version::HTTP_2;
                request.headers_mut().remove(HOST);
            }
        }
        Ok(())
    }

    fn target(&self, uri: &Uri, headers: &HeaderMap) -> Option<Uri> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        let named = match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(_) => headers.get(HOST),
        };
        parts.authority = Some(match named {
            Some(host) => Authority::try_from(host.as_bytes()).ok()?,
            None => self.authority.clone(),
        });
        parts.path_and_query = Some(
            uri.path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
        );
        Uri::from_parts(parts).ok()
    }
}

enum Failure {
    /// Nothing was sent.
    Unreached(String),
    Halt(Halt),
}

/// What went wrong: the client's body, or the upstream.
fn failure(why: &(dyn std::error::Error + 'static), unreached: bool) -> Failure {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(each) = cause {
        if let Some(body) = each.downcast_ref::<BodyError>() {
            return Failure::Halt(body.into());
        }
        text = format!("{text}: {each}");
        cause = each.source();
    }
    if unreached {
        Failure::Unreached(text)
    } else {
        Failure::Halt(Halt::Upstream(StatusCode::BAD_GATEWAY, text))
    }
}

impl Http2 {
    async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut sender = self.sender(upstream).await.map_err(Failure::Unreached)?;
        sender
            .send_request(request)
            .await
            .map_err(|why| failure(&why, false))
    }

    async fn sender(&self, upstream: &Upstream) -> Result<http2::SendRequest<Body>, String> {
        let mut open = self.open.lock().await;
        if let Some(sender) = &*open
            && !sender.is_closed()
        {
            return Ok(sender.clone());
        }
        let uri = Uri::builder()
            .scheme(upstream.scheme.clone())
            .authority(upstream.authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|why| why.to_string())?;
        let stream = self
            .connector
            .clone()
            .call(uri)
            .await
            .map_err(|why| why.to_string())?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(20)))
            .handshake(stream)
            .await
            .map_err(|why| why.to_string())?;
        tokio::spawn(async move {
            if let Err(why) = connection.await {
                tracing::debug!("an upstream connection ended: {why}");
            }
        });
        *open = Some(sender.clone());
        Ok(sender)
    }
}

fn http1(connector: Connector, limits: &Limits) -> Client<Connector, Body> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(limits.upstream_idle_ms))
        .pool_max_idle_per_host(limits.upstream_idle)
        .set_host(false)
        .build(connector)
}

fn connector(application: &Application, limits: &Limits) -> Result<Connector, Error> {
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

/// Makes a request's headers those of the next hop.
///
/// `Host` stays. Only WebSocket may upgrade: another protocol, such as `h2c`, would carry
/// requests past inspection.
pub(crate) fn prepare(
    headers: &mut HeaderMap,
    host: Option<HeaderValue>,
    connection: &Connection,
    tunnel: bool,
    uncompressed: bool,
) {
    // PERF: one look at the names is cheaper than a search by hash for each.
    let (mut hop, mut expect, mut forwarded) = (false, false, false);
    for name in headers.keys() {
        match name.as_str() {
            "expect" => expect = true,
            "forwarded" => forwarded = true,
            name => hop |= is_hop(name),
        }
    }
    if hop {
        let trailers = headers
            .get(TE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
        hop_by_hop(headers);
        if trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
    if expect {
        headers.remove(EXPECT);
    }
    if tunnel {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    if uncompressed {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let known = connection.is_trusted.then(|| {
        let lines = headers.get_all(&FORWARDED_FOR).iter();
        lines.map(HeaderValue::as_bytes).collect::<Vec<_>>()
    });
    let client = match known {
        Some(mut known) if !known.is_empty() => {
            known.push(connection.peer_value.as_bytes());
            HeaderValue::from_bytes(&known.join(&b", "[..])).ok()
        }
        _ => None,
    };
    if forwarded && !connection.is_trusted {
        headers.remove(FORWARDED);
    }
    headers.insert(
        FORWARDED_FOR,
        client.unwrap_or_else(|| connection.peer_value.clone()),
    );
    let believed = |name| connection.is_trusted && headers.contains_key(name);
    let (host_known, proto_known) = (believed(&FORWARDED_HOST), believed(&FORWARDED_PROTO));
    if !host_known {
        match host {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
    if !proto_known {
        let proto = if connection.is_tls { "https" } else { "http" };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
}

/// Removes what is meant for one hop only, and what `Connection` names. It cannot name away
/// what the application decides by.
pub(crate) fn hop_by_hop(headers: &mut HeaderMap) {
    const KEEP: [HeaderName; 4] = [HOST, CONTENT_LENGTH, COOKIE, http::header::AUTHORIZATION];
    if !headers.keys().any(|name| is_hop(name.as_str())) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| !KEEP.contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
    while let Some(name) = headers.keys().find(|name| is_hop(name.as_str())).cloned() {
        headers.remove(name);
    }
}

fn is_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

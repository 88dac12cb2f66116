//! To the upstream and back: which one, and how long it is waited for.

mod connect;
mod http1;
mod http2;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ::http::header::HOST;
use ::http::uri::{Authority, PathAndQuery, Scheme};
use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use tokio::time::Instant;

use crate::body::{Arrival, Body, BodyError, UpstreamBody};
use crate::config::{Application, Protocol, UpstreamUrl};
use crate::error::Error;
use crate::halt::Halt;
use crate::limits::Limits;
use crate::timers::Spare;
use connect::connector;
use http1::Http1;
use http2::Http2;

pub(crate) use http1::Lease;

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

enum Sender {
    Http1(Http1),
    Http2(Http2),
}

type Answer = Result<Response<UpstreamBody>, Failure>;

impl Upstreams {
    pub(crate) fn new(application: &Application, limits: &Limits) -> Result<Self, Error> {
        let connector = connector(application, limits)?;
        let upstream = |url: &UpstreamUrl| {
            let uri = url.uri();
            let connector = connector.clone();
            Some(Upstream {
                scheme: uri.scheme()?.clone(),
                authority: uri.authority()?.clone(),
                sender: match application.protocol {
                    Protocol::Http1 => Sender::Http1(Http1::new(connector, uri.clone(), limits)),
                    Protocol::Http2 => Sender::Http2(Http2::new(connector, uri.clone())),
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
    ) -> Result<Response<UpstreamBody>, Halt> {
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
            let answer = match &upstream.sender {
                Sender::Http1(sender) => {
                    let sent = pin!(sender.send(request));
                    self.wait(sent, arrival, patience).await
                }
                Sender::Http2(sender) => {
                    let sent = Box::pin(sender.send(request));
                    self.wait(sent, arrival, patience).await
                }
            };
            match (answer, again) {
                (Ok(response), _) => return Ok(response),
                (Err(Failure::Unreached(why)), again) => {
                    self.rest(upstream);
                    match again {
                        Some(spare) => request = spare,
                        None => return Err(Halt::Upstream(StatusCode::BAD_GATEWAY, why)),
                    }
                }
                (Err(Failure::Halt(halt)), _) => return Err(halt),
            }
        }
    }

    async fn wait(
        &self,
        mut sent: impl Future<Output = Answer> + Unpin,
        arrival: Option<Arrival>,
        patience: &Spare,
    ) -> Answer {
        let mut timer = patience.until(Instant::now() + self.response);
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = &mut sent => Some(outcome),
                () = &mut timer => None,
            };
            match outcome {
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

    fn rest(&self, upstream: &Upstream) {
        let until = self.begin.elapsed() + REST;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        upstream.resting.store(until, Ordering::Relaxed);
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

impl Upstream {
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
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut parts = ::http::uri::Parts::default();
        parts.path_and_query = Some(path);
        if let Sender::Http2(_) = &self.sender {
            parts.scheme = Some(self.scheme.clone());
            parts.authority = Some(match headers.get(HOST) {
                Some(host) => Authority::try_from(host.as_bytes()).ok()?,
                None => self.authority.clone(),
            });
        }
        Uri::from_parts(parts).ok()
    }
}

enum Failure {
    /// Nothing was sent.
    Unreached(String),
    Halt(Halt),
}

/// What went wrong: the client's body, or the upstream.
fn failure(why: &(dyn std::error::Error + 'static)) -> Failure {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(each) = cause {
        if let Some(body) = each.downcast_ref::<BodyError>() {
            return Failure::Halt(body.into());
        }
        text = format!("{text}: {each}");
        cause = each.source();
    }
    Failure::Halt(Halt::Upstream(StatusCode::BAD_GATEWAY, text))
}

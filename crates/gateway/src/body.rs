//! The one body type: what was held, then what still comes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::Limits;
use crate::upstream::Lease;

/// A body on its way: bytes that are here, then the rest as it comes.
#[derive(Debug, Default)]
pub(crate) struct Body {
    first: Option<Bytes>,
    rest: Rest,
}

#[derive(Debug, Default)]
pub(crate) enum Rest {
    #[default]
    None,
    Client(ClientBody),
    Upstream(UpstreamBody),
}

impl Body {
    pub(crate) fn new(first: Bytes, rest: Rest) -> Self {
        let first = (!first.is_empty()).then_some(first);
        Self { first, rest }
    }
}

impl Body {
    /// What of it is here.
    pub(crate) fn start(&self) -> Bytes {
        self.first.clone().unwrap_or_default()
    }

    /// The same body once more, if all of it is here.
    pub(crate) fn again(&self) -> Option<Self> {
        let whole = match &self.rest {
            Rest::None => true,
            Rest::Client(body) => body.incoming.is_end_stream(),
            Rest::Upstream(_) => false,
        };
        whole.then(|| Self {
            first: self.first.clone(),
            rest: Rest::None,
        })
    }

    /// Reads on to its end, or to so many bytes.
    pub(crate) async fn skip(mut self, most: usize) {
        let mut read = 0;
        while read <= most
            && let Some(Ok(frame)) = self.frame().await
        {
            read += frame.data_ref().map_or(0, Bytes::len);
        }
    }

    /// Tells later whether a client's body has arrived; none: it is here.
    pub(crate) fn arrival(&mut self) -> Option<Arrival> {
        match &mut self.rest {
            Rest::Client(body) if !body.incoming.is_end_stream() => {
                Some(body.arrival.get_or_insert_default().clone())
            }
            _ => None,
        }
    }
}

/// Whether a client's body has arrived, whole or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrival(Arc<AtomicBool>);

impl Arrival {
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Whether all of a client's body was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct End(Arc<AtomicBool>);

impl End {
    pub(crate) fn was_read(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<ClientBody> for Body {
    fn from(body: ClientBody) -> Self {
        Self::new(Bytes::new(), Rest::Client(body))
    }
}

impl From<UpstreamBody> for Body {
    fn from(body: UpstreamBody) -> Self {
        Self::new(Bytes::new(), Rest::Upstream(body))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::new(text.into(), Rest::None)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.rest {
            Rest::None => Poll::Ready(None),
            Rest::Client(body) => Pin::new(body).poll_frame(cx),
            Rest::Upstream(body) => Pin::new(body).poll_frame(cx).map_err(BodyError::Malformed),
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest = match &self.rest {
            Rest::None => true,
            Rest::Client(body) => body.is_end_stream(),
            Rest::Upstream(body) => body.is_end_stream(),
        };
        self.first.is_none() && rest
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.rest {
            Rest::None => SizeHint::with_exact(0),
            Rest::Client(body) => body.size_hint(),
            Rest::Upstream(body) => body.size_hint(),
        };
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}

/// Why a body does not arrive.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// Its next bytes, or its end, came too late.
    TimedOut,
    /// The connection broke, or its framing is wrong.
    Malformed(hyper::Error),
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the body came too slowly",
            Self::Malformed(_) => "the body did not arrive whole",
        })
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TimedOut => None,
            Self::Malformed(source) => Some(source),
        }
    }
}

/// A response's body, and the connection that it comes on, if that is to be used again.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

impl From<Incoming> for UpstreamBody {
    fn from(incoming: Incoming) -> Self {
        Self {
            incoming,
            lease: None,
        }
    }
}

impl UpstreamBody {
    /// Gives the connection back at its end; a body that is not read to its end closes it.
    pub(crate) fn leased(incoming: Incoming, lease: Lease) -> Self {
        let mut body = Self {
            incoming,
            lease: Some(lease),
        };
        body.end(false);
        body
    }

    fn end(&mut self, ended: bool) {
        if (ended || self.incoming.is_end_stream())
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl http_body::Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        if !matches!(frame, Some(Err(_))) {
            self.end(frame.is_none());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A request's body as the client sends it, within its times; trailers, which nobody has
/// inspected, are left out.
#[derive(Debug)]
pub(crate) struct ClientBody {
    incoming: Incoming,
    idle: Duration,
    total: Duration,
    /// Counted from the first wait: most bodies are never waited for.
    end: Option<Instant>,
    /// Made when the body is first waited for, set anew at each wait.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    arrival: Option<Arrival>,
    read: Option<End>,
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if let Some(Arrival(arrived)) = &self.arrival {
            arrived.store(true, Ordering::Release);
        }
    }
}

impl ClientBody {
    pub(crate) fn new(incoming: Incoming, limits: &Limits) -> Self {
        Self {
            incoming,
            idle: Duration::from_millis(limits.body_idle_ms),
            total: Duration::from_millis(limits.body_total_ms),
            end: None,
            timer: None,
            waiting: false,
            arrival: None,
            read: None,
        }
    }

    /// Tells later whether all of it was read.
    pub(crate) fn end(&mut self) -> End {
        let end = End::default();
        end.0.store(self.is_end_stream(), Ordering::Relaxed);
        self.read.insert(end).clone()
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (total, idle, end) = (self.total, self.idle, &mut self.end);
        let mut due = || {
            let now = Instant::now();
            let end = *end.get_or_insert(now + total);
            end.min(now + idle)
        };
        let timer = match &mut self.timer {
            Some(timer) => timer,
            None => {
                self.waiting = true;
                self.timer.insert(Box::pin(sleep_until(due())))
            }
        };
        if !self.waiting {
            timer.as_mut().reset(due());
            self.waiting = true;
        }
        timer.as_mut().poll(cx)
    }
}

impl http_body::Body for ClientBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            let Poll::Ready(next) = Pin::new(&mut this.incoming).poll_frame(cx) else {
                ready!(this.poll_timer(cx));
                return Poll::Ready(Some(Err(BodyError::TimedOut)));
            };
            this.waiting = false;
            if let Some(End(read)) = &this.read
                && (next.is_none() || this.incoming.is_end_stream())
            {
                read.store(true, Ordering::Relaxed);
            }
            match next {
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(why)) => return Poll::Ready(Some(Err(BodyError::Malformed(why)))),
                None => {
                    if let Some(Arrival(arrived)) = &this.arrival {
                        arrived.store(true, Ordering::Release);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

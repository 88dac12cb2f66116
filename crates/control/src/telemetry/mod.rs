//! What the control side tells of itself: metrics, on an address of their own, and what is
//! logged of each call.

mod calls;
mod ledger;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::Error;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;
use wire::Exposition;

use crate::problem::{Kind, Problem};
use crate::serve::Service;
use crate::telling::Deliveries;
use calls::Calls;

/// Scrapes that are worked on at one time.
const SCRAPES: usize = 4;
/// Names a call, to whoever asks about it later.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// An id that is taken from callers, in bytes.
const ID_BYTES: usize = 128;

/// What is counted while the control side runs.
pub(crate) struct Telemetry {
    calls: Calls,
    pub(crate) deliveries: Deliveries,
    /// The last change that was there at the start.
    began: AtomicI64,
    /// When all that was due had been done last; 0: not yet.
    due_done_ms: AtomicI64,
    scrapes: Semaphore,
    /// Where ids begin, which differs in each process, and how many there were.
    ids: (u64, AtomicU64),
    /// Whether callers name their calls: whoever stands before them.
    believes_ids: AtomicBool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            calls: Calls::default(),
            deliveries: Deliveries::default(),
            began: AtomicI64::new(0),
            due_done_ms: AtomicI64::new(0),
            scrapes: Semaphore::new(SCRAPES),
            ids: (RandomState::new().hash_one(()), AtomicU64::new(0)),
            believes_ids: AtomicBool::new(false),
        }
    }
}

impl Telemetry {
    /// Changes are counted from here on.
    pub(crate) fn begin(&self, service: &Service) -> Result<(), Error> {
        let change = service.store.read(|it| it.last_change())?;
        self.began.store(change, Ordering::Relaxed);
        self.due_done(service.now_ms());
        Ok(())
    }

    /// From now on calls are known by the `X-Request-Id` that they bring.
    pub(crate) fn believe_ids(&self) {
        self.believes_ids.store(true, Ordering::Relaxed);
    }

    fn id(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let plain = |id: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
            (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(plain)
        };
        let believed = self.believes_ids.load(Ordering::Relaxed);
        if let Some(id) = given.filter(plain).filter(|_| believed) {
            return id.to_owned();
        }
        let (from, count) = &self.ids;
        let number = from.wrapping_add(count.fetch_add(1, Ordering::Relaxed));
        format!("{number:016x}")
    }

    /// All that was due is done.
    pub(crate) fn due_done(&self, now_ms: i64) {
        self.due_done_ms.store(now_ms, Ordering::Relaxed);
    }
}

/// Gives a call its id, counts it, and logs it where it has changed something or failed.
pub(crate) async fn watch(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = calls::method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    // Whatever else is asked for is one, or callers could make up as many as they like.
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let id = service.telemetry.id(request.headers());
    let span = tracing::info_span!("call", request_id = &*id, method, route, status = Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    service.telemetry.calls.count(method, route, status, took);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match (method, status) {
        (_, 500..) => tracing::error!(status, took_ms, "answered"),
        ("GET" | "HEAD", ..400) => tracing::debug!(status, took_ms, "answered"),
        // Each of an ingress point's, again and again.
        _ if status < 400 && route.starts_with("/api/v1/fleet/") => {
            tracing::debug!(status, took_ms, "answered");
        }
        _ => tracing::info!(status, took_ms, "answered"),
    });
    span.record("status", status);
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Work for a thread that may wait; what it logs has the id of the call that it is done for.
pub(crate) fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// What answers on the address for health and metrics.
pub(crate) fn admin(service: Arc<Service>) -> Router {
    Router::new()
        .route("/-/live", get(async || "live\n"))
        .route("/-/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || {
            let detail = "here are /-/live, /-/ready and /metrics";
            Problem::new(Kind::Missing, detail)
        })
        .with_state(service)
}

/// Whether the ledger can be asked.
async fn ready(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    scraped(service, |service| {
        service.store.read(|it| it.last_change())?;
        Ok("ready\n")
    })
    .await
}

async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let text = scraped(service, |service| {
        let mut told = Exposition::default();
        service.telemetry.calls.show(&mut told);
        service.telemetry.deliveries.show(&mut told);
        ledger::show(service, &mut told)?;
        Ok(told.text())
    })
    .await?;
    Ok(([(CONTENT_TYPE, Exposition::CONTENT_TYPE)], text).into_response())
}

async fn scraped<T: Send + 'static>(
    service: Arc<Service>,
    look: fn(&Service) -> Result<T, Error>,
) -> Result<T, Problem> {
    let busy = |_| Problem::new(Kind::Busy, "too many scrapes at one time, try again later");
    let _place = service.telemetry.scrapes.try_acquire().map_err(busy)?;
    let under_way = Arc::clone(&service);
    let work = tokio::task::spawn_blocking(move || look(&under_way));
    let found = work.await.map_err(|defect| Problem::internal(&defect))?;
    Ok(found?)
}

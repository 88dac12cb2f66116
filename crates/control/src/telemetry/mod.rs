//! What the control side tells of itself: metrics, on an address of their own, and what is
//! logged of each call.

mod calls;
mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use store::Error;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::Exposition;

use crate::problem::{Kind, Problem};
use crate::serve::Service;
use calls::Calls;

/// Scrapes that are worked on at one time.
const SCRAPES: usize = 4;

/// What is counted while the control side runs.
pub(crate) struct Telemetry {
    calls: Calls,
    /// The last change that was there at the start.
    began: AtomicI64,
    /// When all that was due had been done last; 0: not yet.
    due_done_ms: AtomicI64,
    scrapes: Semaphore,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            calls: Calls::default(),
            began: AtomicI64::new(0),
            due_done_ms: AtomicI64::new(0),
            scrapes: Semaphore::new(SCRAPES),
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

    /// All that was due is done.
    pub(crate) fn due_done(&self, now_ms: i64) {
        self.due_done_ms.store(now_ms, Ordering::Relaxed);
    }
}

/// Counts a call.
pub(crate) async fn watch(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // Whatever else is asked for is one, or callers could make up as many as they like.
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let status = response.status().as_u16();
    let calls = &service.telemetry.calls;
    calls.count(calls::method(&method), route, status, began.elapsed());
    response
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

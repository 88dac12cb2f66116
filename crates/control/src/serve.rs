//! Calls over the network.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use ledger::rollout::Policy;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::call::{Call, Raw};
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::{Limits, Method, Route, describe, routes};

/// The control side.
pub struct Service {
    store: Arc<Store>,
    policy: Policy,
    limits: Limits,
    calls: Semaphore,
}

/// Answers calls until `stop` ends; those under way are answered.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let patience = Duration::from_millis(service.limits.stop_ms);
    let (begun, begins) = oneshot::channel();
    let stop = async move {
        stop.await;
        // Nobody listens if the server has ended by itself.
        let _ = begun.send(());
    };
    let served = axum::serve(listener, service.router()).with_graceful_shutdown(stop);
    let late = async move {
        match begins.await {
            Ok(()) => tokio::time::sleep(patience).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = served => ended,
        () = late => Ok(()),
    }
}

impl Service {
    /// Of this ledger. Keep it for yourself too until the runtime has ended: what closes its
    /// connections must be able to wait.
    #[must_use]
    pub fn new(store: Arc<Store>, policy: Policy, limits: Limits) -> Self {
        Self {
            store,
            policy,
            calls: Semaphore::new(limits.calls),
            limits,
        }
    }

    /// What answers the calls.
    pub fn router(self) -> Router {
        let service = Arc::new(self);
        let mut router = Router::new();
        for route in routes() {
            let filter = match route.method {
                Method::Get => MethodFilter::GET,
                Method::Post => MethodFilter::POST,
                Method::Put => MethodFilter::PUT,
                Method::Delete => MethodFilter::DELETE,
            };
            let path = format!("/api/v1{}", route.path);
            let (service, route) = (Arc::clone(&service), Arc::new(route));
            let answer = move |parameters: RawPathParams, request: Request| {
                let (service, route) = (Arc::clone(&service), Arc::clone(&route));
                async move { answered(service, route, &parameters, request).await }
            };
            router = router.route(&path, on(filter, answer));
        }
        let description = describe().to_string();
        router
            .route(
                "/api/v1/openapi.json",
                axum::routing::get(async move || {
                    ([("content-type", "application/json")], description.clone())
                }),
            )
            .fallback(async || Problem::new(Kind::Missing, "there is no such path"))
            .method_not_allowed_fallback(async || {
                Problem::new(
                    Kind::Method,
                    "the header Allow tells what can be done with it",
                )
            })
    }
}

async fn answered(
    service: Arc<Service>,
    route: Arc<Route>,
    parameters: &RawPathParams,
    request: Request,
) -> Response {
    let parameters = parameters
        .iter()
        .map(|(_, value)| value.to_owned())
        .collect();
    match answer(service, route, parameters, request).await {
        Ok(reply) => reply.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// The life of a call.
async fn answer(
    service: Arc<Service>,
    route: Arc<Route>,
    parameters: Vec<String>,
    request: Request,
) -> Result<Reply, Problem> {
    let busy = |_| Problem::new(Kind::Busy, "too many calls at one time, try again later");
    let _place = service.calls.try_acquire().map_err(busy)?;
    let (head, body) = request.into_parts();
    let body = whole(body, &service.limits).await?;
    let raw = Raw {
        head,
        body,
        parameters,
        now_ms: now_ms(),
    };
    let under_way = Arc::clone(&service);
    let work = tokio::task::spawn_blocking(move || {
        let of = (&*under_way.store, under_way.policy, &under_way.limits);
        let call = Call::read(of, &route, raw)?;
        (route.handle)(&call)
    });
    work.await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)))
}

/// The whole body, in time and within its limit.
async fn whole(body: Body, limits: &Limits) -> Result<bytes::Bytes, Problem> {
    let patience = Duration::from_millis(limits.body_ms);
    match tokio::time::timeout(patience, to_bytes(body, limits.body_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Problem::new(
            Kind::TooLarge,
            format!(
                "a body has {} bytes at most, and must be whole",
                limits.body_bytes
            ),
        )),
        Err(_) => Err(Problem::new(
            Kind::TooSlow,
            format!("a body must come within {} ms", limits.body_ms),
        )),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

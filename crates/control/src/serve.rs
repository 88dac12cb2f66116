//! Calls over the network.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use ledger::rollout::Policy;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::call::{Call, Raw, authenticate};
use crate::console::{self, Sessions, Workshop};
use crate::fleet::{self, Fleet};
use crate::oidc::{Line, Oidc, OidcSettings};
use crate::probe::{self, Prober};
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::telemetry::{self, Telemetry, waiting};
use crate::telling::{self, Courier};
use crate::{Keys, Limits, Method, Route, describe, due, routes};

/// Tells the time: milliseconds since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The control side.
pub struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Policy,
    pub(crate) keys: Keys,
    clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) calls: Semaphore,
    pub(crate) fleet: Fleet,
    pub(crate) sessions: Sessions,
    /// None: the console makes and proves no patches.
    pub(crate) workshop: Option<Arc<dyn Workshop>>,
    /// None: nothing is probed.
    pub(crate) prober: Option<Arc<dyn Prober>>,
    pub(crate) telemetry: Telemetry,
    /// None: subscribers are not told.
    courier: Option<Arc<dyn Courier>>,
    admin: Option<TcpListener>,
    /// None: people sign in here alone.
    pub(crate) oidc: Option<Oidc>,
}

/// Answers calls and gives out bundles until `stop` ends; calls under way are answered.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    mut service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let patience = Duration::from_millis(service.limits.stop_ms);
    let (begun, begins) = oneshot::channel();
    let admin = service.admin.take();
    let service = Arc::new(service);
    let beginning = Arc::clone(&service);
    let begin = move || beginning.telemetry.begin(&beginning);
    tokio::task::spawn_blocking(begin)
        .await?
        .map_err(std::io::Error::other)?;
    let ending = Arc::clone(&service);
    let stop = async move {
        stop.await;
        ending.fleet.end();
        // Nobody listens if the server has ended by itself.
        let _ = begun.send(());
    };
    // A router that is served as it is would be copied for each connection, with all its routes.
    let routes = router(Arc::clone(&service)).into_make_service();
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop);
    let late = async move {
        match begins.await {
            Ok(()) => tokio::time::sleep(patience).await,
            Err(_) => std::future::pending().await,
        }
    };
    let admin = async {
        let router = telemetry::admin(Arc::clone(&service));
        match admin {
            Some(listener) => axum::serve(listener, router).await,
            None => std::future::pending().await,
        }
    };
    let telling = async {
        match service.courier.clone() {
            Some(courier) => telling::run(Arc::clone(&service), courier).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = served => ended,
        () = telling => Ok(()),
        ended = admin => ended,
        () = fleet::publish(Arc::clone(&service)) => Ok(()),
        () = due::run(Arc::clone(&service)) => Ok(()),
        () = probe::run(Arc::clone(&service)) => Ok(()),
        () = late => Ok(()),
    }
}

impl Service {
    /// What answers the calls, without giving out bundles.
    pub fn router(self) -> Router {
        router(Arc::new(self))
    }

    /// Of this ledger. Keep it for yourself too until the runtime has ended: what closes its
    /// connections must be able to wait.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        policy: Policy,
        keys: Keys,
        clock: Clock,
        limits: Limits,
    ) -> Self {
        Self {
            store,
            policy,
            keys,
            clock,
            calls: Semaphore::new(limits.calls),
            fleet: Fleet::new(&limits),
            limits,
            sessions: Sessions::default(),
            workshop: None,
            prober: None,
            telemetry: Telemetry::default(),
            courier: None,
            admin: None,
            oidc: None,
        }
    }

    /// With somebody who brings notices to subscribers.
    #[must_use]
    pub fn with_courier(mut self, courier: Arc<dyn Courier>) -> Self {
        self.courier = Some(courier);
        self
    }

    /// With health and metrics, without any token, on an address of their own.
    #[must_use]
    pub fn with_admin(mut self, listener: TcpListener) -> Self {
        self.admin = Some(listener);
        self
    }

    /// With somebody who makes and proves patches, for the console.
    #[must_use]
    pub fn with_workshop(mut self, workshop: Arc<dyn Workshop>) -> Self {
        self.workshop = Some(workshop);
        self
    }

    /// With people who sign in at a provider of identities, too.
    ///
    /// # Errors
    /// The settings cannot work; why, for people.
    pub fn with_oidc(
        mut self,
        settings: OidcSettings,
        line: Arc<dyn Line>,
    ) -> Result<Self, String> {
        self.oidc = Some(Oidc::new(settings, line, &self.limits)?);
        Ok(self)
    }

    /// With somebody who sends probes.
    #[must_use]
    pub fn with_prober(mut self, prober: Arc<dyn Prober>) -> Self {
        self.prober = Some(prober);
        self
    }

    /// Takes the id of a call from its `X-Request-Id`: only where nobody but a gateway of ours, which
    /// sets it, can call.
    #[must_use]
    pub fn believing_request_ids(self) -> Self {
        self.telemetry.believe_ids();
        self
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }
}

/// What answers the calls.
fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let path = format!("/api/v1{}", route.path);
        let (filter, route) = (filter(route.method), Arc::new(route));
        let service = Arc::clone(&service);
        let answer = move |parameters: RawPathParams, request: Request| {
            let (service, route) = (Arc::clone(&service), Arc::clone(&route));
            async move { answered(service, route, &parameters, request).await }
        };
        router = router.route(&path, on(filter, answer));
    }
    for call in fleet::CALLS {
        let service = Arc::clone(&service);
        let answer = move |request: Request| fleet::answered(Arc::clone(&service), call, request);
        let path = format!("/api/v1{}", call.path);
        router = router.route(&path, on(filter(call.method), answer));
    }
    let description = describe().to_string();
    console::add(router, &service)
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
        .layer(from_fn_with_state(service, telemetry::watch))
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
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
    let body = whole(body, service.limits.body_bytes, &service.limits).await?;
    let changes = route.method != Method::Get;
    let raw = Raw {
        head,
        body,
        parameters,
        now_ms: service.now_ms(),
    };
    let under_way = Arc::clone(&service);
    let work = waiting(move || {
        let of = (&*under_way.store, under_way.policy, &under_way.limits);
        let token = authenticate(&under_way.store, &raw.head.headers, raw.now_ms)?;
        let call = Call::read(of, &route, token, raw)?;
        (route.handle)(&call)
    });
    let outcome = work
        .await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)));
    if changes && outcome.is_ok() {
        service.fleet.changed.notify_one();
    }
    outcome
}

/// The whole body, in time and within its limit.
pub(crate) async fn whole(
    body: Body,
    most: usize,
    limits: &Limits,
) -> Result<bytes::Bytes, Problem> {
    let patience = Duration::from_millis(limits.body_ms);
    match tokio::time::timeout(patience, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Problem::new(
            Kind::TooLarge,
            format!("a body has {most} bytes at most, and must be whole"),
        )),
        Err(_) => Err(Problem::new(
            Kind::TooSlow,
            format!("a body must come within {} ms", limits.body_ms),
        )),
    }
}

//! Calls of ingress points: [`wire`] says what they and the control side say to each other.

mod calls;
mod publish;
mod signed;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ledger::Environment;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use wire::{Attestation, CALL_BYTES, Delivered, Delivery, Enrol, Enrolled, Wanted};

pub(crate) use publish::run as publish;
pub(crate) use state::{PointState, state_of};

use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::serve::{Service, whole};
use crate::telemetry::waiting;
use crate::{Limits, Method};

/// What a call does, on a thread that may wait.
type Handle = fn(&Service, &Parts, &Bytes) -> Result<Reply, Problem>;

/// A call of an ingress point, as far as the router and the description need to know.
pub(crate) struct FleetCall {
    pub(crate) method: Method,
    /// Below `/api/v1`.
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) input: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// None: nothing, or a bundle.
    pub(crate) output: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// None: it waits for a bundle.
    handle: Option<Handle>,
}

/// The table of all calls of ingress points.
pub(crate) const CALLS: &[FleetCall] = &[
    FleetCall {
        method: Method::Post,
        path: "/fleet/enrol",
        name: "fleet_enrol",
        about: "Join the fleet, with the token of an enrolment",
        input: Some(schema::<Enrol>),
        output: Some(schema::<Enrolled>),
        handle: Some(calls::enrol),
    },
    FleetCall {
        method: Method::Get,
        path: "/fleet/bundle",
        name: "fleet_bundle",
        about: "The newest bundle as a signed envelope (DSSE), or 304 after a while",
        input: None,
        output: None,
        handle: None,
    },
    FleetCall {
        method: Method::Post,
        path: "/fleet/documents",
        name: "fleet_documents",
        about: "Documents by their digests, as many as fit into one answer",
        input: Some(schema::<Wanted>),
        output: Some(schema::<Vec<String>>),
        handle: Some(calls::documents),
    },
    FleetCall {
        method: Method::Post,
        path: "/fleet/attestations",
        name: "fleet_attest",
        about: "Tell what is enforced now",
        input: Some(schema::<Attestation>),
        output: None,
        handle: Some(calls::attest),
    },
    FleetCall {
        method: Method::Post,
        path: "/fleet/events",
        name: "fleet_deliver",
        about: "Deliver events; those that were delivered before are not kept twice",
        input: Some(schema::<Delivery>),
        output: Some(schema::<Delivered>),
        handle: Some(calls::deliver),
    },
];

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What calls of ingress points share.
pub(crate) struct Fleet {
    test: Newest,
    production: Newest,
    /// Something was changed here: perhaps a bundle is due.
    pub(crate) changed: Notify,
    /// A key waits to sign, so attestations may let it.
    rotating: AtomicBool,
    /// What attestations tell must be looked at.
    look: AtomicBool,
    /// Calls at one time, most of which wait for a bundle.
    places: Semaphore,
    /// Calls with a body that are worked on at one time.
    turns: Semaphore,
    /// Calls without one: whoever sends a body slowly does not keep others from their bundle.
    checks: Semaphore,
    /// Whether the service ends.
    ends: watch::Sender<bool>,
}

/// The newest bundle of an environment.
struct Newest {
    sealed: watch::Sender<Option<Sealed>>,
    /// The highest number that an ingress point says it has seen.
    seen: AtomicU64,
}

/// A bundle as it is given out.
#[derive(Clone)]
struct Sealed {
    number: u64,
    bytes: Bytes,
}

impl Fleet {
    pub(crate) fn new(limits: &Limits) -> Self {
        let newest = || Newest {
            sealed: watch::Sender::new(None),
            seen: AtomicU64::new(0),
        };
        Self {
            test: newest(),
            production: newest(),
            changed: Notify::new(),
            rotating: AtomicBool::new(false),
            look: AtomicBool::new(false),
            places: Semaphore::new(limits.fleet_calls),
            turns: Semaphore::new(limits.calls),
            checks: Semaphore::new(limits.calls),
            ends: watch::Sender::new(false),
        }
    }

    /// Whoever waits for a bundle is answered now.
    pub(crate) fn end(&self) {
        self.ends.send_replace(true);
    }

    fn newest(&self, environment: Environment) -> &Newest {
        match environment {
            Environment::Test => &self.test,
            Environment::Production => &self.production,
        }
    }

    /// What is attested may let a key sign.
    fn attested(&self) {
        if self.rotating.load(Ordering::Relaxed) {
            self.look.store(true, Ordering::Relaxed);
            self.changed.notify_one();
        }
    }
}

/// The life of an ingress point's call.
pub(crate) async fn answered(
    service: Arc<Service>,
    call: &'static FleetCall,
    request: Request,
) -> Response {
    let outcome = match call.handle {
        Some(handle) => work(service, handle, request)
            .await
            .map(IntoResponse::into_response),
        None => bundle(service, request).await,
    };
    outcome.unwrap_or_else(IntoResponse::into_response)
}

async fn work(service: Arc<Service>, handle: Handle, request: Request) -> Result<Reply, Problem> {
    let place = service.fleet.places.try_acquire();
    let _place = place.map_err(|_| crowded())?;
    let _turn = turn(&service, &service.fleet.turns).await?;
    let (head, body) = request.into_parts();
    let body = whole(body, CALL_BYTES, &service.limits).await?;
    let under_way = Arc::clone(&service);
    let work = waiting(move || handle(&under_way, &head, &body));
    work.await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)))
}

/// Waits for a bundle that the ingress point does not have.
async fn bundle(service: Arc<Service>, request: Request) -> Result<Response, Problem> {
    let place = service.fleet.places.try_acquire();
    let _place = place.map_err(|_| crowded())?;
    let (head, _) = request.into_parts();
    let after = calls::after(&head)?;
    let head = Arc::new(head);
    let caller = caller(&service, &head).await?;
    let newest = service.fleet.newest(caller.environment);
    let mut sealed = newest.sealed.subscribe();
    let number = sealed.borrow().as_ref().map_or(0, |sealed| sealed.number);
    if after > number {
        newest.seen.fetch_max(after, Ordering::Relaxed);
        service.fleet.changed.notify_one();
    }
    let mut ends = service.fleet.ends.subscribe();
    let is_newer =
        |sealed: &Option<Sealed>| sealed.as_ref().is_some_and(|sealed| sealed.number > after);
    let found = tokio::select! {
        found = sealed.wait_for(is_newer) => found.ok().and_then(|found| found.clone()),
        () = tokio::time::sleep(Duration::from_millis(service.limits.poll_ms)) => None,
        _ = ends.wait_for(|ends| *ends) => None,
    };
    let Some(found) = found else {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    };
    if number < found.number {
        // It may have been put out while it waited.
        signed::still(&service, &caller).await?;
    }
    let mut response = found.bytes.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/vnd.dsse.envelope.v1+json");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn caller(service: &Arc<Service>, head: &Arc<Parts>) -> Result<ledger::Gateway, Problem> {
    let _turn = turn(service, &service.fleet.checks).await?;
    let (under_way, head) = (Arc::clone(service), Arc::clone(head));
    let work = waiting(move || signed::caller(&under_way, &head, &[]));
    work.await
        .unwrap_or_else(|defect| Err(Problem::internal(&defect)))
}

/// A fleet comes all at once when something has changed: it waits instead of coming again.
async fn turn<'a>(service: &Service, of: &'a Semaphore) -> Result<SemaphorePermit<'a>, Problem> {
    let patience = Duration::from_millis(service.limits.body_ms);
    let turn = tokio::time::timeout(patience, of.acquire()).await;
    turn.map_err(|_| crowded())?.map_err(|_| crowded())
}

fn crowded() -> Problem {
    Problem::new(
        Kind::Busy,
        "too many ingress points at one time, try again later",
    )
}

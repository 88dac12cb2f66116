//! Who calls: the headers of RFC 9421 and RFC 9530, in the form that [`wire::SignedCall`] reads.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use ledger::Gateway;
use wire::{CallSignature, PublicKey, SignedCall};

use crate::call::header;
use crate::problem::{Kind, Problem};
use crate::serve::Service;

/// The ingress point that has signed this call, now.
pub(super) fn caller(service: &Service, head: &Parts, body: &[u8]) -> Result<Gateway, Problem> {
    let refused = |why: &dyn std::fmt::Display| {
        Problem::new(Kind::Unauthenticated, format!("the call is refused: {why}"))
    };
    let headers = &head.headers;
    let signature = CallSignature {
        content_digest: needed(headers, "content-digest")?,
        input: needed(headers, "signature-input")?,
        signature: needed(headers, "signature")?,
    };
    let name = signature
        .name()
        .ok_or_else(|| refused(&wire::CallRefused::Malformed))?;
    let gateway = match service.store.read(|it| it.gateway(name)) {
        Ok(stored) => stored.value.gateway,
        Err(why) if why.is_missing() => return Err(refused(&"nobody of this name has joined")),
        Err(why) => return Err(why.into()),
    };
    let key: PublicKey = gateway.key.parse().map_err(|why| Problem::internal(&why))?;
    let target = head.uri.path_and_query();
    let call = SignedCall {
        method: head.method.as_str(),
        target: target.map_or("/", |target| target.as_str()),
        body,
    };
    let now_s = service.now_ms().div_euclid(1000);
    signature
        .check(&call, &key, now_s)
        .map_err(|why| refused(&why))?;
    if gateway.revoked_ms.is_some() {
        return Err(refused(&"this ingress point was put out of the fleet"));
    }
    Ok(gateway)
}

/// Whether the ingress point has still joined as it had.
pub(super) async fn still(service: &Arc<Service>, gateway: &Gateway) -> Result<(), Problem> {
    let (under_way, id) = (Arc::clone(service), gateway.id.clone());
    let work = tokio::task::spawn_blocking(move || under_way.store.read(|it| it.gateway(&id)));
    let now = work.await.map_err(|defect| Problem::internal(&defect))??;
    match now.value.gateway == *gateway {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::Unauthenticated,
            "the ingress point was put out of the fleet, or has joined anew",
        )),
    }
}

fn needed(headers: &HeaderMap, name: &str) -> Result<String, Problem> {
    header(headers, name)?.ok_or_else(|| {
        let detail = format!("the call must be signed: the header {name} is missing");
        Problem::new(Kind::Unauthenticated, detail)
    })
}

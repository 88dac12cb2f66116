//! What each call of an ingress point does.

use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use store::By;
use wire::{Attestation, Delivered, Delivery, Enrol, Enrolled, Event, PublicKey, Wanted};

use super::signed::caller;
use crate::Secret;
use crate::call::{header, malformed};
use crate::probe;
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::serve::Service;

/// Versions of `Enrol` and `Attestation` that are read.
const VERSION: u32 = 1;

pub(super) fn enrol(service: &Service, head: &Parts, body: &Bytes) -> Result<Reply, Problem> {
    let refused = || {
        let detail = "send `Authorization: Bearer TOKEN` with the token of `stopgap ingress enrol`";
        Problem::new(Kind::Unauthenticated, detail)
    };
    let text = header(&head.headers, "authorization")?.ok_or_else(refused)?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(refused)?;
    let secret = Secret::read(secret.trim()).ok_or_else(refused)?;
    let known = match service.store.read(|it| it.enrolment_with_hash(secret.id())) {
        Ok((_, hash)) => scheme.eq_ignore_ascii_case("bearer") && hash == secret.hash(),
        Err(why) if why.is_missing() => false,
        Err(why) => return Err(why.into()),
    };
    if !known {
        return Err(refused());
    }
    let enrol: Enrol = read(body)?;
    supported(enrol.version)?;
    let by = By {
        who: &format!("ingress/{}", secret.id()),
        why: "it joins with its token",
        now_ms: service.now_ms(),
    };
    let key = enrol.key.to_string();
    let (gateway, keys) = service
        .store
        .change(&by, |it| {
            // The token may have been replaced since it was looked at.
            if it.enrolment_with_hash(secret.id())?.1 != secret.hash() {
                return Ok(None);
            }
            let gateway = it.enrol(secret.id(), &key, &enrol.program)?.value;
            Ok(Some((gateway, it.signing_keys()?)))
        })?
        .ok_or_else(refused)?;
    let keys = keys.iter().map(|key| key.key.parse::<PublicKey>());
    let keys = keys.collect::<Result<_, _>>();
    Ok(Reply::found(&Enrolled {
        ingress: gateway.id,
        environment: gateway.environment.name().to_owned(),
        keys: keys.map_err(|why| Problem::internal(&why))?,
    })?)
}

pub(super) fn documents(service: &Service, head: &Parts, body: &Bytes) -> Result<Reply, Problem> {
    caller(service, head, body)?;
    let wanted: Wanted = read(body)?;
    at_most("digests", wanted.digests.len(), Wanted::MOST)?;
    let found = service
        .store
        .read(|it| it.documents(&wanted.digests, Wanted::ANSWER_BYTES))?;
    Ok(Reply::found(&found)?)
}

pub(super) fn attest(service: &Service, head: &Parts, body: &Bytes) -> Result<Reply, Problem> {
    let gateway = caller(service, head, body)?;
    let attestation: Attestation = read(body)?;
    supported(attestation.version)?;
    service
        .store
        .attest(&gateway.id, attestation, service.now_ms())?;
    service.fleet.attested();
    Ok(Reply::nothing())
}

pub(super) fn deliver(service: &Service, head: &Parts, body: &Bytes) -> Result<Reply, Problem> {
    let gateway = caller(service, head, body)?;
    let mut delivery: Delivery = read(body)?;
    at_most("events", delivery.events.len(), Delivery::MOST)?;
    for event in &mut delivery.events {
        if event.version == 0 || event.version > Event::VERSION {
            return Err(later(event.version));
        }
        // Nobody tells in another's name.
        event.ingress.clone_from(&gateway.id);
        probe::recognise(service, event)?;
    }
    let new = service.store.deliver(&delivery.events)?;
    Ok(Reply::found(&Delivered { new: new as u64 })?)
}

/// The number after which a bundle is asked for.
pub(super) fn after(head: &Parts) -> Result<u64, Problem> {
    let query = head.uri.query().unwrap_or_default();
    let number = query.strip_prefix("after=");
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| malformed("ask for `?after=NUMBER`, 0 for any bundle"))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|why| malformed(&format!("the body is not as described: {why}")))
}

fn supported(version: u32) -> Result<(), Problem> {
    match version {
        VERSION => Ok(()),
        other => Err(later(other)),
    }
}

fn later(version: u32) -> Problem {
    malformed(&format!(
        "version {version} of this shape is not known here: upgrade the control side first"
    ))
}

fn at_most(what: &str, count: usize, most: usize) -> Result<(), Problem> {
    match count > most {
        true => Err(malformed(&format!(
            "{count} {what} are too many for one call, {most} are allowed"
        ))),
        false => Ok(()),
    }
}

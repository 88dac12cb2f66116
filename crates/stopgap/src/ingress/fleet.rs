//! `stopgap ingress list|enrol|revoke`: ingress points that take bundles.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use control::Secret;
use ledger::{Enrolment, Environment, IngressPoint};
use serde_json::json;
use store::{Change, Error, Limits, Seen, Store, Stored};

use crate::ledger_place::{Place, Who, now_ms};
use crate::listing::Listing;

/// List the ingress points that have joined, and what they attest.
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    listing: Listing,
}

/// Say where clients reach an ingress point: probes are sent there, and nowhere else.
#[derive(Args)]
pub(super) struct Address {
    #[command(flatten)]
    place: Place,
    /// The ingress point.
    #[arg(value_name = "NAME")]
    id: String,
    /// Such as https://shop.example or http://192.0.2.1:8080; none: it is not probed any more.
    #[arg(value_name = "URL")]
    address: Option<String>,
    #[command(flatten)]
    by: Who,
}

/// Give an ingress point leave to join, and print its token, which counts once.
///
/// `stopgap gateway enrol` takes the token. An ingress point that is not in the inventory is added
/// to it; a token that was given before for the same one does not count any more.
#[derive(Args)]
pub(super) struct Enrol {
    #[command(flatten)]
    place: Place,
    /// Names the ingress point.
    #[arg(value_name = "NAME")]
    id: String,
    /// Where it is: test or production.
    #[arg(long)]
    environment: Environment,
    /// How long the token counts.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..))]
    hours: u16,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: {"ingress", "environment", "expires_ms", "token"}.
    #[arg(long)]
    json: bool,
}

/// Put an ingress point out: its calls are refused, and it keeps enforcing what it has.
#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    place: Place,
    /// The ingress point.
    #[arg(value_name = "NAME")]
    id: String,
    #[command(flatten)]
    by: Who,
    /// Write one JSON object: the ingress point, as it is kept.
    #[arg(long)]
    json: bool,
}

pub(super) fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let page = store.read(|it| it.gateways(arguments.listing.paging()))?;
    let json = |it: &Stored<Seen>| {
        let seen = &it.value;
        json!({ "gateway": seen.gateway, "seen_ms": seen.seen_ms, "report": seen.report })
    };
    let listing = &arguments.listing;
    listing.tell("gateways", &page, json, |it| line(&it.value))
}

pub(super) fn address(arguments: &Address) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let (id, address) = (&arguments.id, &arguments.address);
    store.change(&arguments.by.by(now_ms()), |it| {
        reached_at(it, id, address.clone())
    })?;
    match address {
        Some(address) => println!("{id} is reached at {address}"),
        None => println!("{id} is not probed"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps where clients reach an ingress point, if that is new.
pub(crate) fn reached_at(
    it: &mut Change<'_>,
    id: &str,
    address: Option<String>,
) -> Result<(), Error> {
    let mut point = it.get::<IngressPoint>(id)?;
    if point.value.address != address {
        point.value.address = address;
        it.replace(&point.value, Some(point.version))?;
    }
    Ok(())
}

fn line(seen: &Seen) -> anyhow::Result<String> {
    let gateway = &seen.gateway;
    let time = seen.seen_ms.map(jiff::Timestamp::from_millisecond);
    let time = time.transpose()?;
    let mut line = format!("{}  {}", gateway.id, gateway.environment);
    if gateway.revoked_ms.is_some() {
        line.push_str("  put out");
    }
    let (Some(report), Some(time)) = (&seen.report, time) else {
        return Ok(format!("{line}  has not told anything yet"));
    };
    let attestation = &report.attestation;
    line.push_str(&format!("  bundle {}  {time:.0}", attestation.bundle));
    if let Some(refused) = &attestation.refused {
        line.push_str(&format!("  refused: {}", refused.detail));
    }
    if !report.differing.is_empty() {
        line.push_str(&format!("  differs in {}", report.differing.join(", ")));
    }
    Ok(line)
}

pub(super) fn enrol(arguments: &Enrol) -> anyhow::Result<ExitCode> {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let now_ms = now_ms();
    let secret = Secret::new(&arguments.id).context("the system gives no random bytes")?;
    let enrolment = Enrolment {
        ingress: arguments.id.clone(),
        environment: arguments.environment,
        expires_ms: now_ms.saturating_add(i64::from(arguments.hours) * HOUR_MS),
        used_ms: None,
    };
    let store = Store::open(&arguments.place.location()?, Limits::default())?;
    store.change(&arguments.by.by(now_ms), |it| {
        it.add_enrolment(&enrolment, &secret.hash())
    })?;
    if arguments.json {
        let told = json!({
            "ingress": enrolment.ingress, "environment": enrolment.environment,
            "expires_ms": enrolment.expires_ms, "token": secret.text(),
        });
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", secret.text());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn revoke(arguments: &Revoke) -> anyhow::Result<ExitCode> {
    let store = arguments.place.open()?;
    let revoked = store.change(&arguments.by.by(now_ms()), |it| {
        it.revoke_gateway(&arguments.id, None)
    })?;
    match arguments.json {
        true => println!("{}", serde_json::to_string(&revoked.value)?),
        false => println!("{} was put out", arguments.id),
    }
    Ok(ExitCode::SUCCESS)
}

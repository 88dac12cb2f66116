//! The fleet, as people see it: who may join, who has, what was given out, and taking it back.

use ledger::bundle::Entry;
use ledger::{Area, Enrolment, Environment, Gateway, Role, Rollout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Back, Made, Seen, Stored};
use wire::Attestation;

use super::{Method, PAGED, Route, schema};
use crate::Secret;
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned};

/// Leave to join that is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewEnrolment")]
struct Wanted {
    /// The ingress point, by its identifier; what is not in the inventory is added.
    ingress: String,
    /// Where it is.
    environment: Environment,
    /// When the leave shall end.
    expires_ms: i64,
}

/// Leave to join.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeEnrolment")]
struct Admitted {
    /// From 1.
    version: i64,
    /// What is kept of it.
    value: Enrolment,
    /// What `stopgap gateway enrol --token` takes. It is shown this once, also if the call comes
    /// again with its idempotency key.
    secret: Option<String>,
}

/// An ingress point that has joined, and what it attested last.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GatewaySeen")]
pub(crate) struct GatewayShown {
    /// Who it is.
    pub(crate) gateway: Gateway,
    /// When it attested something last, by the clock of the control side.
    pub(crate) seen_ms: Option<i64>,
    /// What, without what it enforces: that is in its bundle.
    pub(crate) attestation: Option<Attestation>,
    /// The patches, up to 100, that it does not enforce as its bundle says.
    pub(crate) differing: Vec<String>,
}

/// A bundle that was given out.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BundleMade")]
pub(crate) struct BundleShown {
    /// Where it is for.
    pub(crate) environment: Environment,
    /// Its number.
    pub(crate) number: u64,
    /// When it was made.
    pub(crate) made_ms: i64,
    /// Until when ingress points take it.
    expires_ms: i64,
    /// The keys that it names; the first has signed it.
    keys: Vec<String>,
    /// What it enforces.
    pub(crate) content: Vec<Entry>,
}

/// What is taken back.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "Rollback")]
enum TakenBack {
    /// All that the newest bundle of an environment has changed.
    Environment(Environment),
    /// What was changed last of the patch that a rollout deploys, in the rollout's environment.
    Rollout(i64),
}

/// The rollouts that were led back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RolledBack")]
struct RolledBack {
    /// As they are now.
    rollouts: Vec<Versioned<Rollout>>,
}

pub(super) fn all() -> [Route; 7] {
    let looks = |path: &str, name: &str, about: &str| Route {
        method: Method::Get,
        path: path.to_owned(),
        role: Role::Viewer,
        area: Area::Fleet,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<GatewayShown>>,
        status: 200,
        versioned: false,
        handle: gateway,
    };
    [
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<Enrolment>>>,
            handle: enrolments,
            ..looks(
                "/enrolments",
                "list_enrolment",
                "Leave to join the fleet, also what was used or has ended",
            )
        },
        Route {
            method: Method::Post,
            role: Role::Operator,
            input: Some(schema::<Wanted>),
            output: schema::<Admitted>,
            status: 201,
            versioned: true,
            handle: admit,
            ..looks(
                "/enrolments",
                "add_enrolment",
                "Give an ingress point leave to join the fleet; its token is shown once",
            )
        },
        Route {
            query: PAGED,
            output: schema::<Listed<Versioned<GatewayShown>>>,
            handle: gateways,
            ..looks(
                "/gateways",
                "list_gateway",
                "The ingress points that have joined the fleet, and what they attest",
            )
        },
        looks(
            "/gateways/{id}",
            "get_gateway",
            "The ingress point of this name, and what it attests",
        ),
        Route {
            method: Method::Delete,
            role: Role::Operator,
            output: schema::<Versioned<Gateway>>,
            versioned: true,
            handle: revoke,
            ..looks(
                "/gateways/{id}",
                "revoke_gateway",
                "Put an ingress point out of the fleet: its calls are refused",
            )
        },
        Route {
            output: schema::<Listed<BundleShown>>,
            handle: bundles,
            ..looks(
                "/bundles",
                "list_bundle",
                "The bundles that are kept, the newest first: production's, then those of the test environment",
            )
        },
        Route {
            method: Method::Post,
            role: Role::Operator,
            area: Area::Rollouts,
            input: Some(schema::<TakenBack>),
            output: schema::<RolledBack>,
            handle: roll_back,
            ..looks(
                "/rollback",
                "roll_back",
                "Lead rollouts back to where they were in the bundle before",
            )
        },
    ]
}

fn enrolments(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.enrolments(paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn admit(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let secret = Secret::new(&wanted.ingress).map_err(|why| Problem::internal(&why))?;
    let enrolment = Enrolment {
        ingress: wanted.ingress,
        environment: wanted.environment,
        expires_ms: wanted.expires_ms,
        used_ms: None,
    };
    call.change_showing_once(&secret.text(), |it| {
        let added = it.add_enrolment(&enrolment, &secret.hash())?;
        let made = Admitted {
            version: added.version,
            value: added.value,
            // What is remembered of this answer must not hold it.
            secret: None,
        };
        let location = call.below(&enrolment.ingress);
        Ok(Reply::found(&made)?.of_version(made.version).made(location))
    })
}

fn gateways(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call.store.read(|it| it.gateways(paging))?;
    Ok(Reply::found(&Listed::of(page, shown))?)
}

fn gateway(call: &Call<'_>) -> Result<Reply, Problem> {
    let found = call.store.read(|it| it.gateway(call.id()))?;
    Ok(Reply::found(&shown(found))?)
}

fn shown(stored: Stored<Seen>) -> Versioned<GatewayShown> {
    let Seen {
        gateway,
        seen_ms,
        report,
    } = stored.value;
    let (attestation, differing) = report.map_or((None, Vec::new()), |report| {
        (Some(report.attestation), report.differing)
    });
    Versioned {
        version: stored.version,
        value: GatewayShown {
            gateway,
            seen_ms,
            attestation,
            differing,
        },
    }
}

fn revoke(call: &Call<'_>) -> Result<Reply, Problem> {
    call.change(|it| {
        Ok(Reply::versioned(
            it.revoke_gateway(call.id(), call.expected())?,
        )?)
    })
}

fn bundles(call: &Call<'_>) -> Result<Reply, Problem> {
    let kept = call.store.read(|it| {
        let mut kept = it.bundles(Environment::Production)?;
        kept.extend(it.bundles(Environment::Test)?);
        Ok(kept)
    })?;
    let items = kept.into_iter().map(|made: Made| BundleShown {
        environment: made.environment,
        number: made.number,
        made_ms: made.made_ms,
        expires_ms: made.expires_ms,
        keys: made.keys,
        content: made.content,
    });
    Ok(Reply::found(&Listed {
        items: items.collect(),
        next: None,
    })?)
}

fn roll_back(call: &Call<'_>) -> Result<Reply, Problem> {
    let what = match call.body()? {
        TakenBack::Environment(environment) => Back::Environment(environment),
        TakenBack::Rollout(id) => Back::Rollout(id),
    };
    call.change(|it| {
        let rollouts = it.roll_back(what)?.into_iter().map(Versioned::from);
        Ok(Reply::found(&RolledBack {
            rollouts: rollouts.collect(),
        })?)
    })
}

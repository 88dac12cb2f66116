//! Rollouts.

use ledger::rollout::{Move, Rules};
use ledger::{Area, Environment, Proof, Role, Rollout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{RolloutFilter, Start};

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply, Versioned};

/// What to deploy, where, and on what evidence.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRollout")]
struct Begin {
    /// The virtual patch, by its identifier.
    patch: String,
    /// Where to.
    environment: Environment,
    /// When it goes on and back by itself.
    #[serde(default)]
    rules: Rules,
    /// What shows that the patch does what it should.
    evidence: Given,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "NewEvidence")]
enum Given {
    /// A proof of the patch's present document.
    Proof(Proof),
    /// Nothing yet: it is an emergency, and the proof follows.
    Owed {
        /// Why it cannot wait.
        reason: String,
        /// When the proof will be there.
        due_ms: i64,
    },
}

/// How a rollout's last hour was.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RolloutProgress")]
pub(crate) struct Progress {
    /// Its minutes, the oldest first; the last is not over yet.
    pub(crate) minutes: Vec<Minute>,
}

/// A minute of a rollout.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RolloutMinute")]
pub(crate) struct Minute {
    /// When it began.
    pub(crate) from_ms: i64,
    /// Requests that the ingress points of its environment answered.
    pub(crate) requests: u64,
    /// Of these, those that the application failed to answer (5xx).
    pub(crate) errors: u64,
    /// The sum of what answers took, in microseconds.
    pub(crate) latency_us: u64,
    /// Requests in which its patch matched, in all environments.
    pub(crate) hits: u64,
}

/// Minutes that are shown of a rollout.
const MINUTES: i64 = 60;
const MINUTE_MS: i64 = 60_000;

pub(super) fn all() -> [Route; 7] {
    let changes = |path: &str, name: &str, about: &str| Route {
        method: Method::Post,
        path: path.to_owned(),
        role: Role::Operator,
        area: Area::Rollouts,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<Versioned<Rollout>>,
        status: 200,
        versioned: true,
        handle: approve,
    };
    [
        Route {
            method: Method::Get,
            role: Role::Viewer,
            query: &[
                ("patch", "only those of this virtual patch"),
                ("stage", "only those that have come so far"),
                AFTER,
                LIMIT,
            ],
            output: schema::<Listed<Versioned<Rollout>>>,
            versioned: false,
            handle: list,
            ..changes("/rollouts", "list_rollout", "Rollouts, the oldest first")
        },
        Route {
            input: Some(schema::<Begin>),
            status: 201,
            handle: start,
            ..changes(
                "/rollouts",
                "start_rollout",
                "Start the rollout of a virtual patch's present document",
            )
        },
        Route {
            method: Method::Get,
            role: Role::Viewer,
            handle: get,
            ..changes(
                "/rollouts/{id}",
                "get_rollout",
                "The rollout with this number",
            )
        },
        Route {
            method: Method::Get,
            role: Role::Viewer,
            output: schema::<Progress>,
            versioned: false,
            handle: progress,
            ..changes(
                "/rollouts/{id}/progress",
                "get_rollout_progress",
                "What was answered, and what matched, minute by minute of the last hour",
            )
        },
        Route {
            input: Some(schema::<Move>),
            handle: go,
            ..changes(
                "/rollouts/{id}/moves",
                "move_rollout",
                "Move a rollout; consent is given at `approvals`",
            )
        },
        Route {
            role: Role::Approver,
            handle: approve,
            ..changes(
                "/rollouts/{id}/approvals",
                "approve_rollout",
                "Consent to enforcing what a rollout deploys",
            )
        },
        Route {
            input: Some(schema::<Proof>),
            handle: prove,
            ..changes(
                "/rollouts/{id}/proof",
                "prove_rollout",
                "Bring the proof that a rollout owes",
            )
        },
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let filter = RolloutFilter {
        patch: call.asked_as("patch")?,
        stage: call.asked_as("stage")?,
    };
    let paging = call.paging()?;
    let page = call.store.read(|it| it.rollouts(&filter, paging))?;
    Ok(Reply::found(&Listed::of(page, Versioned::from))?)
}

fn start(call: &Call<'_>) -> Result<Reply, Problem> {
    let begin: Begin = call.body()?;
    let start = match &begin.evidence {
        Given::Proof(proof) => Start::Proven(proof),
        Given::Owed { reason, due_ms } => Start::Owed(reason, *due_ms),
    };
    call.change(|it| {
        let started = it.start_rollout(&begin.patch, &start, begin.environment, begin.rules)?;
        let location = call.below(&started.value.id.to_string());
        Ok(Reply::versioned(started)?.made(location))
    })
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let found = call.store.read(|it| it.rollout(id))?;
    Ok(call.unless_known(Reply::versioned(found)?))
}

fn progress(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let now_ms = call.now_ms();
    let last_ms = now_ms - now_ms.rem_euclid(MINUTE_MS);
    let first_ms = last_ms - (MINUTES - 1) * MINUTE_MS;
    let within = (first_ms, last_ms + MINUTE_MS);
    let (answered, hits) = call.store.read(|it| {
        let rollout = it.rollout(id)?.value;
        let answered = it.answered_by_minute(rollout.environment, within)?;
        Ok((answered, it.hits_by_minute(&rollout.patch, within)?))
    })?;
    let (mut answered, mut hits) = (answered.into_iter().peekable(), hits.into_iter().peekable());
    let minutes = (0..MINUTES).map(|at| {
        let from_ms = first_ms + at * MINUTE_MS;
        let answered = answered.next_if(|(start, _)| *start == from_ms);
        let (_, answered) = answered.unwrap_or_default();
        let hits = hits.next_if(|(start, _)| *start == from_ms);
        Minute {
            from_ms,
            requests: answered.requests,
            errors: answered.errors,
            latency_us: answered.latency_us,
            hits: hits.map_or(0, |(_, count)| count),
        }
    });
    let minutes = minutes.collect();
    Ok(Reply::found(&Progress { minutes })?)
}

fn go(call: &Call<'_>) -> Result<Reply, Problem> {
    let step: Move = call.body()?;
    if step == (Move::Approve {}) {
        return Err(Problem::consent_elsewhere());
    }
    apply(call, &step)
}

fn approve(call: &Call<'_>) -> Result<Reply, Problem> {
    apply(call, &Move::Approve {})
}

fn apply(call: &Call<'_>, step: &Move) -> Result<Reply, Problem> {
    let id = call.number()?;
    call.change(|it| {
        Ok(Reply::versioned(it.move_rollout(
            id,
            step,
            call.policy,
            call.expected(),
        )?)?)
    })
}

fn prove(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, proof): (_, Proof) = (call.number()?, call.body()?);
    call.change(|it| {
        Ok(Reply::versioned(it.prove_rollout(
            id,
            &proof,
            call.expected(),
        )?)?)
    })
}

//! Exceptions: what is not fixed now, and what protects instead.

use ledger::exception::{Move, Standing, Terms};
use ledger::{Area, Exception, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{ExceptionFilter, Stored};

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::protection::must_protect;
use crate::reply::{Listed, Reply};

/// An exception, and whether it counts.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExceptionVersion")]
pub(crate) struct ExceptionShown {
    /// From 1.
    pub(crate) version: i64,
    /// Whether it counts, as its facts say.
    pub(crate) standing: Standing,
    /// What it is now.
    pub(crate) value: Exception,
}

impl From<Stored<Exception>> for ExceptionShown {
    fn from(stored: Stored<Exception>) -> Self {
        Self {
            version: stored.version,
            standing: stored.value.standing(),
            value: stored.value,
        }
    }
}

pub(super) fn all() -> [Route; 5] {
    let one = |method, path: &str, name: &str, about: &str| Route {
        method,
        path: path.to_owned(),
        role: Role::Operator,
        area: Area::Findings,
        name: name.to_owned(),
        about: about.to_owned(),
        query: &[],
        input: None,
        output: schema::<ExceptionShown>,
        status: 200,
        versioned: true,
        handle: get,
    };
    [
        Route {
            role: Role::Viewer,
            query: &[
                ("standing", "only those that count so"),
                ("finding", "only those about the finding with this number"),
                AFTER,
                LIMIT,
            ],
            output: schema::<Listed<ExceptionShown>>,
            versioned: false,
            handle: list,
            ..one(
                Method::Get,
                "/exceptions",
                "list_exception",
                "Exceptions, the oldest first",
            )
        },
        Route {
            input: Some(schema::<Terms>),
            status: 201,
            handle: request,
            ..one(
                Method::Post,
                "/exceptions",
                "request_exception",
                "Ask for an exception; it counts when somebody else has approved it",
            )
        },
        Route {
            role: Role::Viewer,
            ..one(
                Method::Get,
                "/exceptions/{id}",
                "get_exception",
                "The exception with this number",
            )
        },
        Route {
            input: Some(schema::<Move>),
            handle: go,
            ..one(
                Method::Post,
                "/exceptions/{id}/moves",
                "move_exception",
                "Move an exception; consent is given at `approvals`",
            )
        },
        Route {
            role: Role::Approver,
            handle: approve,
            ..one(
                Method::Post,
                "/exceptions/{id}/approvals",
                "approve_exception",
                "Consent to an exception: it counts from now on, if its protection is there",
            )
        },
    ]
}

fn shown(stored: Stored<Exception>) -> Result<Reply, serde_json::Error> {
    let shown = ExceptionShown::from(stored);
    Ok(Reply::found(&shown)?.of_version(shown.version))
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let filter = ExceptionFilter {
        standing: call.asked_as("standing")?,
        finding: call.asked_as("finding")?,
    };
    let paging = call.paging()?;
    let page = call.store.read(|it| it.exceptions(&filter, paging))?;
    Ok(Reply::found(&Listed::of(page, ExceptionShown::from))?)
}

fn request(call: &Call<'_>) -> Result<Reply, Problem> {
    let terms: Terms = call.body()?;
    call.change(|it| {
        let made = it.request_exception(terms)?;
        let location = call.below(&made.value.id.to_string());
        Ok(shown(made)?.made(location))
    })
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let found = call.store.read(|it| it.exception(id))?;
    Ok(call.unless_known(shown(found)?))
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
    let (id, now_ms) = (call.number()?, call.now_ms());
    call.change(|it| {
        let (policy, expected) = (call.policy, call.expected());
        let moved = it.move_exception(id, step, policy, expected, |it, exception| {
            must_protect(it, exception, now_ms)
        })?;
        Ok(shown(moved)?)
    })
}

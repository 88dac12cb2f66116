//! Findings.

use ledger::{Area, Finding, Move, Role, State, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{FindingFilter, Stored};

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply};

/// A finding, with where the work on it stands.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FindingVersion")]
pub(crate) struct FindingShown {
    /// From 1.
    pub(crate) version: i64,
    /// Where the work on it stands, as its facts say.
    pub(crate) state: State,
    /// What it is now.
    pub(crate) value: Finding,
}

/// What was found where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewFinding")]
struct Found {
    /// The advisory, by its identifier.
    advisory: String,
    /// What it concerns.
    subject: Subject,
}

impl From<Stored<Finding>> for FindingShown {
    fn from(stored: Stored<Finding>) -> Self {
        Self {
            version: stored.version,
            state: stored.value.state(),
            value: stored.value,
        }
    }
}

pub(super) fn all() -> [Route; 4] {
    let about =
        "Open a finding; one that is there already is given back, and reopened if it was fixed";
    [
        Route {
            method: Method::Get,
            path: "/findings".to_owned(),
            role: Role::Viewer,
            area: Area::Findings,
            name: "list_finding".to_owned(),
            about: "Findings, the most urgent first".to_owned(),
            query: &[
                ("state", "only those in this state"),
                ("advisory", "only those of this advisory"),
                (
                    "subject",
                    "only those that concern `asset/ID` or `application/ID`",
                ),
                AFTER,
                LIMIT,
            ],
            input: None,
            output: schema::<Listed<FindingShown>>,
            status: 200,
            versioned: false,
            handle: list,
        },
        Route {
            method: Method::Post,
            path: "/findings".to_owned(),
            role: Role::Operator,
            area: Area::Findings,
            name: "open_finding".to_owned(),
            about: about.to_owned(),
            query: &[],
            input: Some(schema::<Found>),
            output: schema::<FindingShown>,
            status: 201,
            versioned: true,
            handle: open,
        },
        Route {
            method: Method::Get,
            path: "/findings/{id}".to_owned(),
            role: Role::Viewer,
            area: Area::Findings,
            name: "get_finding".to_owned(),
            about: "The finding with this number".to_owned(),
            query: &[],
            input: None,
            output: schema::<FindingShown>,
            status: 200,
            versioned: true,
            handle: get,
        },
        Route {
            method: Method::Post,
            path: "/findings/{id}/moves".to_owned(),
            role: Role::Operator,
            area: Area::Findings,
            name: "move_finding".to_owned(),
            about: "Move a finding".to_owned(),
            query: &[],
            input: Some(schema::<Move>),
            output: schema::<FindingShown>,
            status: 200,
            versioned: true,
            handle: go,
        },
    ]
}

fn shown(stored: Stored<Finding>) -> Result<Reply, serde_json::Error> {
    let shown = FindingShown::from(stored);
    Ok(Reply::found(&shown)?.of_version(shown.version))
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let filter = FindingFilter {
        state: call.asked_as("state")?,
        advisory: call.asked_as("advisory")?,
        subject: call.asked_as("subject")?,
    };
    let paging = call.paging()?;
    let page = call.store.read(|it| it.findings(&filter, paging))?;
    Ok(Reply::found(&Listed::of(page, FindingShown::from))?)
}

fn open(call: &Call<'_>) -> Result<Reply, Problem> {
    let found: Found = call.body()?;
    call.change(|it| {
        let opened = it.open_finding(&found.advisory, &found.subject)?;
        let location = call.below(&opened.finding.value.id.to_string());
        let reply = shown(opened.finding)?;
        Ok(match opened.new {
            true => reply.made(location),
            false => reply,
        })
    })
}

fn get(call: &Call<'_>) -> Result<Reply, Problem> {
    let id = call.number()?;
    let found = call.store.read(|it| it.finding(id))?;
    Ok(call.unless_known(shown(found)?))
}

fn go(call: &Call<'_>) -> Result<Reply, Problem> {
    let (id, step): (_, Move) = (call.number()?, call.body()?);
    call.change(|it| Ok(shown(it.move_finding(id, &step, call.expected())?)?))
}

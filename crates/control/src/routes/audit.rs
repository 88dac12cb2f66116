//! The audit log.

use ledger::audit::{Entry, Head};
use ledger::{Area, Role};
use schemars::JsonSchema;
use serde::Serialize;

use super::{AFTER, LIMIT, Method, Route, schema};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Listed, Reply};

/// Whether the log holds.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditVerification")]
struct Verified {
    /// Whether every entry holds the hash of the one before it.
    holds: bool,
    /// The log's end, if it holds.
    last: Option<Head>,
    /// The number of the first entry that does not hold.
    broken: Option<i64>,
    /// What is wrong with it.
    message: Option<String>,
}

pub(super) fn all() -> [Route; 2] {
    [
        Route {
            method: Method::Get,
            path: "/audit".to_owned(),
            role: Role::Viewer,
            area: Area::Audit,
            name: "list_audit".to_owned(),
            about: "The log of all changes, the newest first".to_owned(),
            query: &[
                ("subject", "only those of this, such as `finding/17`"),
                AFTER,
                LIMIT,
            ],
            input: None,
            output: schema::<Listed<Entry>>,
            status: 200,
            versioned: false,
            handle: list,
        },
        Route {
            method: Method::Get,
            path: "/audit/verification".to_owned(),
            role: Role::Operator,
            area: Area::Audit,
            name: "verify_audit".to_owned(),
            about: "Read the whole log: does it hold?".to_owned(),
            query: &[],
            input: None,
            output: schema::<Verified>,
            status: 200,
            versioned: false,
            handle: verify,
        },
    ]
}

fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    let paging = call.paging()?;
    let page = call
        .store
        .read(|it| it.audit(call.asked("subject"), paging))?;
    Ok(Reply::found(&Listed::of(page, |entry| entry))?)
}

fn verify(call: &Call<'_>) -> Result<Reply, Problem> {
    let verified = match call.store.read(|it| it.verify_audit(None)) {
        Ok(head) => Verified {
            holds: true,
            last: Some(head),
            broken: None,
            message: None,
        },
        Err(error) => match error.broken() {
            Some(broken) => Verified {
                holds: false,
                last: None,
                broken: Some(broken.sequence),
                message: Some(broken.to_string()),
            },
            None => return Err(error.into()),
        },
    };
    Ok(Reply::found(&verified)?)
}

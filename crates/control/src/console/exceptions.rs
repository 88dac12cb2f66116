//! Exceptions: what is not fixed now, and what protects instead.

use askama::Template;
use ledger::exception::{About, Protection, Standing};
use ledger::{Area, Role};
use serde_json::{Value, json};

use super::change::{day, wanted};
use super::look::{first, list};
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::protection::must_protect;
use crate::reply::Listed;
use crate::routes::{ExceptionShown, FindingShown};

/// What is shown where nothing is chosen, in this order: what does not protect any more, what
/// waits for somebody, what counts.
const FIRST: [Standing; 3] = [Standing::Void, Standing::Requested, Standing::InForce];
/// Findings of an exception that its page shows.
const FINDINGS: usize = 50;

#[derive(Template)]
#[template(path = "exceptions.html")]
struct ExceptionsPage {
    frame: Frame,
    standings: Vec<&'static str>,
    chosen: String,
    groups: Vec<(Standing, Vec<ExceptionShown>)>,
    next: Option<String>,
    more: bool,
}

pub(super) fn exceptions(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let chosen = visit.query.get("standing").to_owned();
    let (mut groups, mut next, mut more) = (Vec::new(), None, false);
    if chosen.is_empty() {
        for standing in FIRST {
            let target = format!("/exceptions?standing={standing}");
            let (found, others) = first::<ExceptionShown>(visit, &target)?;
            more |= others;
            groups.push((standing, found));
        }
    } else {
        let (found, after): (Listed<ExceptionShown>, _) = list(visit, "/exceptions")?;
        next = after;
        let standing = Standing::ALL.iter().find(|it| it.name() == chosen);
        groups.extend(standing.map(|it| (*it, found.items)));
    }
    groups.retain(|(_, found)| !found.is_empty());
    Ok(Shown::Page(filled(&ExceptionsPage {
        frame: visit.frame("/exceptions"),
        standings: Standing::ALL.iter().map(|it| it.name()).collect(),
        chosen,
        groups,
        next,
        more,
    })?))
}

/// How good it is.
fn class(standing: &Standing) -> &'static str {
    match standing {
        Standing::Void => "bad",
        Standing::Requested => "warn",
        Standing::InForce => "good",
        Standing::Revoked => "quiet",
    }
}

fn about(about: &About) -> String {
    match about {
        About::Findings(findings) if findings.len() == 1 => "one finding".to_owned(),
        About::Findings(findings) => format!("{} findings", findings.len()),
        About::Advisory(id) => id.clone(),
        About::Subject(subject) => subject.to_string(),
    }
}

#[derive(Template)]
#[template(path = "exception.html")]
struct ExceptionPage {
    frame: Frame,
    exception: ExceptionShown,
    /// What does not protect now; empty: it does.
    unprotected: String,
    /// The virtual patch that protects.
    patch: Option<String>,
    findings: Vec<FindingShown>,
    may_approve: bool,
    may_change: bool,
}

pub(super) fn exception(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let exception: ExceptionShown = visit.get(&format!("/exceptions/{}", visit.id()))?;
    let value = &exception.value;
    let findings = value.findings.iter().take(FINDINGS);
    let findings = findings.map(|id| visit.get(&format!("/findings/{id}")));
    let findings = findings.collect::<Result<_, _>>()?;
    let store = &visit.service.store;
    let unprotected = match store.read(|it| must_protect(it, value, visit.now_ms)) {
        Ok(()) => String::new(),
        Err(why) if why.is_refused() => why.to_string(),
        Err(why) => return Err(why.into()),
    };
    let alone = visit.service.policy.two_persons && visit.token.who == value.requested_by;
    let standing = exception.standing;
    let goes = matches!(standing, Standing::Requested | Standing::InForce);
    Ok(Shown::Page(filled(&ExceptionPage {
        frame: visit.frame("/exceptions"),
        may_approve: standing == Standing::Requested
            && !alone
            && visit.may(Role::Approver, Area::Findings),
        may_change: goes && visit.may(Role::Operator, Area::Findings),
        patch: match &value.terms.protection {
            Protection::VirtualPatch { patch } => Some(patch.clone()),
            Protection::NetworkIsolation(_) | Protection::OtherControl { .. } => None,
        },
        unprotected,
        findings,
        exception,
    })?))
}

pub(super) fn move_exception(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (form, path) = (&visit.form, format!("/exceptions/{}", visit.id()));
    let said = match wanted(form, "move")? {
        "approve" => {
            visit.post(&format!("{path}/approvals"), &Value::Null)?;
            return Ok(Shown::Elsewhere(path));
        }
        "recheck" => json!({ "recheck": {
            "seen": wanted(form, "seen_now")?,
            "recheck_ms": day(wanted(form, "recheck_ms")?)?,
        } }),
        step => json!({ step: { "reason": wanted(form, "why")? } }),
    };
    visit.post(&format!("{path}/moves"), &said)?;
    Ok(Shown::Elsewhere(path))
}

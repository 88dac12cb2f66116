//! What forms do.

use askama::Template;
use ledger::{AwaitedFix, VirtualPatch};
use serde_json::{Value, json};

use super::render::{Frame, filled};
use super::visit::{Fields, Shown, Visit};
use super::workshop::Workshop;
use crate::problem::{Kind, Problem};
use crate::reply::Versioned;

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Malformed, detail)
}

/// A field of a form that must not be empty.
pub(super) fn wanted<'f>(form: &'f Fields, name: &str) -> Result<&'f str, Problem> {
    match form.get(name).trim() {
        "" => Err(wrong(format!("fill in `{name}`"))),
        text => Ok(text),
    }
}

/// Midnight at the beginning of a day, UTC, in milliseconds.
pub(super) fn day(text: &str) -> Result<i64, Problem> {
    let date: jiff::civil::Date = text
        .parse()
        .map_err(|_| wrong(format!("`{text}` is no day: write 2027-01-31")))?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC);
    start
        .map(|start| start.timestamp().as_millisecond())
        .map_err(|why| wrong(why.to_string()))
}

/// The forms that ask for an exception.
pub(super) const EXCEPT: &str = "except";
pub(super) const EXCEPT_BY_PATCH: &str = "except-by-patch";

/// Asks for an exception of a finding, which counts when somebody has approved it.
fn ask_exception(visit: &Visit<'_>, protection: &Value) -> Result<(), Problem> {
    let form = &visit.form;
    let finding: i64 = visit.id().parse().map_err(|_| wrong("no such finding"))?;
    let terms = json!({
        "about": { "findings": [finding] },
        "reason": wanted(form, "reason")?,
        "owner": wanted(form, "owner")?,
        "expires_ms": day(wanted(form, "expires_ms")?)?,
        "protection": protection,
    });
    visit.post("/exceptions", &terms)?;
    Ok(())
}

pub(super) fn move_finding(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let step = wanted(form, "move")?;
    let text = |name: &str| wanted(form, name).map(str::to_owned);
    let path = format!("/findings/{}", visit.id());
    let said = match step {
        EXCEPT => {
            let evidence =
                json!({ "seen": text("evidence")?, "recheck_ms": day(&text("recheck_ms")?)? });
            let control = json!({ "what": text("what")?, "evidence": evidence });
            ask_exception(visit, &json!({ "other-control": control }))?;
            return Ok(Shown::Elsewhere(path));
        }
        EXCEPT_BY_PATCH => {
            let patch = json!({ "patch": text("patch")? });
            ask_exception(visit, &json!({ "virtual-patch": patch }))?;
            return Ok(Shown::Elsewhere(path));
        }
        "shield" => json!({ "patch": text("patch")? }),
        "schedule" => json!({ "by": text("by")?, "due_ms": day(&text("due_ms")?)? }),
        "fix" => json!({ "version": text("version")? }),
        "verify" => json!({ "evidence": text("evidence")? }),
        _ => json!({}),
    };
    visit.post(&format!("{path}/moves"), &json!({ step: said }))?;
    Ok(Shown::Elsewhere(path))
}

pub(super) fn move_rollout(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let path = format!("/rollouts/{}", visit.id());
    match wanted(&visit.form, "move")? {
        "approve" => visit.post(&format!("{path}/approvals"), &Value::Null)?,
        step => {
            let said = match step {
                "pause" | "report" => json!({ "reason": wanted(&visit.form, "why")? }),
                _ => json!({}),
            };
            visit.post(&format!("{path}/moves"), &json!({ step: said }))?
        }
    };
    Ok(Shown::Elsewhere(path))
}

pub(super) fn workshop<'v>(visit: &'v Visit<'_>) -> Result<&'v dyn Workshop, Problem> {
    let none = || Problem::new(Kind::Missing, "patches are not made or proven here");
    visit.service.workshop.as_deref().ok_or_else(none)
}

#[derive(Template)]
#[template(path = "new_patch.html")]
struct NewPatchPage {
    frame: Frame,
    kinds: Vec<(&'static str, &'static str)>,
    troubles: Vec<String>,
    made: bool,
    document: String,
    fix: String,
}

fn new_patch_with(
    visit: &Visit<'_>,
    troubles: Vec<String>,
    made: Option<(String, String)>,
) -> Result<Shown, Problem> {
    let kinds = workshop(visit)?.kinds();
    let is_made = made.is_some();
    let (document, fix) = made.unwrap_or_default();
    Ok(Shown::Page(filled(&NewPatchPage {
        frame: visit.frame("/patches"),
        kinds,
        troubles,
        made: is_made,
        document,
        fix,
    })?))
}

pub(super) fn new_patch(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let ready = match visit.query.get("advisory") {
        "" => None,
        advisory => workshop(visit)?.ready(advisory),
    };
    new_patch_with(visit, Vec::new(), ready.map(|it| (it.document, it.fix)))
}

/// Makes a document from what was uploaded, for review: nothing is kept yet.
pub(super) fn import_patch(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let (kind, text) = (wanted(form, "kind")?, wanted(form, "file")?);
    let (mut troubles, mut first) = (Vec::new(), None);
    for made in workshop(visit)?.make(kind, form.get("file_name"), text) {
        match made {
            Ok(made) if first.is_none() => first = Some((made.document, made.fix)),
            Ok(_) => troubles.push(
                "it describes more than one vulnerability: this is the first; `stopgap patch import` makes all"
                    .to_owned(),
            ),
            Err(why) => troubles.push(why),
        }
    }
    new_patch_with(visit, troubles, first)
}

/// The document of a form; a browser sends line ends of its own.
pub(super) fn typed(form: &Fields) -> Result<String, Problem> {
    Ok(wanted(form, "document")?.replace("\r\n", "\n") + "\n")
}

/// Keeps a document whose cases hold.
pub(super) fn keep_patch(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let form = &visit.form;
    let document = typed(form)?;
    let link = wanted(form, "fix")?.to_owned();
    let examined = match workshop(visit)?.examine(&document, visit.now_ms) {
        Ok(examined) => examined,
        Err(troubles) => return new_patch_with(visit, troubles, Some((document, link))),
    };
    let advisory = &examined.advisory;
    let known: Result<Value, Problem> = visit.get(&format!("/advisories/{}", advisory.id));
    if known.is_err() {
        visit.post("/advisories", &serde_json::to_value(advisory)?)?;
    }
    let path = format!("/patches/{}", examined.id);
    let patch = VirtualPatch {
        id: examined.id,
        title: examined.title,
        advisories: vec![examined.advisory.id],
        owner: examined.owner,
        reason: examined.reason,
        expires_ms: examined.expires_ms,
        fix: AwaitedFix {
            link,
            verified_by: None,
        },
        document,
    };
    visit.post("/patches", &serde_json::to_value(&patch)?)?;
    Ok(Shown::Elsewhere(path))
}

/// Proves the patch's present document, and begins to deploy it.
pub(super) fn start_rollout(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let id = visit.id();
    let patch: Versioned<VirtualPatch> = visit.get(&format!("/patches/{id}"))?;
    let examined = workshop(visit)?.examine(&patch.value.document, visit.now_ms);
    let examined = examined.map_err(|why| Problem::new(Kind::Refused, why.join("; ")))?;
    let begin = json!({
        "patch": id,
        "environment": wanted(&visit.form, "environment")?,
        "evidence": { "proof": examined.proof },
    });
    let reply = visit.post("/rollouts", &begin)?;
    let number = reply.body.get("value").and_then(|value| value.get("id"));
    Ok(Shown::Elsewhere(match number {
        Some(number) => format!("/rollouts/{number}"),
        None => "/rollouts".to_owned(),
    }))
}

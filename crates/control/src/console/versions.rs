//! A patch's document: what tries of it show, what it was before, and another in its place.

use askama::Template;
use ledger::audit::Entry;
use ledger::{Area, Role, Rollout, VirtualPatch};

use super::change::{typed, wanted, workshop};
use super::look::list_of;
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::reply::Versioned;

#[derive(Template)]
#[template(path = "proof.html")]
struct ProofPage {
    frame: Frame,
    id: String,
    drawn: String,
}

fn patch(visit: &Visit<'_>) -> Result<Versioned<VirtualPatch>, Problem> {
    visit.get(&format!("/patches/{}", visit.id()))
}

/// Tries the present document anew, and draws what came of it.
pub(super) fn proof(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let patch = patch(visit)?;
    let drawn = workshop(visit)?.draw(&patch.value.document);
    let drawn = drawn.map_err(|why| Problem::new(Kind::Refused, why.join("; ")))?;
    Ok(Shown::Page(filled(&ProofPage {
        frame: visit.frame("/patches"),
        id: patch.value.id,
        drawn,
    })?))
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    id: String,
    versions: Vec<Version>,
    next: Option<String>,
}

/// What a patch was, as the log of changes holds it.
struct Version {
    entry: Entry,
    /// What is another in the document than before; none: this is the first that is shown.
    difference: Option<String>,
    document: String,
}

/// Each version of the patch, the newest first, with what it changed.
pub(super) fn history(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let workshop = workshop(visit)?;
    let (entries, next) = list_of::<Entry>(visit, "/audit", &[("subject", &subject(visit))])?;
    let mut versions: Vec<Version> = Vec::new();
    for entry in entries.items {
        // Not all that the log tells of a patch is the whole of it.
        let Ok(patch) = serde_json::from_str::<VirtualPatch>(&entry.detail) else {
            continue;
        };
        if let Some(after) = versions.last_mut() {
            let difference = workshop.difference(&patch.document, &after.document);
            after.difference = Some(difference);
        }
        versions.push(Version {
            entry,
            difference: None,
            document: patch.document,
        });
    }
    Ok(Shown::Page(filled(&HistoryPage {
        frame: visit.frame("/patches"),
        id: visit.id().to_owned(),
        versions,
        next,
    })?))
}

fn subject(visit: &Visit<'_>) -> String {
    format!("patch/{}", visit.id())
}

/// Another document of a patch, to be reviewed.
#[derive(Template)]
#[template(path = "document.html")]
pub(super) struct DocumentPage {
    pub(super) frame: Frame,
    pub(super) patch: Versioned<VirtualPatch>,
    pub(super) may_change: bool,
    /// What is wrong with it.
    pub(super) troubles: Vec<String>,
    /// The request for which it is changed, drawn.
    pub(super) hit: Option<String>,
    pub(super) reasons: Vec<String>,
    pub(super) difference: String,
    pub(super) document: String,
    /// Where it can be told that a legitimate request was stopped.
    pub(super) rollouts: Vec<Versioned<Rollout>>,
}

impl DocumentPage {
    pub(super) fn of(visit: &Visit<'_>, patch: Versioned<VirtualPatch>) -> Self {
        Self {
            frame: visit.frame("/patches"),
            may_change: visit.may(Role::Operator, Area::Patches),
            troubles: Vec::new(),
            hit: None,
            reasons: Vec::new(),
            difference: String::new(),
            document: patch.value.document.clone(),
            rollouts: Vec::new(),
            patch,
        }
    }
}

/// The document, to be changed.
pub(super) fn document(visit: &Visit<'_>) -> Result<Shown, Problem> {
    Ok(Shown::Page(filled(&DocumentPage::of(
        visit,
        patch(visit)?,
    ))?))
}

/// Puts a document in the place of the patch's present one. What is deployed stays as it is: the
/// new one needs a proof and a rollout of its own.
pub(super) fn keep_document(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let document = typed(&visit.form)?;
    wanted(&visit.form, "seen")?;
    let before = patch(visit)?;
    let examined = workshop(visit)?.examine(&document, visit.now_ms);
    let examined = examined.and_then(|it| match it.id == before.value.id {
        true => Ok(it),
        false => Err(vec![format!("the document is of {}", it.id)]),
    });
    let examined = match examined {
        Ok(examined) => examined,
        Err(troubles) => {
            let page = DocumentPage {
                troubles,
                document,
                ..DocumentPage::of(visit, before)
            };
            return Ok(Shown::Page(filled(&page)?));
        }
    };
    let path = format!("/patches/{}", before.value.id);
    let after = VirtualPatch {
        title: examined.title,
        owner: examined.owner,
        reason: examined.reason,
        expires_ms: examined.expires_ms,
        document,
        ..before.value
    };
    visit.put(&path, &serde_json::to_value(&after)?)?;
    Ok(Shown::Elsewhere(path))
}

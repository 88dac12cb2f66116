//! Requests that matched, and what to do about one that should not have.

use std::collections::{BTreeSet, HashSet};

use askama::Template;
use ledger::rollout::Stage;
use ledger::{Area, Role, Rollout, VirtualPatch};
use wire::{Event, EventMatch};

use super::change::{wanted, workshop};
use super::look::{first, list};
use super::render::{Frame, filled, filters};
use super::versions::DocumentPage;
use super::visit::{Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::reply::{Listed, Versioned};

#[derive(Template)]
#[template(path = "hits.html")]
struct HitsPage {
    frame: Frame,
    hits: Vec<Hit>,
    next: Option<String>,
}

struct Hit {
    event: Event,
    /// What matched, each once.
    matches: Vec<EventMatch>,
    /// Whether nothing of it was to be carried out yet: it was in shadow, or outside a canary.
    only_watched: bool,
    /// The patches that matched, and where each can be changed so that it does not.
    patches: Vec<(String, String)>,
}

pub(super) fn hits(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (events, next) = list::<Event>(visit, "/events")?;
    let may_refine = visit.service.workshop.is_some() && visit.may(Role::Viewer, Area::Patches);
    let hits = events.items.into_iter().map(|event| {
        let refines = may_refine && event.probe.is_none();
        let asked = event.matches.iter().filter(|_| refines);
        let patches: BTreeSet<_> = asked.filter_map(|each| each.patch.clone()).collect();
        let patches = patches.into_iter().map(|patch| {
            let link = [
                ("ingress", &event.ingress),
                ("reference", &event.reference),
                ("patch", &patch),
            ];
            let mut query = form_urlencoded::Serializer::new(String::new());
            let query = query.extend_pairs(link).finish();
            (patch, query)
        });
        let patches = patches.collect();
        let told = |it: &EventMatch| (it.patch.clone(), it.target.clone(), it.value.clone());
        let mut known = HashSet::new();
        let once = event.matches.iter().filter(|it| known.insert(told(it)));
        Hit {
            matches: once.cloned().collect(),
            only_watched: event.matches.iter().all(|it| !it.enforced),
            event,
            patches,
        }
    });
    Ok(Shown::Page(filled(&HitsPage {
        frame: visit.frame("/hits"),
        hits: hits.collect(),
        next,
    })?))
}

/// Somebody says that a request was legitimate: the request as it is known, the smallest change
/// that lets it pass, and the rollouts that want to know.
pub(super) fn legitimate(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let workshop = workshop(visit)?;
    let id = wanted(&visit.query, "patch")?;
    let one = [
        ("ingress", wanted(&visit.query, "ingress")?),
        ("reference", wanted(&visit.query, "reference")?),
    ];
    let mut query = form_urlencoded::Serializer::new(String::new());
    let found: Listed<Event> =
        visit.get(&format!("/events?{}", query.extend_pairs(one).finish()))?;
    let gone = || Problem::new(Kind::Missing, "there is no such hit any more");
    let event = found.items.into_iter().next().ok_or_else(gone)?;
    let patch: Versioned<VirtualPatch> = visit.get(&format!("/patches/{id}"))?;
    let mut rollouts: Vec<Versioned<Rollout>> = Vec::new();
    if visit.may(Role::Operator, Area::Rollouts) {
        rollouts = first(visit, &format!("/rollouts?patch={id}"))?.0;
        rollouts.retain(|each| each.value.stage != Stage::Retired);
    }
    let hit = Some(workshop.draw_hit(id, &event));
    let mut page = DocumentPage {
        frame: visit.frame("/hits"),
        hit,
        rollouts,
        ..DocumentPage::of(visit, patch)
    };
    match workshop.refine(&page.document, &event) {
        Ok(Some(refined)) => {
            page.difference = workshop.difference(&page.document, &refined.document);
            page.document = refined.document;
            page.reasons = refined.reasons;
        }
        Ok(None) => page.troubles.push(
            "the present document lets it pass already, or no small change does and keeps every proof: change the rules by hand"
                .to_owned(),
        ),
        Err(why) => page.troubles.push(why),
    }
    Ok(Shown::Page(filled(&page)?))
}

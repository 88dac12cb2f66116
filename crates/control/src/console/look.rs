//! Pages that show.

use askama::Template;
use ledger::audit::Entry;
use ledger::rollout::{Evidence, Stage};
use ledger::{
    Advisory, Application, Area, Asset, IngressPoint, Role, Rollout, State, VirtualPatch,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::render::{Frame, filled, filters};
use super::today::{Task, tasks};
use super::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::reply::{Listed, Versioned};
use crate::routes::{ExceptionShown, FindingShown, GAP_DAYS};

/// Records of a kind that a page looks at where it shows several kinds.
pub(super) const MOST: usize = 200;
/// Entries of a page of a list.
pub(super) const PAGE: &str = "50";

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    frame: Frame,
    tasks: Vec<Task>,
    more: bool,
    most: usize,
}

pub(super) fn today(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (tasks, more) = tasks(visit)?;
    Ok(Shown::Page(filled(&TodayPage {
        frame: visit.frame("/"),
        tasks,
        more,
        most: MOST,
    })?))
}

/// A page of a list, and the path of the page after it.
pub(super) fn list<T: DeserializeOwned>(
    visit: &Visit<'_>,
    route: &str,
) -> Result<(Listed<T>, Option<String>), Problem> {
    list_of(visit, route, &[])
}

/// The same, with more that is asked for than the visit says.
pub(super) fn list_of<T: DeserializeOwned>(
    visit: &Visit<'_>,
    route: &str,
    more: &[(&str, &str)],
) -> Result<(Listed<T>, Option<String>), Problem> {
    let mut asked = form_urlencoded::Serializer::new(visit.query.with("limit", PAGE));
    let asked = asked.extend_pairs(more).finish();
    let list: Listed<T> = visit.get(&format!("{route}?{asked}"))?;
    let next = list.next.as_ref();
    let next = next.map(|next| format!("?{}", visit.query.with("after", next)));
    Ok((list, next))
}

/// The first records of a kind, and whether there are more.
pub(super) fn first<T: DeserializeOwned>(
    visit: &Visit<'_>,
    target: &str,
) -> Result<(Vec<T>, bool), Problem> {
    let mark = if target.contains('?') { '&' } else { '?' };
    let list: Listed<T> = visit.get(&format!("{target}{mark}limit={MOST}"))?;
    Ok((list.items, list.next.is_some()))
}

#[derive(Template)]
#[template(path = "findings.html")]
struct FindingsPage {
    frame: Frame,
    states: Vec<&'static str>,
    chosen: String,
    list: Listed<FindingShown>,
    next: Option<String>,
}

pub(super) fn findings(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (list, next) = list(visit, "/findings")?;
    Ok(Shown::Page(filled(&FindingsPage {
        frame: visit.frame("/findings"),
        states: State::ALL.iter().map(|state| state.name()).collect(),
        chosen: visit.query.get("state").to_owned(),
        list,
        next,
    })?))
}

#[derive(Template)]
#[template(path = "finding.html")]
struct FindingPage {
    frame: Frame,
    finding: FindingShown,
    /// None: it is not known here.
    advisory: Option<Advisory>,
    /// Whether there is a patch to take.
    ready: bool,
    exceptions: Vec<ExceptionShown>,
    may_change: bool,
    forms: Vec<MoveForm>,
}

/// A form that moves a finding.
pub(super) struct MoveForm {
    pub(super) step: &'static str,
    title: &'static str,
    /// The fields of the move, and what they ask for.
    fields: &'static [(&'static str, &'static str)],
}

const SHIELD: MoveForm = MoveForm {
    step: "shield",
    title: "A virtual patch stops it",
    fields: &[("patch", "Which patch")],
};
const EXPOSE: MoveForm = MoveForm {
    step: "expose",
    title: "The virtual patch no longer does",
    fields: &[],
};
const SCHEDULE: MoveForm = MoveForm {
    step: "schedule",
    title: "Plan the fix",
    fields: &[("by", "What will bring it"), ("due_ms", "By when")],
};
const EXCEPT: MoveForm = MoveForm {
    step: super::change::EXCEPT,
    title: "Do not fix it now: something else protects",
    fields: &[
        ("reason", "Why it is not fixed"),
        ("what", "What protects meanwhile"),
        ("evidence", "What shows that it does"),
        ("recheck_ms", "When that is looked at again"),
        ("owner", "Who answers for it"),
        ("expires_ms", "When it must be decided anew"),
    ],
};
const EXCEPT_BY_PATCH: MoveForm = MoveForm {
    step: super::change::EXCEPT_BY_PATCH,
    title: "Do not fix it now: a virtual patch protects",
    fields: &[
        ("reason", "Why it is not fixed"),
        ("patch", "Which patch"),
        ("owner", "Who answers for it"),
        ("expires_ms", "When it must be decided anew"),
    ],
};
const FIX: MoveForm = MoveForm {
    step: "fix",
    title: "The fix is there",
    fields: &[("version", "The version that has it")],
};
const VERIFY: MoveForm = MoveForm {
    step: "verify",
    title: "The fix holds",
    fields: &[("evidence", "What showed it")],
};
const REOPEN: MoveForm = MoveForm {
    step: "reopen",
    title: "It is there again",
    fields: &[],
};

/// What can be done with a finding in this state.
fn moves_of(finding: &FindingShown) -> Vec<MoveForm> {
    match finding.state {
        State::Fixed => vec![VERIFY, REOPEN],
        State::Closed => vec![REOPEN],
        state => {
            let mut moves = vec![FIX, SCHEDULE];
            if state != State::Excepted {
                moves.extend([EXCEPT, EXCEPT_BY_PATCH]);
            }
            moves.push(match finding.value.shield {
                Some(_) => EXPOSE,
                None => SHIELD,
            });
            moves
        }
    }
}

pub(super) fn finding(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let finding: FindingShown = visit.get(&format!("/findings/{}", visit.id()))?;
    let exceptions = first(visit, &format!("/exceptions?finding={}", visit.id()))?.0;
    let id = &finding.value.advisory;
    let advisory: Result<Versioned<Advisory>, _> = visit.get(&format!("/advisories/{id}"));
    // Whoever has made one or taken it has seen it.
    let known: Result<Value, _> = visit.get(&format!("/patches/{id}"));
    let workshop = visit.service.workshop.as_ref();
    let may_take = known.is_err() && visit.may(Role::Operator, Area::Patches);
    Ok(Shown::Page(filled(&FindingPage {
        ready: may_take && workshop.is_some_and(|it| it.ready(id).is_some()),
        advisory: advisory.ok().map(|it| it.value),
        frame: visit.frame("/findings"),
        may_change: visit.may(Role::Operator, Area::Findings),
        forms: moves_of(&finding),
        exceptions,
        finding,
    })?))
}

#[derive(Template)]
#[template(path = "patches.html")]
struct PatchesPage {
    frame: Frame,
    may_change: bool,
    list: Listed<Versioned<VirtualPatch>>,
    next: Option<String>,
}

pub(super) fn patches(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (list, next) = list(visit, "/patches")?;
    Ok(Shown::Page(filled(&PatchesPage {
        frame: visit.frame("/patches"),
        may_change: visit.may(Role::Operator, Area::Patches),
        list,
        next,
    })?))
}

#[derive(Template)]
#[template(path = "patch.html")]
struct PatchPage {
    frame: Frame,
    patch: Versioned<VirtualPatch>,
    rollouts: Vec<Versioned<Rollout>>,
    may_change: bool,
    may_edit: bool,
    explained: String,
}

pub(super) fn patch(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let patch: Versioned<VirtualPatch> = visit.get(&format!("/patches/{}", visit.id()))?;
    let rollouts = match visit.may(Role::Viewer, Area::Rollouts) {
        true => first(visit, &format!("/rollouts?patch={}", visit.id()))?.0,
        false => Vec::new(),
    };
    let workshop = &visit.service.workshop;
    let explained = workshop
        .as_ref()
        .map(|it| it.explain(&patch.value.document));
    Ok(Shown::Page(filled(&PatchPage {
        frame: visit.frame("/patches"),
        may_change: workshop.is_some() && visit.may(Role::Operator, Area::Rollouts),
        may_edit: workshop.is_some() && visit.may(Role::Operator, Area::Patches),
        explained: explained.unwrap_or_default(),
        patch,
        rollouts,
    })?))
}

#[derive(Template)]
#[template(path = "rollouts.html")]
struct RolloutsPage {
    frame: Frame,
    stages: Vec<&'static str>,
    chosen: String,
    list: Listed<Versioned<Rollout>>,
    next: Option<String>,
}

pub(super) fn rollouts(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (list, next) = list(visit, "/rollouts")?;
    Ok(Shown::Page(filled(&RolloutsPage {
        frame: visit.frame("/rollouts"),
        stages: Stage::ALL.iter().map(|stage| stage.name()).collect(),
        chosen: visit.query.get("stage").to_owned(),
        list,
        next,
    })?))
}

#[derive(Template)]
#[template(path = "rollout.html")]
struct RolloutPage {
    frame: Frame,
    rollout: Versioned<Rollout>,
    track: Vec<Passed>,
    evidence: String,
    may_change: bool,
    moves: Vec<(&'static str, &'static str, bool)>,
}

/// A step of a rollout's way.
struct Passed {
    name: String,
    now: bool,
    past: bool,
}

/// The way of a rollout, with the shares of its canary.
fn track(rollout: &Rollout) -> Vec<Passed> {
    let shares = rollout.rules.canary_percent.iter();
    let canary = shares.map(|share| (Stage::Canary, Some(*share)));
    let mut steps = vec![(Stage::Test, None), (Stage::Shadow, None)];
    steps.extend(canary);
    steps.extend([(Stage::Enforce, None), (Stage::Retired, None)]);
    let at = (rollout.stage, rollout.share_percent);
    let steps = steps.into_iter().map(|step| Passed {
        name: match step {
            (stage, Some(share)) => format!("{stage} {share} %"),
            (stage, None) => stage.name().to_owned(),
        },
        now: step == at,
        past: step < at,
    });
    steps.collect()
}

/// What can be done with a rollout; whether that leads back.
fn moves(visit: &Visit<'_>, rollout: &Rollout) -> Vec<(&'static str, &'static str, bool)> {
    let mut moves = Vec::new();
    let stage = rollout.stage;
    if visit.may(Role::Operator, Area::Rollouts) {
        if !matches!(stage, Stage::Enforce | Stage::Retired) && rollout.paused.is_none() {
            moves.push(("promote", "Promote", false));
        }
        match rollout.paused {
            Some(_) => moves.push(("resume", "Resume", false)),
            None if stage != Stage::Retired => moves.push(("pause", "Pause", false)),
            None => {}
        }
        if stage != Stage::Test {
            moves.push(("demote", "Roll back one step", true));
        }
        if stage != Stage::Retired {
            moves.push(("retire", "Retire", true));
        }
    }
    let consented = rollout
        .approvals
        .iter()
        .any(|approval| approval.who == visit.token.who);
    if visit.may(Role::Approver, Area::Rollouts) && !consented && stage < Stage::Enforce {
        moves.push(("approve", "Consent to enforcing", false));
    }
    moves
}

pub(super) fn rollout(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let rollout: Versioned<Rollout> = visit.get(&format!("/rollouts/{}", visit.id()))?;
    let moves = moves(visit, &rollout.value);
    let evidence = match &rollout.value.evidence {
        Evidence::Proven(_) => "proven: its cases and their evasions were tried".to_owned(),
        Evidence::Owed { reason, due_ms } => {
            let late = if *due_ms <= visit.now_ms {
                "overdue"
            } else {
                "owed"
            };
            format!("the proof is {late}: {reason}")
        }
    };
    Ok(Shown::Page(filled(&RolloutPage {
        frame: visit.frame("/rollouts"),
        track: track(&rollout.value),
        evidence,
        may_change: !moves.is_empty(),
        moves,
        rollout,
    })?))
}

#[derive(Template)]
#[template(path = "inventory.html")]
struct InventoryPage {
    frame: Frame,
    ingress: Vec<Versioned<IngressPoint>>,
    applications: Vec<Versioned<Application>>,
    assets: Vec<Stocked>,
    gap_days: u32,
    more: bool,
    most: usize,
}

/// An asset, and what is missing of it.
struct Stocked {
    value: Asset,
    gaps: Vec<inventory::Gap>,
}

pub(super) fn inventory(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (ingress, more_ingress) = first(visit, "/ingress-points")?;
    let (applications, more_applications) = first(visit, "/applications")?;
    let (assets, more_assets) = first::<Versioned<Asset>>(visit, "/assets")?;
    let assets = assets.into_iter().map(|it| Stocked {
        gaps: inventory::gaps(&it.value, GAP_DAYS, visit.now_ms),
        value: it.value,
    });
    Ok(Shown::Page(filled(&InventoryPage {
        frame: visit.frame("/inventory"),
        ingress,
        applications,
        assets: assets.collect(),
        gap_days: GAP_DAYS,
        more: more_ingress || more_applications || more_assets,
        most: MOST,
    })?))
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    subject: Option<String>,
    list: Listed<Entry>,
    next: Option<String>,
}

pub(super) fn audit(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (list, next) = list(visit, "/audit")?;
    let subject = visit.query.get("subject").to_owned();
    Ok(Shown::Page(filled(&AuditPage {
        frame: visit.frame("/audit"),
        subject: Some(subject).filter(|subject| !subject.is_empty()),
        list,
        next,
    })?))
}

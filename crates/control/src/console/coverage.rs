//! Which patch is enforced where, as ingress points attest it, and where nothing is.

use std::collections::BTreeMap;

use askama::Template;
use ledger::probe::Shown as Outcome;
use ledger::rollout::Stage;
use ledger::{Area, Environment, Role};
use serde_json::json;

use super::change::wanted;
use super::look::{MOST, first};
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::coverage::{Does, PatchCovered, PatchesCovered, PointCovered};
use crate::fleet::{PointState, state_of};
use crate::problem::Problem;
use crate::reply::{Listed, Versioned};
use crate::routes::{BundleShown, GatewayShown};

/// Ingress points of an environment that have a column.
const COLUMNS: usize = 20;
/// Holes of an ingress point that are shown one by one.
const HOLES: usize = 20;

#[derive(Template)]
#[template(path = "coverage.html")]
struct CoveragePage {
    frame: Frame,
    /// One for each environment that has a bundle or an ingress point.
    matrices: Vec<Matrix>,
    may_roll_back: bool,
    more: bool,
    most: usize,
}

/// The patches of an environment's newest bundle by its ingress points.
struct Matrix {
    environment: Environment,
    /// The newest bundle; 0: none yet.
    number: u64,
    made_ms: i64,
    points: Vec<Point>,
    rows: Vec<Row>,
}

/// An ingress point.
struct Point {
    id: String,
    /// The class of its state, and the state.
    class: &'static str,
    state: String,
    /// Ways on which nothing enforces, each with what to do.
    holes: Vec<(String, String)>,
    more_holes: usize,
}

struct Row {
    patch: String,
    wanted: String,
    /// For each ingress point, the class of what it does, and that.
    cells: Vec<(&'static str, String)>,
}

pub(super) fn coverage(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (gateways, more_gateways) = first::<Versioned<GatewayShown>>(visit, "/gateways")?;
    let (points, mut more) = first::<PointCovered>(visit, "/coverage")?;
    let bundles: Vec<BundleShown> = visit.get::<Listed<_>>("/bundles")?.items;
    let gateways = gateways.iter().map(|it| &it.value);
    let gateways: BTreeMap<_, _> = gateways.map(|it| (it.gateway.id.as_str(), it)).collect();
    let mut matrices = Vec::new();
    for &environment in Environment::ALL.iter().rev() {
        let points = points.iter().filter(|it| it.environment == environment);
        let points: Vec<_> = points.collect();
        let bundle = bundles.iter().find(|it| it.environment == environment);
        if bundle.is_none() && points.is_empty() {
            continue;
        }
        more |= points.len() > COLUMNS;
        matrices.push(matrix(visit, (environment, bundle), &gateways, &points)?);
    }
    Ok(Shown::Page(filled(&CoveragePage {
        frame: visit.frame("/coverage"),
        matrices,
        may_roll_back: visit.may(Role::Operator, Area::Rollouts),
        more: more_gateways || more,
        most: MOST.min(COLUMNS),
    })?))
}

fn matrix(
    visit: &Visit<'_>,
    (environment, bundle): (Environment, Option<&BundleShown>),
    gateways: &BTreeMap<&str, &GatewayShown>,
    points: &[&PointCovered],
) -> Result<Matrix, Problem> {
    let number = bundle.map_or(0, |bundle| bundle.number);
    let entries = bundle.map_or(&[][..], |bundle| &bundle.content);
    let mut columns = Vec::new();
    for point in points.iter().take(COLUMNS) {
        let target = format!("/coverage/{}", point.ingress);
        columns.push(visit.get::<PatchesCovered>(&target)?.patches);
    }
    let rows = entries.iter().map(|entry| Row {
        patch: entry.patch.clone(),
        wanted: wanted_of(entry.stage, entry.share_percent),
        cells: columns
            .iter()
            .map(
                |column| match column.iter().find(|it| it.patch == entry.patch) {
                    Some(patch) => cell(patch),
                    None => ("bad", "nothing".to_owned()),
                },
            )
            .collect(),
    });
    Ok(Matrix {
        environment,
        number,
        made_ms: bundle.map_or(0, |bundle| bundle.made_ms),
        rows: rows.collect(),
        points: points
            .iter()
            .take(COLUMNS)
            .map(|point| column(point, gateways, number, visit.now_ms))
            .collect(),
    })
}

fn column(
    point: &PointCovered,
    gateways: &BTreeMap<&str, &GatewayShown>,
    number: u64,
    now_ms: i64,
) -> Point {
    let (class, state) = match gateways.get(point.ingress.as_str()) {
        Some(gateway) => told_of(gateway, number, now_ms),
        None if point.holes.is_empty() && point.guards.is_empty() => {
            ("good", "leads to no application past the others".to_owned())
        }
        None if point.guards.is_empty() => ("bad", "hole: nothing enforces here".to_owned()),
        None => ("good", format!("enforced by {}", point.guards.join(", "))),
    };
    let (class, state) = match (class, point.holes.len()) {
        ("good" | "warn", holes @ 1..) => ("bad", format!("{state}; {holes} ways past it")),
        _ => (class, state),
    };
    let holes = point.holes.iter().take(HOLES).map(|hole| {
        let to = hole.application.as_ref().map(|it| format!(" to {it}"));
        let to = to.unwrap_or_default();
        let what = format!("hole: {}{}{to}: {}", hole.host, hole.prefix, hole.why);
        (what, hole.remedy.replace('`', ""))
    });
    Point {
        id: point.ingress.clone(),
        class,
        state,
        holes: holes.collect(),
        more_holes: point.holes.len().saturating_sub(HOLES),
    }
}

/// How an ingress point is: the class, and words for it.
fn told_of(gateway: &GatewayShown, newest: u64, now_ms: i64) -> (&'static str, String) {
    let said = gateway.attestation.as_ref();
    let said = said.map(|said| (said, &*gateway.differing));
    match state_of(&gateway.gateway, gateway.seen_ms, said, newest, now_ms) {
        PointState::Revoked => ("bad", "revoked: it gets nothing new".to_owned()),
        PointState::Hole => (
            "bad",
            "hole: it has joined, and has not attested anything".to_owned(),
        ),
        PointState::Refuses(refused) => (
            "bad",
            format!(
                "refuses the newest bundle ({}): {}",
                refused.reason, refused.detail
            ),
        ),
        PointState::Silent { for_ms, bundle } => {
            let minutes = for_ms / 60_000;
            (
                "warn",
                format!("silent for {minutes} minutes, then at bundle {bundle}"),
            )
        }
        PointState::Differs(patches) => (
            "bad",
            format!("does not enforce its bundle: {patches} patches differ"),
        ),
        PointState::Behind(bundle) => (
            "warn",
            format!("enforces bundle {bundle}, not yet {newest}"),
        ),
        PointState::Enforces => ("good", format!("enforces bundle {newest}")),
    }
}

fn wanted_of(stage: Stage, share_percent: Option<u8>) -> String {
    match share_percent {
        Some(share) => format!("{stage} {share} %"),
        None => stage.to_string(),
    }
}

/// What an ingress point does with a patch, and what the last probe has shown.
fn cell(patch: &PatchCovered) -> (&'static str, String) {
    let (class, does) = match (patch.does, patch.stage) {
        (Does::Nothing, _) => ("bad", "nothing".to_owned()),
        (Does::Differs, _) => ("bad", "not as the bundle says".to_owned()),
        (Does::Older, _) => ("warn", "as an earlier bundle says".to_owned()),
        (Does::AsWanted, Stage::Enforce) => ("good", wanted_of(patch.stage, None)),
        (Does::AsWanted, stage) => ("warn", wanted_of(stage, patch.share_percent)),
    };
    let Some(probe) = patch.probe.as_ref().filter(|probe| probe.current) else {
        return (class, does);
    };
    let when = filters::written(probe.sent_ms);
    match probe.shows {
        Outcome::Blocked => (class, format!("{does}; a probe was stopped at {when}")),
        Outcome::Passed => ("bad", format!("{does}, but a probe went through at {when}")),
        Outcome::Elsewhere => (
            "bad",
            format!("{does}, but another than the patch refused a probe at {when}"),
        ),
        Outcome::Recorded => (
            "bad",
            format!("{does}, but a probe was only recorded at {when}"),
        ),
        Outcome::Unreachable => ("warn", format!("{does}; no answer to a probe at {when}")),
        Outcome::Unsent => (class, format!("{does}; no case that may be sent")),
        Outcome::Waiting => (class, format!("{does}; a probe is under way")),
    }
}

/// Leads an environment back to the bundle before.
pub(super) fn roll_back(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let environment = wanted(&visit.form, "environment")?;
    visit.post("/rollback", &json!({ "environment": environment }))?;
    Ok(Shown::Elsewhere("/coverage".to_owned()))
}

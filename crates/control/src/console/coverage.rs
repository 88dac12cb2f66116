//! Which patch is enforced where, as ingress points attest it, and where nothing is.

use askama::Template;
use ledger::bundle::Entry;
use ledger::rollout::Stage;
use ledger::{Area, Environment, IngressPoint, Role};
use serde_json::json;

use super::change::wanted;
use super::look::{MOST, first};
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::fleet::{PointState, state_of};
use crate::problem::Problem;
use crate::reply::{Listed, Versioned};
use crate::routes::{BundleShown, GatewayShown};

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
}

struct Row {
    patch: String,
    wanted: String,
    /// For each ingress point, the class of what it does, and that.
    cells: Vec<(&'static str, String)>,
}

pub(super) fn coverage(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (gateways, more_gateways) = first::<Versioned<GatewayShown>>(visit, "/gateways")?;
    let (points, more_points) = match visit.may(Role::Viewer, Area::Inventory) {
        true => first::<Versioned<IngressPoint>>(visit, "/ingress-points")?,
        false => (Vec::new(), false),
    };
    let bundles: Vec<BundleShown> = visit.get::<Listed<_>>("/bundles")?.items;
    let matrices = Environment::ALL.iter().rev().filter_map(|&environment| {
        let here = |gateway: &&GatewayShown| gateway.gateway.environment == environment;
        let gateways: Vec<_> = gateways.iter().map(|it| &it.value).filter(here).collect();
        let points = points.iter().map(|it| &it.value);
        let points: Vec<_> = points.filter(|it| it.environment == environment).collect();
        let bundle = bundles.iter().find(|it| it.environment == environment);
        let any = bundle.is_some() || !points.is_empty() || !gateways.is_empty();
        any.then(|| matrix(environment, bundle, &gateways, &points, visit.now_ms))
    });
    Ok(Shown::Page(filled(&CoveragePage {
        frame: visit.frame("/coverage"),
        matrices: matrices.collect(),
        may_roll_back: visit.may(Role::Operator, Area::Rollouts),
        more: more_gateways || more_points,
        most: MOST,
    })?))
}

fn matrix(
    environment: Environment,
    bundle: Option<&BundleShown>,
    gateways: &[&GatewayShown],
    points: &[&IngressPoint],
    now_ms: i64,
) -> Matrix {
    let number = bundle.map_or(0, |bundle| bundle.number);
    let mut columns: Vec<(Point, Option<&GatewayShown>)> = Vec::new();
    for &gateway in gateways {
        let (class, state) = told_of(gateway, number, now_ms);
        let id = gateway.gateway.id.clone();
        columns.push((Point { id, class, state }, Some(gateway)));
    }
    for point in points {
        if gateways
            .iter()
            .any(|gateway| gateway.gateway.id == point.id)
        {
            continue;
        }
        let state = format!(
            "hole: nothing enforces here. `stopgap ingress enrol {} --environment {environment}` lets a gateway join",
            point.id
        );
        let id = point.id.clone();
        columns.push((
            Point {
                id,
                class: "bad",
                state,
            },
            None,
        ));
    }
    let entries = bundle.map_or(&[][..], |bundle| &bundle.content);
    let rows = entries.iter().map(|entry| Row {
        patch: entry.patch.clone(),
        wanted: stage_of(entry),
        cells: columns
            .iter()
            .map(|(_, gateway)| cell(entry, *gateway, number))
            .collect(),
    });
    Matrix {
        environment,
        number,
        made_ms: bundle.map_or(0, |bundle| bundle.made_ms),
        rows: rows.collect(),
        points: columns.into_iter().map(|(point, _)| point).collect(),
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

fn stage_of(entry: &Entry) -> String {
    match entry.share_percent {
        Some(share) => format!("{} {share} %", entry.stage),
        None => entry.stage.to_string(),
    }
}

/// What an ingress point does with a patch.
fn cell(entry: &Entry, gateway: Option<&GatewayShown>, newest: u64) -> (&'static str, String) {
    let said = gateway.and_then(|gateway| Some((gateway, gateway.attestation.as_ref()?)));
    let Some((gateway, said)) = said else {
        return ("bad", "nothing".to_owned());
    };
    if gateway.differing.contains(&entry.patch) {
        return ("bad", "not as the bundle says".to_owned());
    }
    if said.bundle != newest {
        return ("warn", format!("as bundle {} says", said.bundle));
    }
    let class = match entry.stage {
        Stage::Enforce => "good",
        _ => "warn",
    };
    (class, stage_of(entry))
}

/// Leads an environment back to the bundle before.
pub(super) fn roll_back(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let environment = wanted(&visit.form, "environment")?;
    visit.post("/rollback", &json!({ "environment": environment }))?;
    Ok(Shown::Elsewhere("/coverage".to_owned()))
}

//! What the ledger holds, as metrics; all of it is of one moment.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use ledger::coverage::Map;
use ledger::due::WARNING_MS;
use ledger::rollout::{Evidence, Stage};
use ledger::{Attention, Environment, IngressPoint, Rollout, State, TOLD, VirtualPatch};
use store::{Error, Page, Paging, Seen, Session, Stored};
use wire::Exposition;

use crate::fleet::{PointState, state_of};
use crate::serve::Service;

/// What is read of the ledger.
struct Held {
    bundles: Vec<(Environment, u64, i64)>,
    gateways: Vec<Seen>,
    points: Vec<IngressPoint>,
    rollouts: Vec<Rollout>,
    patches: Vec<VirtualPatch>,
    findings: Vec<(String, u64)>,
    changes: Vec<(String, u64)>,
    bytes: u64,
}

pub(super) fn show(service: &Service, to: &mut Exposition) -> Result<(), Error> {
    let now_ms = service.now_ms();
    let began = service.telemetry.began.load(Ordering::Relaxed);
    let held = service.store.read(|it| read(it, began))?;
    show_fleet(&held, now_ms, to);
    show_patches(&held.patches, now_ms, to);
    show_rollouts(&held.rollouts, now_ms, to);
    let help = "Findings, by their state.";
    let mut findings = to.gauge("stopgap_findings", help);
    let counts: BTreeMap<_, _> = held
        .findings
        .iter()
        .map(|(state, n)| (&**state, n))
        .collect();
    for state in State::ALL {
        let count = counts.get(state.name()).copied().unwrap_or(&0);
        findings.sample(&[("state", state.name())], count);
    }
    let help = "Changes that the audit log tells of, since this process started, by what was done.";
    let mut changes = to.counter("stopgap_changes_total", help);
    // Also where there was none yet: Prometheus sees only how a number that is there grows.
    let mut counts: BTreeMap<_, _> = TOLD.map(|action| (action, 0)).into();
    counts.extend(
        held.changes
            .iter()
            .map(|(action, count)| (&**action, *count)),
    );
    for (action, count) in counts {
        changes.sample(&[("action", action)], count);
    }
    let done_ms = service.telemetry.due_done_ms.load(Ordering::Relaxed);
    let help = "Since all that was due had been done last.";
    to.gauge("stopgap_due_lag_seconds", help)
        .sample(&[], seconds(now_ms.saturating_sub(done_ms)));
    to.gauge("stopgap_ledger_bytes", "What the ledger takes on its disk.")
        .sample(&[], held.bytes);
    Ok(())
}

fn read(it: &mut Session<'_>, began: i64) -> Result<Held, Error> {
    let mut bundles = Vec::new();
    for &environment in Environment::ALL {
        let newest = it.bundles(environment)?.into_iter().next();
        bundles.extend(newest.map(|made| (environment, made.number, made.made_ms)));
    }
    let live = it.live_rollouts()?.into_iter();
    Ok(Held {
        bundles,
        gateways: all(it, |it, paging| it.gateways(paging))?,
        points: all(it, |it, paging| it.list(paging))?,
        rollouts: live.map(|rollout| rollout.value).collect(),
        patches: it.deployed_patches()?,
        findings: it.finding_counts()?,
        changes: it.changes_after(began)?,
        bytes: it.size_bytes()?,
    })
}

/// Every page of a list.
fn all<T>(
    it: &mut Session<'_>,
    list: impl Fn(&mut Session<'_>, Paging<'_>) -> Result<Page<Stored<T>>, Error>,
) -> Result<Vec<T>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: None,
        };
        let page = list(it, paging)?;
        found.extend(page.items.into_iter().map(|stored| stored.value));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn show_fleet(held: &Held, now_ms: i64, to: &mut Exposition) {
    let help = "The newest bundle of an environment.";
    let mut newest = to.gauge("stopgap_newest_bundle_number", help);
    for (environment, number, _) in &held.bundles {
        newest.sample(&[("environment", environment.name())], number);
    }
    let help = "Since the newest bundle of an environment was signed.";
    let mut age = to.gauge("stopgap_newest_bundle_age_seconds", help);
    for (environment, _, made_ms) in &held.bundles {
        let age_s = seconds(now_ms.saturating_sub(*made_ms));
        age.sample(&[("environment", environment.name())], age_s);
    }
    let newest = |of| {
        let found = held
            .bundles
            .iter()
            .find(|(environment, ..)| *environment == of);
        found.map_or(0, |(_, number, _)| *number)
    };
    let enforces = |seen: &&Seen| seen.report.is_some() && seen.gateway.revoked_ms.is_none();
    let enforcing = held.gateways.iter().filter(enforces);
    let map = Map::new(&held.points, enforcing.map(|seen| seen.gateway.id.as_str()));
    // Also where the gateway itself does what it should, a way may lead past it.
    let of_ways = |id: &str| {
        let point = held.points.iter().find(|point| point.id == id);
        match point.is_none_or(|point| map.holes_of(point).is_empty()) {
            true => PointState::Enforces.name(),
            false => PointState::Hole.name(),
        }
    };
    let joined = held.gateways.iter().map(|seen| {
        let environment = seen.gateway.environment;
        let said = seen.report.as_ref();
        let said = said.map(|report| (&report.attestation, &*report.differing));
        let state = state_of(
            &seen.gateway,
            seen.seen_ms,
            said,
            newest(environment),
            now_ms,
        );
        match state {
            PointState::Enforces => (environment, of_ways(&seen.gateway.id)),
            state => (environment, state.name()),
        }
    });
    let without = held.points.iter().filter(|point| {
        let mut gateways = held.gateways.iter();
        !gateways.any(|seen| seen.gateway.id == point.id)
    });
    let without = without.map(|point| (point.environment, of_ways(&point.id)));
    let counts = counted(joined.chain(without));
    let help = "Ingress points, by how they are.";
    let mut points = to.gauge("stopgap_ingress_points", help);
    for environment in Environment::ALL {
        for state in PointState::NAMES {
            let count = counts.get(&(*environment, state)).unwrap_or(&0);
            points.sample(
                &[("environment", environment.name()), ("state", state)],
                count,
            );
        }
    }
}

fn show_patches(patches: &[VirtualPatch], now_ms: i64, to: &mut Exposition) {
    let name = |attention| match attention {
        Attention::Retire => "retire",
        Attention::Expired => "expired",
        Attention::Expiring => "expiring",
        Attention::None => "none",
    };
    let attentions = patches
        .iter()
        .map(|patch| name(patch.attention(now_ms, WARNING_MS)));
    let counts = counted(attentions);
    let help = "Patches that are deployed, by what they need.";
    let mut deployed = to.gauge("stopgap_deployed_patches", help);
    for attention in ["none", "expiring", "expired", "retire"] {
        let count = counts.get(attention).unwrap_or(&0);
        deployed.sample(&[("needs", attention)], count);
    }
}

fn show_rollouts(rollouts: &[Rollout], now_ms: i64, to: &mut Exposition) {
    let counts = counted(rollouts.iter().map(|it| (it.environment, it.stage)));
    let help = "Rollouts that have not ended, by how far they have come.";
    let mut stages = to.gauge("stopgap_rollouts", help);
    for environment in Environment::ALL {
        for stage in Stage::ALL.iter().filter(|&&stage| stage != Stage::Retired) {
            let count = counts.get(&(*environment, *stage)).unwrap_or(&0);
            let labels = [("environment", environment.name()), ("stage", stage.name())];
            stages.sample(&labels, count);
        }
    }
    let paused = rollouts.iter().filter(|it| it.paused.is_some()).count();
    to.gauge("stopgap_paused_rollouts", "Rollouts that are paused.")
        .sample(&[], paused);
    let owed = rollouts
        .iter()
        .filter(|it| matches!(it.evidence, Evidence::Owed { .. }));
    let (overdue, pending): (Vec<_>, Vec<_>) = owed.partition(|it| it.proof_is_overdue(now_ms));
    let help = "Rollouts whose proof is owed, and whether its time has come.";
    let mut owed = to.gauge("stopgap_owed_proofs", help);
    owed.sample(&[("due", "pending")], pending.len());
    owed.sample(&[("due", "overdue")], overdue.len());
}

fn counted<T: Ord>(of: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for each in of {
        *counts.entry(each).or_default() += 1;
    }
    counts
}

fn seconds(ms: i64) -> i64 {
    ms.max(0) / 1000
}

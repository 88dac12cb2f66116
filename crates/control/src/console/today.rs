//! What needs a decision, of both halves: what is stopped and what is fixed. The greatest risk first.

use std::collections::BTreeMap;

use campaign::policy::Lane;
use ledger::rollout::{Evidence, Stage};
use ledger::{
    Advisory, Area, Attention, Environment, Finding, Role, Rollout, Severity, State, VirtualPatch,
};

use super::campaigns::{Standing, under_way};
use super::look::first;
use super::render::filters::written;
use super::visit::Visit;
use crate::coverage::PointCovered;
use crate::problem::Problem;
use crate::reply::Versioned;
use crate::routes::FindingShown;

/// How long before its expiry a patch is told of.
const WARNING_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// One thing to decide.
pub(super) struct Task {
    pub(super) urgency: Urgency,
    pub(super) title: String,
    pub(super) why: String,
    /// Where it can be done.
    pub(super) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// It is exploited, and nothing stands in the way.
    Attacked,
    /// Somebody is harmed, or may be.
    Now,
    /// Work waits for it.
    Waiting,
    /// It can be put in order.
    Calm,
}

impl Urgency {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Attacked | Self::Now => "bad",
            Self::Waiting => "warn",
            Self::Calm => "good",
        }
    }

    /// Why something stands where it stands.
    pub(super) fn because(self) -> &'static str {
        match self {
            Self::Attacked => "First: it is exploited now, unshielded and unfixed",
            Self::Now => "Urgent: harm is possible now",
            Self::Waiting => "Next: work waits for it, and something protects or the risk is lower",
            Self::Calm => "Last: nothing is at risk meanwhile",
        }
    }
}

/// The tasks in what the visitor may see, and whether records were left out.
pub(super) fn tasks(visit: &Visit<'_>) -> Result<(Vec<Task>, bool), Problem> {
    let mut tasks = Vec::new();
    let mut more = false;
    if visit.may(Role::Viewer, Area::Findings) {
        let mut exploited = Exploited::default();
        for state in [State::Open, State::Scheduled, State::Shielded] {
            let target = format!("/findings?state={state}");
            let (findings, left) = first::<FindingShown>(visit, &target)?;
            for finding in findings.iter().map(|it| &it.value) {
                let is_exploited = exploited.is(visit, &finding.advisory)?;
                tasks.extend(of_finding(finding, state, is_exploited, visit.now_ms));
            }
            more |= left;
        }
    }
    if visit.may(Role::Viewer, Area::Campaigns) {
        let (campaigns, left) = under_way(visit)?;
        let mine = |who: &[String]| who.contains(&visit.token.who);
        let due = campaigns.iter();
        tasks.extend(due.flat_map(|it| of_campaign(it, mine, visit.now_ms)));
        more |= left;
    }
    if visit.may(Role::Viewer, Area::Rollouts) {
        for stage in Stage::ALL.iter().filter(|&&stage| stage != Stage::Retired) {
            let target = format!("/rollouts?stage={stage}");
            let (rollouts, left) = first::<Versioned<Rollout>>(visit, &target)?;
            let two_persons = visit.service.policy.two_persons;
            let due = rollouts.iter();
            tasks.extend(due.filter_map(|it| of_rollout(&it.value, two_persons, visit.now_ms)));
            more |= left;
        }
    }
    if visit.may(Role::Viewer, Area::Patches) {
        let (patches, left) = first::<Versioned<VirtualPatch>>(visit, "/patches")?;
        tasks.extend(
            patches
                .iter()
                .filter_map(|it| of_patch(&it.value, visit.now_ms)),
        );
        more |= left;
    }
    if visit.may(Role::Viewer, Area::Fleet) {
        let (points, left) = first::<PointCovered>(visit, "/coverage")?;
        tasks.extend(points.iter().filter_map(of_point));
        more |= left;
    }
    tasks.sort_by_key(|task| task.urgency);
    Ok((tasks, more))
}

/// Which advisories are known to be exploited, each asked for once.
#[derive(Default)]
struct Exploited(BTreeMap<String, bool>);

impl Exploited {
    fn is(&mut self, visit: &Visit<'_>, advisory: &str) -> Result<bool, Problem> {
        if let Some(known) = self.0.get(advisory) {
            return Ok(*known);
        }
        let told: Versioned<Advisory> = visit.get(&format!("/advisories/{advisory}"))?;
        let exploited = told.value.exploited || told.value.known_exploited.is_some();
        self.0.insert(advisory.to_owned(), exploited);
        Ok(exploited)
    }
}

fn of_finding(finding: &Finding, state: State, exploited: bool, now_ms: i64) -> Option<Task> {
    let severe = matches!(finding.severity, Severity::Critical | Severity::High);
    let severity = finding.severity;
    let (urgency, why) = match (state, &finding.schedule) {
        (State::Open, _) => {
            let urgency = match (exploited, severe) {
                (true, _) => Urgency::Attacked,
                (false, true) => Urgency::Now,
                (false, false) => Urgency::Waiting,
            };
            let known = if exploited { ", exploited" } else { "" };
            let why = format!("{severity}{known}: nothing protects, and no fix is planned");
            (urgency, why)
        }
        (State::Scheduled, Some(planned)) if planned.due_ms <= now_ms => {
            let urgency = if exploited || severe {
                Urgency::Now
            } else {
                Urgency::Waiting
            };
            let due = written(planned.due_ms);
            let why = format!(
                "{severity}: {} was to fix it until {due}, and nothing protects",
                planned.by
            );
            (urgency, why)
        }
        // A fix that is on its way needs no decision, nor does what nobody exploits.
        (State::Scheduled, _) if exploited => (
            Urgency::Now,
            format!("{severity}, exploited: nothing protects until the planned fix comes"),
        ),
        (State::Shielded, None) if exploited => (
            Urgency::Waiting,
            format!("{severity}, exploited: a virtual patch alone protects, and no fix is planned"),
        ),
        _ => return None,
    };
    Some(Task {
        urgency,
        title: format!("{} in {}", finding.advisory, finding.subject),
        why,
        path: format!("/findings/{}", finding.id),
    })
}

/// What a campaign waits for that people must say or do.
fn of_campaign(
    (line, status): &Standing,
    mine: impl Fn(&[String]) -> bool,
    now_ms: i64,
) -> Vec<Task> {
    let line = &line.value;
    let campaign = format!("/campaigns/{}", line.id);
    // An urgent campaign brings what is exploited, or will be.
    let waiting = match line.lane {
        Lane::Urgent => Urgency::Now,
        Lane::Monthly => Urgency::Waiting,
    };
    let mut tasks = Vec::new();
    let mut add = |urgency, why: String, path: &str| {
        tasks.push(Task {
            urgency,
            title: format!("Campaign {}: {}", line.id, line.title),
            why,
            path: path.to_owned(),
        });
    };
    let late = line.begins_ms.is_some_and(|begins| begins <= now_ms);
    match status.state.as_str() {
        "planned" if late => add(waiting, "it should have been started".to_owned(), &campaign),
        "planned" => add(
            Urgency::Calm,
            "it is planned, and not started".to_owned(),
            &campaign,
        ),
        "paused" => add(waiting, "it is paused".to_owned(), &campaign),
        _ => {}
    }
    let count = |end: &str| status.assets.get(end).copied().unwrap_or(0);
    let bad = count("failed") + count("rolled back");
    if bad > 0 {
        let urgency = if count("failed") > 0 {
            Urgency::Now
        } else {
            waiting
        };
        add(
            urgency,
            format!("assets that failed or were taken back: {bad}"),
            &campaign,
        );
    }
    if !status.reviews.is_empty() {
        let why = format!(
            "vendor patches that nobody has reviewed for a ring: {}",
            status.reviews.len()
        );
        add(waiting, why, "/inbox");
    }
    for open in &status.consents {
        if let Some(objection) = &open.objection {
            add(
                waiting,
                format!("an objection stops it: {objection}"),
                "/inbox",
            );
        } else if let Some(deadline_ms) = open.deadline_ms {
            let who = match mine(&open.who) {
                true => "you",
                false => "somebody",
            };
            let until = written(deadline_ms);
            let why = match deadline_ms <= now_ms {
                true => format!("{who} did not answer for {} until {until}", open.service),
                false => format!("{who} should answer for {} until {until}", open.service),
            };
            add(waiting, why, "/inbox");
        }
    }
    tasks
}

fn of_point(point: &PointCovered) -> Option<Task> {
    let first = point.holes.first()?;
    let why = match point.holes.len() {
        1 => first.why.clone(),
        holes => format!(
            "{holes} ways past every patch; {}{}: {}",
            first.host, first.prefix, first.why
        ),
    };
    Some(Task {
        urgency: match point.environment {
            Environment::Production => Urgency::Now,
            Environment::Test => Urgency::Waiting,
        },
        title: format!("Hole at {}", point.ingress),
        why,
        path: "/coverage".to_owned(),
    })
}

fn of_rollout(rollout: &Rollout, two_persons: bool, now_ms: i64) -> Option<Task> {
    let last_share = rollout.rules.canary_percent.last().copied();
    let before_enforcing = match rollout.stage {
        Stage::Canary => rollout.share_percent == last_share,
        Stage::Shadow => last_share.is_none(),
        _ => false,
    };
    let alone = !rollout
        .approvals
        .iter()
        .any(|approval| approval.who != rollout.started_by);
    let production = rollout.environment == Environment::Production;
    let (urgency, why) = if rollout.proof_is_overdue(now_ms) {
        (Urgency::Now, "its proof is overdue".to_owned())
    } else if matches!(rollout.evidence, Evidence::Owed { .. }) {
        (Urgency::Waiting, "its proof is owed".to_owned())
    } else if let Some(reason) = &rollout.paused {
        (Urgency::Waiting, format!("it is paused: {reason}"))
    } else if before_enforcing && two_persons && production && alone {
        let why = "it waits for somebody's consent to enforcing";
        (Urgency::Waiting, why.to_owned())
    } else if rollout.rules.automatic_until < Some(rollout.stage) && rollout.stage != Stage::Enforce
    {
        let since_ms = now_ms.saturating_sub(rollout.since_ms);
        if since_ms < rollout.rules.minimum_ms {
            return None;
        }
        (
            Urgency::Calm,
            format!("it can go on from {}", rollout.stage),
        )
    } else {
        return None;
    };
    Some(Task {
        urgency,
        title: format!("Rollout {} of {}", rollout.id, rollout.patch),
        why,
        path: format!("/rollouts/{}", rollout.id),
    })
}

fn of_patch(patch: &VirtualPatch, now_ms: i64) -> Option<Task> {
    let (urgency, why) = match patch.attention(now_ms, WARNING_MS) {
        Attention::None => return None,
        Attention::Expired => (
            Urgency::Waiting,
            "it is past its expiry; it still protects: fix, retire or extend it",
        ),
        Attention::Retire => (Urgency::Calm, "the fix is verified: it can be retired"),
        Attention::Expiring => (Urgency::Calm, "it expires soon"),
    };
    Some(Task {
        urgency,
        title: format!("Patch {}", patch.id),
        why: why.to_owned(),
        path: format!("/patches/{}", patch.id),
    })
}

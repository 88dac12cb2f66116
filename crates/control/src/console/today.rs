//! What needs a decision, the most urgent first.

use ledger::rollout::{Evidence, Stage};
use ledger::{Area, Attention, Environment, Role, Rollout, Severity, State, VirtualPatch};

use super::look::first;
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
            Self::Now => "bad",
            Self::Waiting => "warn",
            Self::Calm => "good",
        }
    }
}

/// The tasks in what the visitor may see, and whether records were left out.
pub(super) fn tasks(visit: &Visit<'_>) -> Result<(Vec<Task>, bool), Problem> {
    let mut tasks = Vec::new();
    let mut more = false;
    if visit.may(Role::Viewer, Area::Findings) {
        let (open, left) =
            first::<FindingShown>(visit, &format!("/findings?state={}", State::Open))?;
        tasks.extend(open.iter().map(of_finding));
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

fn of_finding(finding: &FindingShown) -> Task {
    let finding = &finding.value;
    let urgent = matches!(finding.severity, Severity::Critical | Severity::High);
    Task {
        urgency: if urgent {
            Urgency::Now
        } else {
            Urgency::Waiting
        },
        title: format!("{} in {}", finding.advisory, finding.subject),
        why: format!(
            "{}: nothing protects, and no fix is planned",
            finding.severity
        ),
        path: format!("/findings/{}", finding.id),
    }
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

//! A plan as a text that an approver reads in two minutes.

use super::{Plan, Ring};
use crate::campaign::Campaign;
use crate::plan::make::begins;
use crate::policy::Lane;
use crate::rules::Scope;
use crate::text::{counted, date, span};

/// Entries of one list that are spelled out.
const NAMED: usize = 8;

/// The plan of a campaign in words: what, where and when, what is down, the way back.
#[must_use]
pub fn told(campaign: &Campaign) -> String {
    let plan = &campaign.plan;
    let mut lines = vec![summary(campaign)];
    lines.push(String::new());
    lines.push("What".to_owned());
    let all = plan.patches.iter().map(|patch| match patch.due.lane {
        Lane::Urgent => format!("{} URGENT: {}", patch.id, patch.due.because.join("; ")),
        Lane::Monthly => patch.due.explained(),
    });
    listed(&mut lines, all);
    lines.push("Where and when".to_owned());
    for ring in &plan.rings {
        of_ring(plan, ring, &mut lines);
    }
    lines.push("What guards it".to_owned());
    listed(&mut lines, guards(campaign).into_iter());
    if !plan.left_out.is_empty() {
        lines.push("Not in this campaign".to_owned());
        let (waiting, others): (Vec<_>, Vec<_>) =
            plan.left_out.iter().partition(|it| it.assets > 0);
        let waiting = waiting.into_iter().map(|it| {
            let assets = counted(it.assets, "asset");
            format!("{} ({assets}): {}", it.patch, it.reason())
        });
        let until = |patch: &str| {
            let own = plan.excepted.iter().filter(|it| it.patch == patch);
            own.map(|it| it.until_ms).min()
        };
        let (excepted, unneeded): (Vec<_>, Vec<_>) = others
            .into_iter()
            .map(|it| (it, until(&it.patch)))
            .partition(|(_, until)| until.is_some());
        let excepted = excepted.into_iter().map(|(it, until)| {
            let until = until.map_or(String::new(), |it| format!(", until {}", date(it)));
            format!("{}: {}{until}", it.patch, it.why)
        });
        let unneeded = (!unneeded.is_empty()).then(|| {
            let count = patches(unneeded.len());
            format!("{count} that no asset of it needs")
        });
        listed(&mut lines, waiting.chain(excepted).chain(unneeded));
    }
    if !plan.excepted.is_empty() {
        lines.push("Excepted".to_owned());
        let excepted = plan.excepted.iter();
        let excepted = excepted.map(|it| format!("{} on {}: {}", it.patch, it.asset, it.why()));
        listed(&mut lines, excepted);
    }
    if !plan.remarks.is_empty() {
        lines.push("To know".to_owned());
        listed(&mut lines, plan.remarks.iter().cloned());
    }
    lines.join("\n")
}

fn summary(campaign: &Campaign) -> String {
    let plan = &campaign.plan;
    let assets = plan.assets.iter().filter(|it| !it.patches.is_empty());
    let lane = match plan.lane {
        Lane::Urgent => "urgent ",
        Lane::Monthly => "",
    };
    format!(
        "{}: {} on {} in {}. {lane}campaign {}; {} answers for it.",
        campaign.title,
        patches(plan.patches.len()),
        counted(assets.count(), "asset"),
        counted(plan.rings.len(), "ring"),
        campaign.number(),
        campaign.owner,
    )
}

fn patches(count: usize) -> String {
    counted(count, "vendor patch").replace("patchs", "patches")
}

fn listed(lines: &mut Vec<String>, entries: impl Iterator<Item = String>) {
    let entries: Vec<String> = entries.collect();
    let more = entries.len().saturating_sub(NAMED);
    lines.extend(entries.into_iter().take(NAMED).map(|it| format!("- {it}")));
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines.push(String::new());
}

fn of_ring(plan: &Plan, ring: &Ring, lines: &mut Vec<String>) {
    let assets = ring.waves.iter().map(|wave| wave.assets.len()).sum();
    let test = match ring.test {
        true => ", the test region: what it shows decides about the others",
        false => "",
    };
    lines.push(format!(
        "{}: {} in {}{test}",
        ring.name,
        counted(assets, "asset"),
        counted(ring.waves.len(), "wave")
    ));
    let waves = ring.waves.iter().enumerate().map(|(at, wave)| {
        let named = wave.assets.iter().filter_map(|at| plan.asset(*at));
        let names: Vec<&str> = named.take(4).map(|it| it.id.as_str()).collect();
        let more = wave.assets.len().saturating_sub(names.len());
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let stopped = plan.disturbed(&wave.assets).len();
        let stopped = match stopped {
            0 => String::new(),
            stopped => format!("; {} stop for restarts", counted(stopped, "dependent")),
        };
        format!(
            "wave {} from {} for {}: {}{more}{stopped}",
            at + 1,
            begins(ring, wave.begins_ms),
            span(wave.takes_ms),
            names.join(", ")
        )
    });
    listed(lines, waves);
    let consents = ring.consents.iter().map(|it| {
        let delegate = it.delegate.as_ref();
        let delegate = delegate.map_or(String::new(), |it| format!(", else {it}"));
        format!("{}: {}{delegate}", it.service, it.stakeholder)
    });
    let consents: Vec<String> = consents.collect();
    if !consents.is_empty() {
        lines.push(format!("{} needs the consent of", ring.name));
        listed(lines, consents.into_iter());
    }
}

fn guards(campaign: &Campaign) -> Vec<String> {
    let rules = &campaign.rules;
    let patched = || {
        campaign
            .plan
            .assets
            .iter()
            .filter(|it| !it.patches.is_empty())
    };
    let backed_up = patched().filter(|it| it.backup.is_some()).count();
    let checked = patched().filter(|it| !it.checks.is_empty()).count();
    let jobs = campaign.plan.assets.iter().map(|it| it.jobs.len()).sum();
    let back = match rules.roll_back {
        Scope::Asset => "an asset that fails is rolled back",
        Scope::Wave => "if an asset fails, its wave is rolled back",
    };
    vec![
        format!(
            "{back}; more than {} failed in a ring stop the campaign",
            rules.failures
        ),
        format!(
            "{backed_up} of {} backed up; {} of each wave restored for trial before it goes on",
            counted(patched().count(), "asset"),
            counted(rules.sample as usize, "backup")
        ),
        format!("checks before and after on {}", counted(checked, "asset")),
        format!(
            "{} on hold meanwhile, released afterwards",
            counted(jobs, "job")
        ),
        format!(
            "at most {} at one time",
            counted(rules.parallel as usize, "asset")
        ),
    ]
}

//! A rollout's last hour, drawn: it stands in the rollout's page and renews itself, so that what
//! somebody types there stays.

use askama::Template;

use super::render::filled;
use super::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::routes::{Minute, Progress};

/// How high a chart is, in the units of its drawing; a minute is ten wide.
const HIGH: u64 = 100;
const WIDE: usize = 10;

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage {
    charts: Vec<Chart>,
}

struct Chart {
    title: &'static str,
    told: String,
    bars: Vec<Bar>,
}

#[derive(Clone)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
    bad: bool,
}

pub(super) fn chart(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let progress: Progress = visit.get(&format!("/rollouts/{}/progress", visit.id()))?;
    let minutes = &progress.minutes;
    let sum = |of: fn(&Minute) -> u64| minutes.iter().map(of).sum::<u64>();
    let (requests, errors) = (sum(|each| each.requests), sum(|each| each.errors));
    let average_us = sum(|each| each.latency_us).checked_div(requests);
    let hits = sum(|each| each.hits);
    let answers = Chart {
        title: "Requests",
        told: match average_us {
            Some(average) => format!(
                "{requests} in the last hour, of which {errors} failed; an answer took {average} µs on average; {} in the fullest minute",
                most(minutes, |each| each.requests)
            ),
            None => "none in the last hour, as far as ingress points have told".to_owned(),
        },
        bars: [
            bars(minutes, |each| each.requests, |each| each.requests, false),
            bars(minutes, |each| each.errors, |each| each.requests, true),
        ]
        .concat(),
    };
    let matched = Chart {
        title: "Hits of the patch",
        told: format!(
            "{hits} in the last hour; {} in the fullest minute",
            most(minutes, |each| each.hits)
        ),
        bars: bars(minutes, |each| each.hits, |each| each.hits, false),
    };
    let charts = vec![answers, matched];
    Ok(Shown::Live(filled(&ChartPage { charts })?))
}

fn most(minutes: &[Minute], of: fn(&Minute) -> u64) -> u64 {
    minutes.iter().map(of).max().unwrap_or(0)
}

/// A bar for each minute that has some, as high as that is of the most.
fn bars(
    minutes: &[Minute],
    of: fn(&Minute) -> u64,
    scale: fn(&Minute) -> u64,
    bad: bool,
) -> Vec<Bar> {
    let most = most(minutes, scale).max(1);
    let some = minutes.iter().enumerate().filter(|(_, each)| of(each) > 0);
    some.map(|(at, each)| {
        // One alone can still be seen.
        let height = (of(each).saturating_mul(HIGH) / most).clamp(1, HIGH);
        Bar {
            x: at * WIDE,
            y: HIGH - height,
            height,
            bad,
        }
    })
    .collect()
}

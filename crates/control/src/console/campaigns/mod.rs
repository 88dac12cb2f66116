//! Campaigns: what is brought to which assets when, who must say something, and how far it is.

mod calendar;
mod inbox;
mod plan;
mod report;

use askama::Template;
use campaign::{Campaign, Status};
use ledger::{Area, Role};
use serde_json::{Value, json};

use super::change::wanted;
use super::look::list;
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::reply::{Listed, Versioned};
use crate::routes::{CampaignLine, Drawn};
pub(super) use calendar::calendar;
pub(super) use inbox::{Standing, answer, fetch, inbox, note, review, sign, under_way};
pub(super) use plan::{plan, planned};
pub(super) use report::{report, report_csv, report_html, report_json};

/// How often a page that follows a campaign is shown anew, in seconds.
const FOLLOW_S: u32 = 5;

#[derive(Template)]
#[template(path = "campaigns.html")]
struct CampaignsPage {
    frame: Frame,
    list: Listed<Versioned<CampaignLine>>,
    next: Option<String>,
    may_plan: bool,
}

pub(super) fn campaigns(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let (list, next) = list(visit, "/campaigns")?;
    Ok(Shown::Page(filled(&CampaignsPage {
        frame: visit.frame("/campaigns"),
        list,
        next,
        may_plan: visit.may(Role::Operator, Area::Campaigns),
    })?))
}

/// How good a campaign's state is.
fn state_class(state: &str) -> &'static str {
    match state {
        "ended" | "started" => "good",
        "taken back" => "bad",
        _ => "warn",
    }
}

#[derive(Template)]
#[template(path = "campaign.html")]
struct CampaignPage {
    frame: Frame,
    version: i64,
    campaign: Campaign,
    status: Status,
    bar: Vec<Part>,
    rings: Vec<RingRow>,
    follows_live: bool,
    moves: Vec<(&'static str, &'static str, bool)>,
    remedies: Vec<campaign::report::Open>,
    drawn: Option<Drawn>,
}

/// A part of the bar of progress, in percent of it.
struct Part {
    name: String,
    class: &'static str,
    count: usize,
    from: usize,
    width: usize,
}

struct RingRow {
    name: String,
    test: bool,
    waves: Vec<(usize, usize, i64, i64)>,
    next_window: String,
}

/// How many assets came to which end, those first that are well.
fn bar(status: &Status) -> Vec<Part> {
    const ENDS: [(&str, &str); 5] = [
        ("done", "done"),
        ("rolled back", "back"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("open", "open"),
    ];
    let all: usize = status.assets.values().sum::<usize>().max(1);
    let mut before = 0;
    let parts = ENDS.iter().filter_map(|(name, class)| {
        let count = *status.assets.get(*name)?;
        let part = Part {
            name: (*name).to_owned(),
            class,
            count,
            from: before * 100 / all,
            width: (before + count) * 100 / all - before * 100 / all,
        };
        before += count;
        Some(part)
    });
    parts.collect()
}

fn rings(campaign: &Campaign, now_ms: i64) -> Vec<RingRow> {
    let rings = campaign.plan.rings.iter().map(|ring| {
        let waves = ring.waves.iter().enumerate();
        let next = ring.windows.iter().find(|it| it.closes_ms > now_ms);
        RingRow {
            name: ring.name.clone(),
            test: ring.test,
            waves: waves
                .map(|(at, it)| (at + 1, it.assets.len(), it.begins_ms, it.takes_ms))
                .collect(),
            next_window: next.map_or_else(
                || "none".to_owned(),
                |it| {
                    format!(
                        "{} to {}",
                        ring.zone.told(it.opens_ms),
                        ring.zone.told(it.closes_ms)
                    )
                },
            ),
        }
    });
    rings.collect()
}

/// What can be done with a campaign; whether that leads back.
fn moves(visit: &Visit<'_>, status: &Status) -> Vec<(&'static str, &'static str, bool)> {
    if !visit.may(Role::Operator, Area::Campaigns) {
        return Vec::new();
    }
    match status.state.as_str() {
        "planned" => vec![("start", "Start", false)],
        "started" => vec![
            ("pause", "Pause", false),
            ("roll-back", "Stop and take it back", true),
        ],
        "paused" => vec![
            ("resume", "Resume", false),
            ("roll-back", "Stop and take it back", true),
        ],
        "ended" => vec![("roll-back", "Take it back", true)],
        _ => Vec::new(),
    }
}

pub(super) fn campaign(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let path = format!("/campaigns/{}", visit.id());
    let stored: Versioned<Campaign> = visit.get(&path)?;
    let status: Status = visit.get(&format!("{path}/status"))?;
    let told: campaign::report::Report = visit.get(&format!("{path}/report"))?;
    // A page that is shown anew all the time is no place for forms.
    let follows_live = visit.query.get("follow") == "1";
    let drawn = match follows_live {
        true => None,
        false => Some(visit.get(&format!("{path}/plan"))?),
    };
    let html = filled(&CampaignPage {
        frame: visit.frame("/campaigns"),
        version: stored.version,
        bar: bar(&status),
        rings: rings(&stored.value, visit.now_ms),
        moves: match follows_live {
            true => Vec::new(),
            false => moves(visit, &status),
        },
        remedies: told.remedies,
        campaign: stored.value,
        status,
        follows_live,
        drawn,
    })?;
    Ok(match follows_live {
        true => Shown::Followed(html, FOLLOW_S),
        false => Shown::Page(html),
    })
}

pub(super) fn move_campaign(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let path = format!("/campaigns/{}", visit.id());
    let step = wanted(&visit.form, "move")?;
    visit.post(&format!("{path}/moves"), &json!({ step: {} }))?;
    Ok(Shown::Elsewhere(path))
}

pub(super) fn remedy(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let path = format!("/campaigns/{}", visit.id());
    let said: Value = json!({
        "asset": wanted(&visit.form, "asset")?,
        "owner": wanted(&visit.form, "owner")?,
    });
    visit.post(&format!("{path}/remedies"), &said)?;
    Ok(Shown::Elsewhere(path))
}

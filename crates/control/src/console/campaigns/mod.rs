//! Campaigns: what is brought to which assets when, who must say something, and how far it is.

mod calendar;
mod inbox;
mod plan;
mod report;

use askama::Template;
use campaign::Status;
use ledger::{Area, Role};
use serde_json::{Value, json};

use super::change::wanted;
use super::look::{PAGE, first, list};
use super::render::{Frame, filled, filters};
use super::visit::{Shown, Visit};
use crate::problem::Problem;
use crate::reply::{Listed, Versioned};
use crate::routes::{CampaignLine, Drawn, Summary, WaveShown};
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
    campaign: Summary,
    status: Status,
    bar: Vec<Part>,
    waves: Listed<WaveShown>,
    further_waves: Option<String>,
    follows_live: bool,
    moves: Vec<(&'static str, &'static str, bool)>,
    remedies: Vec<campaign::report::Open>,
    more_remedies: bool,
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
    let stored: Versioned<Summary> = visit.get(&path)?;
    let status: Status = visit.get(&format!("{path}/status"))?;
    let waves = waves(visit, &path)?;
    let further_waves = waves.next.as_ref();
    let further_waves = further_waves.map(|next| format!("?{}", visit.query.with("after", next)));
    let (remedies, more_remedies) = first(visit, &format!("{path}/remedies"))?;
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
        waves,
        further_waves,
        moves: match follows_live {
            true => Vec::new(),
            false => moves(visit, &status),
        },
        remedies,
        more_remedies,
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

/// A page of its waves; how the campaign is followed is nothing that the API knows.
fn waves(visit: &Visit<'_>, path: &str) -> Result<Listed<WaveShown>, Problem> {
    let mut asked = form_urlencoded::Serializer::new(String::new());
    asked.append_pair("limit", PAGE);
    match visit.query.get("after") {
        "" => {}
        after => {
            asked.append_pair("after", after);
        }
    }
    visit.get(&format!("{path}/waves?{}", asked.finish()))
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

//! What stands in the calendar.

use std::collections::BTreeSet;

use campaign::policy::Lane;
use campaign::{AgendaEntry, AgendaKind, Campaign, agenda, further};
use ledger::Area;
use store::{Error, Session, Stored};

use super::Calendar;
use crate::call::Call;
use crate::problem::{Kind, Problem};
use crate::reply::Reply;

/// Days that a calendar spans at most.
const CALENDAR_DAYS: i64 = 400;
/// Planned fixes that a calendar tells: those of one advisory by one plan for one time are one.
const FIXES: usize = 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) fn calendar(call: &Call<'_>) -> Result<Reply, Problem> {
    let from_ms = call.asked_as("from_ms")?.unwrap_or_else(|| call.now_ms());
    let until_ms = call.asked_as("until_ms")?;
    let until_ms: i64 = until_ms.unwrap_or_else(|| from_ms.saturating_add(31 * DAY_MS));
    if until_ms.saturating_sub(from_ms) > CALENDAR_DAYS * DAY_MS {
        let detail = format!("a calendar spans {CALENDAR_DAYS} days at most");
        return Err(Problem::new(Kind::Refused, detail));
    }
    let span = (from_ms, until_ms);
    let (campaigns, mut items, mut left_out) = call.store.read(|it| {
        let campaigns = it.all_campaigns()?;
        let (mut items, mut left_out) = (Vec::new(), Vec::new());
        if call.sees(Area::Findings) {
            let (fixes, more) = fixes(it, span)?;
            items.extend(fixes);
            left_out.extend(more);
            items.extend(exceptions(it)?);
        }
        Ok((campaigns, items, left_out))
    })?;
    let (entries, more) = of_campaigns(&campaigns, span);
    items.extend(entries);
    left_out.extend(more);
    items.retain(|it| it.from_ms < until_ms && from_ms < it.until_ms);
    items.sort_by(|one, other| {
        let key = |it: &AgendaEntry| (it.from_ms, it.until_ms, it.kind);
        let by_text = || one.what.cmp(&other.what);
        key(one).cmp(&key(other)).then_with(by_text)
    });
    // Campaigns that follow each other have the same freezes and windows.
    items.dedup_by(|next, kept| {
        (next.from_ms, next.until_ms, next.kind) == (kept.from_ms, kept.until_ms, kept.kind)
            && next.what == kept.what
    });
    Ok(Reply::found(&Calendar { items, left_out })?)
}

fn of_campaigns(
    campaigns: &[Stored<Campaign>],
    span: (i64, i64),
) -> (Vec<AgendaEntry>, Vec<String>) {
    let each = campaigns.iter().flat_map(|it| agenda(&it.value, span));
    let (mut entries, mut left_out): (Vec<_>, _) = (each.collect(), Vec::new());
    // How the months go on is what the last one said of each ring.
    let mut told = BTreeSet::new();
    let months = campaigns.iter().rev().map(|it| &it.value);
    let goes_on = |it: &&Campaign| it.plan.lane == Lane::Monthly && it.rolled_back.is_none();
    for campaign in months.filter(goes_on) {
        for ring in &campaign.plan.rings {
            if told.insert(&ring.name) {
                let (windows, looked_ms) = further(campaign, ring, span);
                entries.extend(windows);
                left_out.extend(looked_ms.map(|ms| {
                    let day = ring.zone.told(ms);
                    format!("what the rule of {} opens behind {day}", ring.name)
                }));
            }
        }
    }
    (entries, left_out)
}

fn at(time_ms: i64, kind: AgendaKind, what: String) -> AgendaEntry {
    AgendaEntry {
        from_ms: time_ms,
        until_ms: time_ms.saturating_add(1),
        kind,
        campaign: None,
        finding: None,
        exception: None,
        what,
    }
}

/// When findings are to be fixed: those of one advisory by one plan stand together.
fn fixes(
    it: &mut Session<'_>,
    span: (i64, i64),
) -> Result<(Vec<AgendaEntry>, Option<String>), Error> {
    let (fixes, all) = it.planned_fixes(span, FIXES)?;
    let more = (all > fixes.len()).then(|| {
        let more = all.saturating_sub(fixes.len());
        format!("{more} planned fixes behind the first {}", fixes.len())
    });
    let entries = fixes.into_iter().filter_map(|fix| {
        let (first, schedule) = (fix.first.id, fix.first.schedule?);
        let places = match fix.findings {
            1 => "1 place".to_owned(),
            count => format!("{count} places"),
        };
        let what = format!("{} in {places} by {}", fix.first.advisory, schedule.by);
        Some(AgendaEntry {
            finding: Some(first),
            ..at(schedule.due_ms, AgendaKind::Fix, what)
        })
    });
    Ok((entries.collect(), more))
}

fn exceptions(it: &mut Session<'_>) -> Result<Vec<AgendaEntry>, Error> {
    let entries = it.exceptions_in_force()?.into_iter().map(|stored| {
        let exception = stored.value;
        let (id, terms) = (exception.id, exception.terms);
        AgendaEntry {
            exception: Some(id),
            ..at(
                terms.expires_ms,
                AgendaKind::Exception,
                format!("{id} ends: {}", terms.reason),
            )
        }
    });
    Ok(entries.collect())
}

//! What stands in the calendar.

use std::collections::{BTreeMap, BTreeSet};

use campaign::policy::Lane;
use campaign::{AgendaEntry, AgendaKind, Campaign, agenda, further};
use ledger::{Area, State};
use store::{Error, FindingFilter, Session, Stored};

use super::Calendar;
use crate::call::Call;
use crate::problem::{Kind, Problem};
use crate::reply::Reply;

/// Days that a calendar spans at most.
const CALENDAR_DAYS: i64 = 400;
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
    let (campaigns, mut items) = call.store.read(|it| {
        let campaigns = it.all_campaigns()?;
        let mut items = Vec::new();
        if call.sees(Area::Findings) {
            items.extend(fixes(it)?);
            items.extend(exceptions(it)?);
        }
        Ok((campaigns, items))
    })?;
    items.extend(of_campaigns(&campaigns, span));
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
    Ok(Reply::found(&Calendar { items })?)
}

fn of_campaigns(campaigns: &[Stored<Campaign>], span: (i64, i64)) -> Vec<AgendaEntry> {
    let each = campaigns.iter().flat_map(|it| agenda(&it.value, span));
    let mut entries: Vec<_> = each.collect();
    // How the months go on is what the last one said of each ring.
    let mut told = BTreeSet::new();
    let months = campaigns.iter().rev().map(|it| &it.value);
    let goes_on = |it: &&Campaign| it.plan.lane == Lane::Monthly && it.rolled_back.is_none();
    for campaign in months.filter(goes_on) {
        for ring in &campaign.plan.rings {
            if told.insert(&ring.name) {
                entries.extend(further(campaign, ring, span));
            }
        }
    }
    entries
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
fn fixes(it: &mut Session<'_>) -> Result<Vec<AgendaEntry>, Error> {
    let filter = FindingFilter {
        state: Some(State::Scheduled),
        ..FindingFilter::default()
    };
    let mut planned: BTreeMap<(i64, String, String), (i64, usize)> = BTreeMap::new();
    for finding in it.all_findings(&filter)? {
        let finding = finding.value;
        if let Some(schedule) = finding.schedule {
            let key = (schedule.due_ms, finding.advisory, schedule.by);
            planned.entry(key).or_insert((finding.id, 0)).1 += 1;
        }
    }
    let entries = planned.into_iter().map(|(key, (finding, count))| {
        let (due_ms, advisory, by) = key;
        let places = match count {
            1 => "1 place".to_owned(),
            count => format!("{count} places"),
        };
        AgendaEntry {
            finding: Some(finding),
            ..at(
                due_ms,
                AgendaKind::Fix,
                format!("{advisory} in {places} by {by}"),
            )
        }
    });
    Ok(entries.collect())
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

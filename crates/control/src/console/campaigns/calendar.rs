//! A month: windows, freezes, waves, what is due, and what ends.

use std::collections::{BTreeMap, VecDeque};

use askama::Template;
use campaign::{AgendaEntry, AgendaKind};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::console::render::{Frame, filled};
use crate::console::visit::{Shown, Visit};
use crate::problem::{Kind, Problem};
use crate::routes::Calendar;

/// Entries of a day that are shown one by one.
const OF_A_DAY: usize = 8;

#[derive(Template)]
#[template(path = "calendar.html")]
struct CalendarPage {
    frame: Frame,
    month: String,
    before: String,
    after: String,
    weeks: Vec<Vec<Day>>,
    left_out: Vec<String>,
}

struct Day {
    number: i8,
    /// Whether it is of this month.
    own: bool,
    today: bool,
    entries: Vec<AgendaEntry>,
    /// What else there is: the class and name of each kind, and how many.
    more: Vec<(&'static str, &'static str, usize)>,
}

impl Day {
    /// What lies between two times. On a busy day no kind pushes another out.
    fn entries(
        all: &[AgendaEntry],
        (from_ms, until_ms): (i64, i64),
    ) -> (Vec<AgendaEntry>, Vec<(&'static str, &'static str, usize)>) {
        let lies = |it: &&AgendaEntry| it.from_ms < until_ms && from_ms < it.until_ms;
        let mut kinds: BTreeMap<AgendaKind, VecDeque<&AgendaEntry>> = BTreeMap::new();
        for entry in all.iter().filter(lies) {
            kinds.entry(entry.kind).or_default().push_back(entry);
        }
        let mut shown = Vec::new();
        while shown.len() < OF_A_DAY && kinds.values().any(|it| !it.is_empty()) {
            let room = OF_A_DAY - shown.len();
            shown.extend(
                kinds
                    .values_mut()
                    .filter_map(VecDeque::pop_front)
                    .take(room),
            );
        }
        shown.sort_by_key(|it| (it.from_ms, it.until_ms, it.kind));
        let more = kinds.into_iter().filter(|(_, rest)| !rest.is_empty());
        let more = more.map(|(kind, rest)| (class_of(kind), kind.name(), rest.len()));
        (shown.into_iter().cloned().collect(), more.collect())
    }
}

fn class(entry: &AgendaEntry) -> &'static str {
    class_of(entry.kind)
}

fn class_of(kind: AgendaKind) -> &'static str {
    match kind {
        AgendaKind::Freeze => "bad",
        AgendaKind::Due | AgendaKind::Fix | AgendaKind::Exception => "warn",
        AgendaKind::Window => "quiet",
        AgendaKind::Wave => "good",
    }
}

/// Where more is told of it.
fn place(entry: &AgendaEntry) -> String {
    match (entry.campaign, entry.finding, entry.exception) {
        (Some(id), _, _) => format!("/campaigns/{id}"),
        (_, Some(id), _) => format!("/findings/{id}"),
        (_, _, Some(id)) => format!("/exceptions/{id}"),
        (None, None, None) => "/calendar".to_owned(),
    }
}

fn start_ms(day: Date) -> i64 {
    let start = day.to_zoned(TimeZone::UTC);
    start.map_or(0, |it| it.timestamp().as_millisecond())
}

pub(crate) fn calendar(visit: &Visit<'_>) -> Result<Shown, Problem> {
    let wrong = || Problem::new(Kind::Malformed, "say the month as in `month=2027-01`");
    let now = Timestamp::from_millisecond(visit.now_ms).map_err(|_| wrong())?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let first = match visit.query.get("month") {
        "" => today.first_of_month(),
        month => format!("{month}-01").parse().map_err(|_| wrong())?,
    };
    let (before, after) = (first.checked_sub(1.month()), first.checked_add(1.month()));
    let (Ok(before), Ok(after)) = (before, after) else {
        return Err(wrong());
    };
    let back = i64::from(first.weekday().to_monday_zero_offset());
    let begin = first.checked_sub(back.days()).map_err(|_| wrong())?;
    let mut days = Vec::new();
    let mut day = begin;
    while day < after || days.len() % 7 != 0 {
        days.push(day);
        day = day.tomorrow().map_err(|_| wrong())?;
    }
    let span = (start_ms(begin), start_ms(day));
    let target = format!("/calendar?from_ms={}&until_ms={}", span.0, span.1);
    let told: Calendar = visit.get(&target)?;
    let shown = days.iter().map(|day| {
        let (from_ms, until_ms) = (start_ms(*day), start_ms(*day).saturating_add(86_400_000));
        let (entries, more) = Day::entries(&told.items, (from_ms, until_ms));
        Day {
            number: day.day(),
            own: day.first_of_month() == first,
            today: *day == today,
            entries,
            more,
        }
    });
    let mut shown = shown.collect::<Vec<_>>().into_iter();
    let mut weeks = Vec::new();
    while shown.len() > 0 {
        weeks.push(shown.by_ref().take(7).collect());
    }
    let month = |day: Date| day.strftime("%Y-%m").to_string();
    Ok(Shown::Page(filled(&CalendarPage {
        frame: visit.frame("/calendar"),
        month: first.strftime("%B %Y").to_string(),
        before: month(before),
        after: month(after),
        weeks,
        left_out: told.left_out,
    })?))
}

//! Maintenance windows: when a group of assets may be worked on.

mod recurrence;

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use recurrence::Recurrence;

/// Windows that are looked at for one that no freeze covers.
const LOOKED_AT: usize = 400;

/// When a group's windows open and close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// On which days: `FREQ=MONTHLY;BYDAY=2TU`.
    pub days: Recurrence,
    /// So many days later: 5 with the rule above is the second Tuesday and five days.
    #[serde(default)]
    pub plus_days: i16,
    /// When a window opens, by the clock on the wall.
    #[schemars(with = "String")]
    pub opens: Time,
    /// How long it is open, in minutes; also in the night in which the clock is set.
    pub minutes: u32,
    /// Whose clock: `Europe/Berlin`.
    pub zone: Zone,
    /// The day from which the rule counts; a rule with `INTERVAL` or `COUNT` needs it.
    #[serde(default = "long_ago")]
    #[schemars(with = "String")]
    pub from: Date,
}

fn long_ago() -> Date {
    jiff::civil::date(2024, 1, 1)
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone, String);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        // Part of the program, so that a plan means the same on every machine.
        let zone = TimeZoneDatabase::bundled().get(&name);
        let wrong = |_| {
            format!(
                "`{}` is no time zone: say one like Europe/Berlin",
                name.escape_debug()
            )
        };
        Ok(Self(zone.map_err(wrong)?, name))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.1
    }
}

impl Zone {
    /// The minute by this zone's clock: `2026-12-08 22:00 CET`.
    #[must_use]
    pub fn told(&self, time_ms: i64) -> String {
        let time = Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = time.to_zoned(self.0.clone());
        time.strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// When nothing is changed, whatever the windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// The first day, by the clock of the window that it closes.
    #[schemars(with = "String")]
    pub from: Date,
    /// The last day.
    #[schemars(with = "String")]
    pub until: Date,
    /// Why.
    pub why: String,
    /// The groups that it is for; none: all.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A time in which may be worked.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From.
    pub opens_ms: i64,
    /// To, not included.
    pub closes_ms: i64,
}

impl Window {
    /// Whether what takes so long fits in what is left of it.
    #[must_use]
    pub fn fits(&self, now_ms: i64, takes_ms: i64) -> bool {
        self.opens_ms <= now_ms && now_ms.saturating_add(takes_ms) <= self.closes_ms
    }
}

/// Windows of a rule.
#[derive(Debug, Clone, Default)]
pub struct Windows<'f> {
    /// Those that can be worked in, in order.
    pub open: Vec<Window>,
    /// What closes others.
    pub closed: Vec<&'f Freeze>,
    /// Up to when was looked, if the rule may go on behind it.
    pub looked_ms: Option<i64>,
}

/// A group's windows that close after a time: at most `most`, in order, and what freezes closed.
#[must_use]
pub fn windows<'f>(
    rule: &WindowRule,
    group: &str,
    freezes: &'f [Freeze],
    (after_ms, most): (i64, usize),
) -> Windows<'f> {
    let mut found = Windows::default();
    let Ok(after) = Timestamp::from_millisecond(after_ms) else {
        return found;
    };
    let plus = i64::from(rule.plus_days);
    // A window that opened the day before may still be open.
    let back = plus + 1 + i64::from(rule.minutes) / (24 * 60);
    let today = after.to_zoned(rule.zone.0.clone()).date();
    let first = today.checked_sub(back.days()).unwrap_or(today);
    let days = rule.days.days(rule.from, first, LOOKED_AT);
    let (all, mut looked_ms) = (days.len() < LOOKED_AT, None);
    for day in days {
        let Some(window) = rule.window(day) else {
            break;
        };
        looked_ms = Some(window.opens_ms);
        if window.closes_ms <= after_ms {
            continue;
        }
        let frozen = freezes.iter().find(|it| it.closes(rule, group, window));
        match frozen {
            Some(freeze) if found.closed.contains(&freeze) => {}
            Some(freeze) => found.closed.push(freeze),
            None => found.open.push(window),
        }
        if found.open.len() >= most {
            break;
        }
    }
    found.open.truncate(most);
    let full = found.open.len() == most;
    found.looked_ms = looked_ms.filter(|_| full || !all);
    found
}

impl WindowRule {
    /// The window of one of the rule's days. A time that the clock skips is told by the offset
    /// before, one that comes twice is its first, as RFC 5545 says.
    fn window(&self, day: Date) -> Option<Window> {
        let day = day.checked_add(i64::from(self.plus_days).days()).ok()?;
        let opens = day.to_datetime(self.opens).to_zoned(self.zone.0.clone());
        let opens = opens.ok()?.timestamp();
        let open = SignedDuration::from_mins(i64::from(self.minutes));
        Some(Window {
            opens_ms: opens.as_millisecond(),
            closes_ms: opens.checked_add(open).ok()?.as_millisecond(),
        })
    }
}

impl Freeze {
    /// From when until when, by a zone's clock; the end is not included.
    #[must_use]
    pub(crate) fn span_ms(&self, zone: &Zone) -> (i64, i64) {
        let start = |day: Date| {
            let start = day.to_zoned(zone.0.clone());
            start.map_or(i64::MAX, |it| it.timestamp().as_millisecond())
        };
        (
            start(self.from),
            self.until.tomorrow().map_or(i64::MAX, start),
        )
    }

    /// Whether any of a window lies in it.
    fn closes(&self, rule: &WindowRule, group: &str, window: Window) -> bool {
        if !self.groups.is_empty() && !self.groups.iter().any(|it| it == group) {
            return false;
        }
        let (from_ms, until_ms) = self.span_ms(&rule.zone);
        from_ms < window.closes_ms && window.opens_ms < until_ms
    }
}

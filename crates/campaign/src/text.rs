//! How times and spans are written for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The day in UTC: `2026-12-08`.
pub(crate) fn date(time_ms: i64) -> String {
    written(time_ms, "%Y-%m-%d")
}

/// The minute in UTC: `2026-12-08 22:00`.
pub(crate) fn minute(time_ms: i64) -> String {
    written(time_ms, "%Y-%m-%d %H:%M")
}

fn written(time_ms: i64, format: &str) -> String {
    let time = Timestamp::from_millisecond(time_ms);
    time.map_or_else(
        |_| format!("{time_ms} ms"),
        |time| time.to_zoned(TimeZone::UTC).strftime(format).to_string(),
    )
}

/// `45 s`, `12 min`, `3 h 20 min`.
pub(crate) fn span(ms: i64) -> String {
    let minutes = ms.saturating_add(30_000) / 60_000;
    match (ms, minutes / 60, minutes % 60) {
        (..60_000, _, _) => format!("{} s", ms.max(0) / 1000),
        (_, 0, minutes) => format!("{minutes} min"),
        (_, hours, 0) => format!("{hours} h"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `1 host`, `2 hosts`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

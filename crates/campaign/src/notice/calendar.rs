//! A window as an iCalendar file (RFC 5545), for people's calendars.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::calendar::Window;

/// An entry of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Names it for good: an entry with the same name takes its place.
    pub uid: String,
    /// When it was written.
    pub stamp_ms: i64,
    /// From when to when.
    pub window: Window,
    /// One line.
    pub summary: String,
    /// What it says.
    pub description: String,
    /// Where, or what it concerns.
    pub location: String,
}

/// The entry as a file, with an alarm an hour before.
#[must_use]
pub fn file(event: &Event) -> String {
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Stopgap//Campaigns//EN".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}@stopgap", escaped(&event.uid)),
        format!("DTSTAMP:{}", time(event.stamp_ms)),
        format!("DTSTART:{}", time(event.window.opens_ms)),
        format!("DTEND:{}", time(event.window.closes_ms)),
        format!("SUMMARY:{}", escaped(&event.summary)),
        format!("DESCRIPTION:{}", escaped(&event.description)),
        format!("LOCATION:{}", escaped(&event.location)),
        "STATUS:CONFIRMED".to_owned(),
        "TRANSP:OPAQUE".to_owned(),
        "BEGIN:VALARM".to_owned(),
        "ACTION:DISPLAY".to_owned(),
        format!("DESCRIPTION:{}", escaped(&event.summary)),
        "TRIGGER:-PT1H".to_owned(),
        "END:VALARM".to_owned(),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    lines.iter().map(|line| folded(line)).collect()
}

fn time(time_ms: i64) -> String {
    let time = Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            ';' => escaped.push_str("\\;"),
            ',' => escaped.push_str("\\,"),
            '\n' => escaped.push_str("\\n"),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// At most 75 bytes a line; what follows begins with a space.
fn folded(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + 2);
    let mut bytes = 0;
    for character in line.chars() {
        if bytes + character.len_utf8() > 75 {
            folded.push_str("\r\n ");
            bytes = 1;
        }
        bytes += character.len_utf8();
        folded.push(character);
    }
    folded.push_str("\r\n");
    folded
}

//! Old specimens stay readable, and what is written now reads back.

use wire::{Action, Event};

const V1: &str = include_str!("../testdata/event/v1.json");

#[test]
fn an_event_of_version_1_is_read() {
    let event = Event::from_line(V1).unwrap();
    assert_eq!(event.reference, "5f3c9a7be1d20846");
    assert_eq!(event.action, Action::Block);
    assert_eq!(event.status, Some(403));
    assert_eq!(event.matches.len(), 2);
    assert_eq!(event.matches[0].patch.as_deref(), Some("CVE-2024-0001"));
    assert_eq!(event.matches[1].patch, None);
    assert!(event.matches[0].enforced && !event.matches[1].enforced);
}

#[test]
fn an_event_is_written_as_it_was_read() {
    let event = Event::from_line(V1).unwrap();
    assert_eq!(event.to_line().unwrap(), V1.trim_end());
}

#[test]
fn fields_that_are_not_known_are_ignored() {
    let later = V1.replacen('{', "{\"colour\":\"red\",", 1);
    assert_eq!(
        Event::from_line(&later).unwrap(),
        Event::from_line(V1).unwrap()
    );
}

#[test]
fn a_later_version_is_refused_as_such() {
    let later = V1.replacen("\"version\":1", "\"version\":2", 1);
    assert!(Event::from_line(&later).unwrap_err().is_newer());
    assert!(!Event::from_line("{}").unwrap_err().is_newer());
}

//! Events for other systems.

use std::process::Command;

use store::{Limits, Location, Store};
use wire::Event;

use crate::up::run;

#[test]
fn events_of_the_ledger_are_exported_in_the_asked_format() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::folder(folder.path()), Limits::default()).unwrap();
    let text = include_str!("../../../wire/testdata/event/v1.json");
    let first = Event::from_line(text).unwrap();
    let later = Event {
        reference: "later".to_owned(),
        time_ms: first.time_ms + 1,
        application: "other".to_owned(),
        ..first.clone()
    };
    store.deliver(&[first.clone(), later.clone()]).unwrap();
    drop(store);
    let data = folder.path().to_str().unwrap();
    let export = |more: &[&str]| {
        let words = [&["events", "export", "--data", data], more].concat();
        run(&words).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all: Vec<_> = export(&[])
        .iter()
        .map(|line| Event::from_line(line).unwrap())
        .collect();
    assert_eq!(all, [later.clone(), first.clone()]);
    let since = later.time_ms.to_string();
    for (more, expected) in [
        (&["--application", "shop"][..], &first),
        (&["--since-ms", &since], &later),
    ] {
        let found = export(&[more, &["--format", "ocsf"]].concat());
        assert_eq!(found, [expected.to_ocsf().to_string()], "{more:?}");
    }
    assert_eq!(export(&["--patch", "CVE-2024-0001"]).len(), 2);
    assert!(export(&["--patch", "other"]).is_empty());
}

#[test]
fn events_before_a_day_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::folder(folder.path()), Limits::default()).unwrap();
    let text = include_str!("../../../wire/testdata/event/v1.json");
    let event = Event::from_line(text).unwrap();
    // The first moment of 2024-02-29, and the last before it.
    let kept = Event {
        reference: "kept".to_owned(),
        time_ms: 1_709_164_800_000,
        ..event
    };
    let old = Event {
        reference: "old".to_owned(),
        time_ms: kept.time_ms - 1,
        ..kept.clone()
    };
    store.deliver(&[old, kept.clone()]).unwrap();
    drop(store);
    let data = folder.path().to_str().unwrap();
    let forget = |day: &str| {
        let words = ["events", "forget", "--before", day, "--data", data];
        Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(words)
            .args(["--who", "ann", "--why", "two years"])
            .output()
            .unwrap()
    };
    let refused = forget("2999-01-01");
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && why.contains("in the future"),
        "{why}"
    );
    let done = forget("2024-02-29");
    assert_eq!(done.stdout, b"1 events are forgotten\n");
    let left = run(&["events", "export", "--data", data]);
    assert_eq!(Event::from_line(left.trim()).unwrap(), kept);
}

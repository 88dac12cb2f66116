//! Events for other systems.

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

use store::{EventFilter, Paging, Store};

use crate::backend::{BY, Backend};
use crate::sample::event;

crate::on_both!(
    the_newest_come_first_and_filters_hold,
    what_was_delivered_before_is_not_taken_twice,
    what_cannot_be_kept_is_refused_as_a_whole,
    old_events_are_forgotten_and_that_is_noted,
);

fn references(store: &Store, filter: EventFilter<'_>, most: usize) -> Vec<String> {
    let mut references = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(most),
        };
        let page = store.read(|it| it.events(filter, paging)).unwrap();
        references.extend(page.items.into_iter().map(|event| event.reference));
        after = page.next;
        if after.is_none() {
            return references;
        }
    }
}

fn the_newest_come_first_and_filters_hold(backend: &Backend) {
    let store = backend.open();
    let mut other = event(20, "e", Some("p"));
    other.application = "blog".to_owned();
    let mut twice = event(10, "c", Some("p"));
    twice.matches.extend(event(0, "", Some("p")).matches);
    twice.matches.extend(event(0, "", Some("q")).matches);
    let events = [
        event(10, "b", None),
        event(30, "a", Some("q")),
        twice,
        other,
        event(10, "B", None),
    ];
    assert_eq!(store.deliver(&events).unwrap(), 5);
    for (filter, expected) in [
        (EventFilter::All, "a e c b B"),
        (EventFilter::Application("shop"), "a c b B"),
        (EventFilter::Application("none"), ""),
        (EventFilter::Patch("p"), "e c"),
        (EventFilter::Patch("q"), "a c"),
        (EventFilter::One("edge", "c"), "c"),
        (EventFilter::One("another", "c"), ""),
    ] {
        for most in [1, 2, 200] {
            assert_eq!(
                references(&store, filter, most).join(" "),
                expected,
                "{filter:?} by {most}"
            );
        }
    }
    let hits = |within| store.read(|it| it.hits_by_minute("p", within)).unwrap();
    assert_eq!(hits((0, 60_000)), [(0, 2)]);
    assert_eq!(hits((0, 20)), [(0, 1)], "a hit at the end is of the next");
    let newest = store
        .read(|it| it.events(EventFilter::All, Paging::default()))
        .unwrap();
    assert_eq!(
        newest.items[0], events[1],
        "an event is kept as it was told"
    );
}

fn what_was_delivered_before_is_not_taken_twice(backend: &Backend) {
    let store = backend.open();
    let events: Vec<_> = (0..150)
        .map(|number| event(number, &format!("r{number}"), Some("p")))
        .collect();
    assert_eq!(store.deliver(&events[..100]).unwrap(), 100);
    assert_eq!(store.deliver(&events[50..]).unwrap(), 50);
    assert_eq!(store.deliver(&events).unwrap(), 0);
    assert_eq!(store.deliver(&[]).unwrap(), 0);
    assert_eq!(references(&store, EventFilter::All, 200).len(), 150);
    assert_eq!(references(&store, EventFilter::Patch("p"), 200).len(), 150);
    // Each ingress point names its events as it likes.
    let mut elsewhere = event(0, "r0", None);
    elsewhere.ingress = "edge-2".to_owned();
    assert_eq!(store.deliver(&[elsewhere]).unwrap(), 1);
}

fn what_cannot_be_kept_is_refused_as_a_whole(backend: &Backend) {
    let store = backend.open();
    let mut large = event(1, "large", None);
    large.path = "a".repeat(1024 * 1024);
    for faulty in [
        event(1, "a\0", None),
        event(1, &"a".repeat(257), None),
        large,
    ] {
        let refused = store.deliver(&[event(1, "good", None), faulty]);
        assert!(refused.unwrap_err().is_refused());
    }
    assert_eq!(
        references(&store, EventFilter::All, 200),
        Vec::<String>::new()
    );
}

fn old_events_are_forgotten_and_that_is_noted(backend: &Backend) {
    let store = backend.open();
    let events: Vec<_> = (0..10)
        .map(|number| event(number, &format!("r{number}"), Some("p")))
        .collect();
    store.deliver(&events).unwrap();
    assert_eq!(store.change(&BY, |it| it.forget_events(7)).unwrap(), 7);
    assert_eq!(
        references(&store, EventFilter::All, 200),
        ["r9", "r8", "r7"]
    );
    assert_eq!(
        references(&store, EventFilter::Patch("p"), 200),
        ["r9", "r8", "r7"]
    );
    let log = store
        .read(|it| it.audit(Some("events"), Paging::default()))
        .unwrap();
    assert_eq!(log.items[0].detail, r#"{"before_ms":7,"events":7}"#);
}

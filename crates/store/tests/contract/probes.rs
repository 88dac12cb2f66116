use ledger::probe::{Answer, Probe};
use store::{EventFilter, Paging};

use crate::backend::Backend;
use crate::sample::event;

crate::on_both!(
    a_probe_is_begun_by_one_process_alone,
    what_is_learnt_of_a_probe_is_kept_with_it,
    the_event_of_a_probe_is_no_hit,
);

pub(crate) fn probe(patch: &str, mark: &str) -> Probe {
    Probe {
        ingress: "edge".to_owned(),
        patch: patch.to_owned(),
        digest: "d".to_owned(),
        case: "read passwd".to_owned(),
        method: "GET".to_owned(),
        host: "shop.example.org".to_owned(),
        path: "/search".to_owned(),
        mark: mark.to_owned(),
        sent_ms: 5,
        answer: None,
        told: None,
    }
}

fn a_probe_is_begun_by_one_process_alone(backend: &Backend) {
    let store = backend.open();
    assert!(store.begin_probe(&probe("p", "first"), None).unwrap());
    // Whoever has looked before that comes too late.
    assert!(!store.begin_probe(&probe("p", "late"), None).unwrap());
    assert!(
        store
            .begin_probe(&probe("p", "second"), Some("first"))
            .unwrap()
    );
    assert!(
        !store
            .begin_probe(&probe("p", "third"), Some("first"))
            .unwrap()
    );
    assert!(store.begin_probe(&probe("a", "other"), None).unwrap());
    let marks: Vec<_> = store.read(|it| it.probes("edge")).unwrap();
    let marks: Vec<_> = marks.into_iter().map(|it| it.mark).collect();
    assert_eq!(marks, ["other", "second"]);
    assert!(store.read(|it| it.probes("elsewhere")).unwrap().is_empty());
    assert!(store.read(|it| it.probe("first")).unwrap().is_none());
}

fn what_is_learnt_of_a_probe_is_kept_with_it(backend: &Backend) {
    let store = backend.open();
    store.begin_probe(&probe("p", "m"), None).unwrap();
    let learn = |mark: &str, keep: bool| {
        let learnt = store.learn_of_probe(mark, |probe| {
            probe.answer = Some(Answer::Status(403));
            keep
        });
        learnt.unwrap()
    };
    assert!(!learn("unknown", true));
    assert!(!learn("m", false));
    let known = || store.read(|it| it.probe("m")).unwrap().unwrap().answer;
    assert_eq!(known(), None);
    assert!(learn("m", true));
    assert_eq!(known(), Some(Answer::Status(403)));
}

fn the_event_of_a_probe_is_no_hit(backend: &Backend) {
    let store = backend.open();
    let mut of_probe = event(10, "b", Some("p"));
    of_probe.probe = Some("m".to_owned());
    assert_eq!(
        store
            .deliver(&[event(9, "a", Some("p")), of_probe])
            .unwrap(),
        2
    );
    let references = |filter| {
        let page = store
            .read(|it| it.events(filter, Paging::default()))
            .unwrap();
        page.items
            .into_iter()
            .map(|it| it.reference)
            .collect::<Vec<_>>()
    };
    assert_eq!(references(EventFilter::All), ["b", "a"]);
    assert_eq!(references(EventFilter::Patch("p")), ["a"]);
}

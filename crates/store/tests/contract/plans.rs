//! No page is found by reading or sorting a whole table, however large it grows.

use ledger::{State, Subject};
use store::{EventFilter, FindingFilter, Paging, Store};

use crate::backend::Backend;

crate::on_both!(pages_of_findings_come_from_indexes, pages_of_events_come_from_indexes);

/// What the database says where it reads or sorts a whole table.
fn must_not_say(backend: &Backend) -> &'static [&'static str] {
    match backend.is_sqlite() {
        true => &["SCAN", "TEMP B-TREE"],
        false => &["Seq Scan", "Sort"],
    }
}

fn check(backend: &Backend, what: &str, plan: &[String]) {
    for line in plan {
        for word in must_not_say(backend) {
            // An index that is read in its order, up to the page's end, is no whole table.
            let in_order = line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
            assert!(!line.contains(word) || in_order, "{what}: {plan:#?}");
        }
    }
}

/// So that the planner chooses as it would for a large table.
fn open(backend: &Backend) -> Store {
    let store = backend.open();
    if !backend.is_sqlite() {
        backend
            .raw("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET enable_seqscan = off'; EXECUTE 'ALTER DATABASE ' || current_database() || ' SET enable_sort = off'; EXECUTE 'ALTER DATABASE ' || current_database() || ' SET enable_bitmapscan = off'; END $$")
            .unwrap();
        return backend.open();
    }
    store
}

fn pages_of_findings_come_from_indexes(backend: &Backend) {
    let store = open(backend);
    let first = Paging::default();
    // The key [1, 2].
    let later = Paging { after: Some("WzEsMl0"), most: None };
    let states = [None, Some(State::Open)];
    let advisories = [None, Some("CVE-1".to_owned())];
    let subjects = [None, Some(Subject::Asset("a".to_owned()))];
    for state in states {
        for advisory in &advisories {
            for subject in &subjects {
                if advisory.is_some() && subject.is_some() {
                    continue; // There is one at most.
                }
                let filter = FindingFilter {
                    state,
                    advisory: advisory.clone(),
                    subject: subject.clone(),
                };
                for paging in [first, later] {
                    let plan = store.read(|it| it.explain_findings(&filter, paging)).unwrap();
                    check(backend, &format!("{filter:?}"), &plan);
                }
            }
        }
    }
}

fn pages_of_events_come_from_indexes(backend: &Backend) {
    let store = open(backend);
    // The key [1, "a", "b"].
    let later = Paging { after: Some("WzEsImEiLCJiIl0"), most: None };
    for filter in [EventFilter::All, EventFilter::Application("a"), EventFilter::Patch("p")] {
        for paging in [Paging::default(), later] {
            let plan = store.read(|it| it.explain_events(filter, paging)).unwrap();
            check(backend, &format!("{filter:?}"), &plan);
        }
    }
}

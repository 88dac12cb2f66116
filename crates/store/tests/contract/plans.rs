//! No page is found by reading or sorting a whole table, however large it grows.

use ledger::{State, Subject};
use store::{EventFilter, FindingFilter, Paging, Store};

use crate::backend::Backend;

crate::on_both!(
    pages_of_findings_come_from_indexes,
    pages_of_events_come_from_indexes,
    planned_fixes_come_from_an_index,
);

/// All that is asked for must come from an index, in its order, and nothing be left out again.
fn check(backend: &Backend, what: &str, plan: &[String], filters: &[&str], later: bool) {
    let text = plan.join("\n");
    let wrong: &[&str] = match backend.is_sqlite() {
        true => &["TEMP B-TREE"],
        false => &["Seq Scan", "Sort", "Filter:"],
    };
    for word in wrong {
        assert!(!text.contains(word), "{what}: {text}");
    }
    if backend.is_sqlite() {
        // The first page of a whole list is read from the index's beginning.
        let scan = text.contains("SCAN");
        assert!(!scan || (filters.is_empty() && !later), "{what}: {text}");
        for filter in filters {
            assert!(text.contains(&format!("{filter}=?")), "{what}: {text}");
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
    let later = Paging {
        after: Some("WzEsMl0"),
        most: None,
    };
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
                    let plan = store
                        .read(|it| it.explain_findings(&filter, paging))
                        .unwrap();
                    let filters: Vec<_> = [
                        state.map(|_| "state"),
                        advisory.as_ref().map(|_| "advisory"),
                        subject.as_ref().map(|_| "subject"),
                    ]
                    .into_iter()
                    .flatten()
                    .collect();
                    let later = paging.after.is_some();
                    check(backend, &format!("{filter:?}"), &plan, &filters, later);
                }
            }
        }
    }
}

fn pages_of_events_come_from_indexes(backend: &Backend) {
    let store = open(backend);
    // The key [1, "a", "b"].
    let later = Paging {
        after: Some("WzEsImEiLCJiIl0"),
        most: None,
    };
    for (filter, columns) in [
        (EventFilter::All, &[][..]),
        (EventFilter::Application("a"), &["application"]),
        (EventFilter::Patch("p"), &["patch"]),
    ] {
        for paging in [Paging::default(), later] {
            let plan = store.read(|it| it.explain_events(filter, paging)).unwrap();
            let later = paging.after.is_some();
            check(backend, &format!("{filter:?}"), &plan, columns, later);
        }
    }
}

fn planned_fixes_come_from_an_index(backend: &Backend) {
    let plan = open(backend).read(|it| it.explain_planned_fixes()).unwrap();
    let text = plan.join("\n");
    assert!(text.contains("finding_by_schedule"), "{text}");
    assert!(!text.contains("Seq Scan"), "{text}");
    if backend.is_sqlite() {
        let range = "(scheduled_ms>? AND scheduled_ms<?)";
        assert!(text.contains(range), "{text}");
    }
}

use ledger::{Asset, Move, Severity, State, Subject};
use store::{Change, Error, FindingFilter, Paging, Store};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    the_most_urgent_come_first_and_filters_hold,
    a_finding_is_there_once_and_comes_back_when_it_was_fixed,
    moves_are_kept_and_checked,
    a_shield_is_a_patch_for_the_advisory,
);

/// Four advisories on three assets, in another order than that of the lists.
fn many(change: &mut Change<'_>) -> Result<(), Error> {
    for asset in ["a", "b", "c"] {
        change.add(&sample::asset(asset))?;
    }
    for (index, severity) in Severity::ALL.iter().rev().enumerate() {
        let id = format!("CVE-{index}");
        change.add(&sample::advisory(&id, *severity))?;
        for asset in ["c", "a", "b"] {
            change.open_finding(&id, &Subject::Asset(asset.to_owned()))?;
        }
    }
    change.move_finding(
        1,
        &Move::Fix {
            version: "2".to_owned(),
        },
        None,
    )?;
    change.move_finding(
        5,
        &Move::Fix {
            version: "2".to_owned(),
        },
        None,
    )?;
    Ok(())
}

fn numbers(store: &Store, filter: &FindingFilter, most: usize) -> Vec<i64> {
    let mut numbers = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let paging = Paging {
            after: after.as_deref(),
            most: Some(most),
        };
        let page = store.read(|it| it.findings(filter, paging)).unwrap();
        numbers.extend(page.items.iter().map(|item| item.value.id));
        after = page.next;
        if after.is_none() {
            return numbers;
        }
    }
}

fn the_most_urgent_come_first_and_filters_hold(backend: &Backend) {
    let store = backend.open();
    change(&store, many);
    let state = Some(State::Fixed);
    let subject = Some(Subject::Asset("a".to_owned()));
    let advisory = Some("CVE-1".to_owned());
    let all = FindingFilter::default();
    for (filter, expected) in [
        (all.clone(), vec![10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3]),
        (
            FindingFilter {
                state,
                ..all.clone()
            },
            vec![5, 1],
        ),
        (
            FindingFilter {
                subject: subject.clone(),
                ..all.clone()
            },
            vec![11, 8, 5, 2],
        ),
        (
            FindingFilter {
                advisory: advisory.clone(),
                ..all.clone()
            },
            vec![4, 5, 6],
        ),
        (
            FindingFilter {
                state,
                subject: subject.clone(),
                advisory: None,
            },
            vec![5],
        ),
        (
            FindingFilter {
                state,
                advisory: advisory.clone(),
                subject: None,
            },
            vec![5],
        ),
        (
            FindingFilter {
                state: None,
                advisory: advisory.clone(),
                subject: subject.clone(),
            },
            vec![5],
        ),
        (
            FindingFilter {
                state: Some(State::Open),
                advisory,
                subject,
            },
            vec![],
        ),
    ] {
        for most in [1, 2, 5, 200] {
            assert_eq!(
                numbers(&store, &filter, most),
                expected,
                "{filter:?} by {most}"
            );
        }
    }
}

fn a_finding_is_there_once_and_comes_back_when_it_was_fixed(backend: &Backend) {
    let store = sample::filled(backend);
    let open = || change(&store, |it| it.open_finding("CVE-1", &sample::shop()));
    let again = open();
    assert!(!again.new);
    assert_eq!((again.finding.value.id, again.finding.version), (1, 1));
    change(&store, |it| {
        it.move_finding(
            1,
            &Move::Fix {
                version: "2".to_owned(),
            },
            None,
        )
    });
    let back = open();
    assert_eq!((back.finding.value.state(), back.new), (State::Open, false));
    assert_eq!(back.finding.version, 3);
}

fn moves_are_kept_and_checked(backend: &Backend) {
    let store = sample::filled(backend);
    let fix = Move::Fix {
        version: "2".to_owned(),
    };
    let moved = change(&store, |it| it.move_finding(1, &fix, Some(1)));
    assert_eq!((moved.version, moved.value.state()), (2, State::Fixed));
    assert_eq!(store.read(|it| it.finding(1)).unwrap(), moved);
    let late = store.change(&BY, |it| it.move_finding(1, &Move::Reopen {}, Some(1)));
    assert!(late.unwrap_err().is_changed());
    let twice = store.change(&BY, |it| it.move_finding(1, &fix, None));
    assert!(twice.unwrap_err().is_refused());
    let none = store.change(&BY, |it| it.move_finding(2, &fix, None));
    assert!(none.unwrap_err().is_missing());
    assert!(store.read(|it| it.get::<Asset>("db-1")).is_ok());
}

fn a_shield_is_a_patch_for_the_advisory(backend: &Backend) {
    let store = sample::filled(backend);
    change(&store, |it| {
        it.add(&sample::advisory("CVE-2", Severity::Low))?;
        it.add(&sample::patch("other", &["CVE-2"]))
    });
    let shield = |patch: &str| {
        let patch = patch.to_owned();
        store.change(&BY, |it| it.move_finding(1, &Move::Shield { patch }, None))
    };
    assert!(
        shield("other")
            .unwrap_err()
            .to_string()
            .contains("is not for CVE-1")
    );
    assert!(
        shield("none")
            .unwrap_err()
            .to_string()
            .contains("no patch none")
    );
    assert_eq!(shield("p").unwrap().value.state(), State::Shielded);
}

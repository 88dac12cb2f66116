use ledger::{Asset, Move, Schedule, Severity, State, Subject};
use store::{Change, Error, FindingFilter, Limits, Paging, Store};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    the_most_urgent_come_first_and_filters_hold,
    a_finding_is_there_once_and_comes_back_when_it_was_fixed,
    moves_are_kept_and_checked,
    a_shield_is_a_patch_for_the_advisory,
    planned_fixes_are_told_for_a_time,
    what_earlier_releases_planned_is_told,
    who_planned_a_fix_may_be_as_long_as_a_text,
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

fn planned_fixes_are_told_for_a_time(backend: &Backend) {
    let store = backend.open();
    change(&store, many);
    let plan = |by: &str, due_ms: i64| {
        Move::Schedule(Schedule {
            by: by.to_owned(),
            due_ms,
        })
    };
    // Those of CVE-0 but the fixed one, by one plan and by another; of CVE-1, later.
    for (finding, step) in [
        (2, plan("one", 10)),
        (3, plan("two", 10)),
        (4, plan("one", 20)),
        (6, plan("one", 20)),
        (7, plan("one", 30)),
    ] {
        change(&store, |it| it.move_finding(finding, &step, None));
    }
    let told = |span: (i64, i64), most: usize| {
        let (fixes, all) = store.read(|it| it.planned_fixes(span, most)).unwrap();
        let fixes = fixes.into_iter().map(|it| (it.first.id, it.findings));
        (fixes.collect::<Vec<_>>(), all)
    };
    assert_eq!(told((0, 30), 9), (vec![(2, 1), (3, 1), (4, 2)], 3));
    assert_eq!(told((0, 31), 2), (vec![(2, 1), (3, 1)], 4));
    assert_eq!(told((11, 31), 9), (vec![(4, 2), (7, 1)], 2));
    assert_eq!(told((40, 50), 9), (vec![], 0));
    // What was fixed, or is not planned any more, is none.
    let fixed = Move::Fix {
        version: "2".to_owned(),
    };
    change(&store, |it| it.move_finding(4, &fixed, None));
    change(&store, |it| it.move_finding(7, &Move::Unschedule {}, None));
    assert_eq!(told((11, 31), 9), (vec![(6, 1)], 1));
}

fn what_earlier_releases_planned_is_told(backend: &Backend) {
    let store = planned_by(backend, "change 7");
    let planned = |span| store.read(|it| it.planned_fixes(span, 9)).unwrap().0;
    let fixes = planned((9000, 9001));
    assert_eq!(
        (fixes[0].first.id, fixes[0].findings, fixes.len()),
        (1, 1, 1)
    );
    assert_eq!(planned((0, 9000)), []);
}

/// A ledger of an earlier release in which finding 1 is planned by somebody.
fn planned_by(backend: &Backend, by: &str) -> Store {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let specimen = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/specimens/v8.jsonl");
    let text = std::fs::read_to_string(specimen).unwrap();
    let planned = format!(r#"\"schedule\":{{\"by\":\"{by}\",\"due_ms\":9000}}}}""#);
    let text = text
        .replacen(r#"\"shield\":\"p\"}""#, &planned, 1)
        .replacen("\"shielded\"", "\"scheduled\"", 1);
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let end: serde_json::Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
    let digest = ledger::sha256(lines.concat().as_bytes());
    let end = format!("{{\"rows\":{},\"sha256\":\"{digest}\"}}\n", end["rows"]);
    lines.push(&end);
    std::fs::write(&file, lines.concat()).unwrap();
    Store::restore(&backend.location(), &file, &BY, Limits::default()).unwrap()
}

/// Longer than what an index of PostgreSQL takes, also when it is compressed.
fn who_planned_a_fix_may_be_as_long_as_a_text(backend: &Backend) {
    let digests = (0..64_u8).map(|at| ledger::sha256(&[at]));
    let by: String = digests.collect();
    assert_eq!(by.len(), ledger::Limits::default().text_bytes);
    let told = |store: &Store| {
        let (fixes, _) = store.read(|it| it.planned_fixes((0, 10_000), 9)).unwrap();
        let by = fixes.into_iter().map(|it| it.first.schedule.unwrap().by);
        by.collect::<Vec<_>>()
    };
    // Planned by an earlier release, and by this one.
    let store = planned_by(backend, &by);
    assert_eq!(told(&store), [by.as_str()]);
    let again = Move::Schedule(Schedule {
        due_ms: 9000,
        by: format!("{by:.4095}+"),
    });
    change(&store, |it| it.move_finding(1, &Move::Unschedule {}, None));
    change(&store, |it| it.move_finding(1, &again, None));
    assert_eq!(told(&store), [format!("{by:.4095}+")]);
}

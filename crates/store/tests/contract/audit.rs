use ledger::audit::{Fault, Head};
use store::{By, Paging};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    every_change_leaves_who_what_and_why,
    the_log_is_only_appended_to,
    verifying_names_the_first_broken_entry,
    a_log_that_was_made_anew_is_not_the_one_that_was_noted,
);

fn every_change_leaves_who_what_and_why(backend: &Backend) {
    let store = backend.open();
    assert_eq!(
        store.read(|it| it.verify_audit(None)).unwrap(),
        Head::beginning()
    );
    let by = By {
        who: "bob",
        why: "they are new",
        now_ms: 77,
    };
    store.change(&by, sample::fill).unwrap();
    let page = store.read(|it| it.audit(None, Paging::default())).unwrap();
    let told: Vec<_> = page
        .items
        .iter()
        .rev()
        .map(|entry| {
            assert_eq!(
                (entry.who.as_str(), entry.why.as_str(), entry.time_ms),
                ("bob", "they are new", 77)
            );
            (entry.action.as_str(), entry.subject.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("asset.add", "asset/db-1"),
            ("application.add", "application/shop"),
            ("ingress-point.add", "ingress-point/edge"),
            ("advisory.add", "advisory/CVE-1"),
            ("patch.add", "patch/p"),
            ("finding.open", "finding/1"),
        ]
    );
    assert!(
        page.items[1].detail.contains("stopgap: 1"),
        "what it became is kept"
    );
    let one = store
        .read(|it| it.audit(Some("patch/p"), Paging::default()))
        .unwrap();
    assert_eq!(one.items, [page.items[1].clone()]);
    let first = Paging {
        after: None,
        most: Some(4),
    };
    let first = store.read(|it| it.audit(None, first)).unwrap();
    let rest = Paging {
        after: first.next.as_deref(),
        most: Some(4),
    };
    let rest = store.read(|it| it.audit(None, rest)).unwrap();
    assert_eq!([first.items, rest.items].concat(), page.items);
    assert_eq!(store.read(|it| it.verify_audit(None)).unwrap().sequence, 6);
}

fn the_log_is_only_appended_to(backend: &Backend) {
    let store = sample::filled(backend);
    for sql in [
        "UPDATE audit SET who = 'nobody' WHERE sequence = 2",
        "DELETE FROM audit WHERE sequence = 6",
    ] {
        let why = backend.raw(sql).unwrap_err();
        assert!(why.contains("append-only"), "{why}");
    }
    assert!(store.read(|it| it.verify_audit(None)).is_ok());
}

fn verifying_names_the_first_broken_entry(backend: &Backend) {
    let copy = "SELECT 7, time_ms, who, action, subject, why, detail, hash, hash FROM audit WHERE sequence = 6";
    let append = format!(
        "INSERT INTO audit (sequence, time_ms, who, action, subject, why, detail, previous, hash) {copy}"
    );
    for (sql, sequence, fault) in [
        (
            "UPDATE audit SET who = 'nobody' WHERE sequence IN (3, 5)",
            3,
            Fault::Altered,
        ),
        (
            "UPDATE audit SET hash = previous WHERE sequence = 4",
            4,
            Fault::Altered,
        ),
        (
            "UPDATE audit SET previous = hash WHERE sequence = 4",
            4,
            Fault::Unlinked,
        ),
        ("DELETE FROM audit WHERE sequence = 1", 1, Fault::Missing),
        ("DELETE FROM audit WHERE sequence = 3", 3, Fault::Missing),
        ("DELETE FROM audit WHERE sequence > 4", 5, Fault::Missing),
        ("DELETE FROM audit", 1, Fault::Missing),
        ("UPDATE audit_head SET hash = 'f'", 6, Fault::Replaced),
        ("UPDATE audit_head SET sequence = 5", 6, Fault::Uncounted),
        (&append, 7, Fault::Altered),
    ] {
        let backend = backend.another();
        let store = sample::filled(&backend);
        backend.disarm();
        backend.raw(sql).unwrap();
        let error = store.read(|it| it.verify_audit(None)).unwrap_err();
        let broken = error.broken().unwrap();
        assert_eq!((broken.sequence, broken.fault), (sequence, fault), "{sql}");
        assert!(
            error.to_string().contains(&format!("entry {sequence} ")),
            "{error}"
        );
    }
}

fn a_log_that_was_made_anew_is_not_the_one_that_was_noted(backend: &Backend) {
    let store = sample::filled(backend);
    let noted = store.read(|it| it.verify_audit(None)).unwrap();
    change(&store, |it| it.add(&sample::asset("db-2")));
    assert!(store.read(|it| it.verify_audit(Some(&noted))).is_ok());

    let forged = backend.another();
    let store = forged.open();
    store
        .change(
            &By {
                who: "mallory",
                ..BY
            },
            sample::fill,
        )
        .unwrap();
    assert!(store.read(|it| it.verify_audit(None)).is_ok());
    let error = store.read(|it| it.verify_audit(Some(&noted))).unwrap_err();
    assert_eq!(
        error.broken().map(|broken| broken.fault),
        Some(Fault::Replaced)
    );

    let short = backend.another();
    let store = short.open();
    let error = store.read(|it| it.verify_audit(Some(&noted))).unwrap_err();
    assert_eq!(
        error.broken().map(|broken| (broken.sequence, broken.fault)),
        Some((1, Fault::Missing))
    );
}

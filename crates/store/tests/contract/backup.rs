use std::path::Path;

use ledger::rollout::{Move, Policy, Rules};
use ledger::{Environment, VirtualPatch};
use store::{Limits, Paging, Start, Store};

use crate::backend::{BY, Backend, change};
use crate::{campaigns, exceptions, fleet, probes, sample};

crate::on_both!(
    a_backup_is_restored_into_either_database,
    a_restored_ledger_goes_on_where_it_was,
    nothing_is_written_over,
    a_backup_that_is_not_whole_is_refused_and_leaves_nothing,
);

fn full(backend: &Backend) -> Store {
    let store = sample::filled(backend);
    change(&store, |it| {
        it.replace(&sample::asset("db-1"), None)?;
        it.move_finding(
            1,
            &ledger::Move::Shield {
                patch: "p".to_owned(),
            },
            None,
        )?;
        let patch: VirtualPatch = it.get("p")?.value;
        let proof = sample::proof(&patch);
        it.start_rollout(
            "p",
            &Start::Proven(&proof),
            Environment::Test,
            Rules::default(),
        )?;
        it.move_rollout(1, &Move::Promote {}, Policy { two_persons: true }, None)?;
        it.add_token(&sample::token("t"), "hash")
    });
    store.deliver(&[sample::event(5, "r", Some("p"))]).unwrap();
    fleet::add_key(&store, 1);
    fleet::make(&store).unwrap();
    fleet::admit(&store, "edge").unwrap();
    change(&store, |it| it.enrol("edge", "key", "0.1.0"));
    store.attest("edge", fleet::attestation(1, 10), 7).unwrap();
    store.begin_probe(&probes::probe("p", "m"), None).unwrap();
    change(&store, |it| {
        it.add_subscription(&sample::subscription(), "secret")
    });
    change(&store, |it| it.add_user(&sample::user(), "hash"));
    campaigns::begun(&store);
    exceptions::asked(&store);
    store
}

/// The backup's lines, without its end, which tells the digest of all of them.
fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

fn a_backup_is_restored_into_either_database(backend: &Backend) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    full(backend).back_up(&file("first")).unwrap();
    // How specimens were made: by a release that had this schema.
    if let Some(specimen) = std::env::var_os("STOPGAP_WRITE_SPECIMEN") {
        std::fs::copy(file("first"), specimen).unwrap();
    }
    for (name, other) in [
        ("same", backend.another()),
        ("other", backend.of_the_other_kind()),
    ] {
        let store =
            Store::restore(&other.location(), &file("first"), &BY, Limits::default()).unwrap();
        store.read(|it| it.verify_audit(None)).unwrap();
        let last = store
            .read(|it| {
                it.audit(
                    None,
                    Paging {
                        after: None,
                        most: Some(1),
                    },
                )
            })
            .unwrap();
        assert_eq!(last.items[0].action, "ledger.restore");
        store.back_up(&file(name)).unwrap();
        let (before, after) = (lines(&file("first")), lines(&file(name)));
        // All is the same but the log, which tells of the restoring, and its end.
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!(new.len(), 2, "{new:#?}");
        assert_eq!(after.len(), before.len() + 1);
    }
}

fn a_restored_ledger_goes_on_where_it_was(backend: &Backend) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    full(backend).back_up(&file).unwrap();
    let other = backend.another();
    Store::restore(&other.location(), &file, &BY, Limits::default()).unwrap();
    let store = other.open();
    let opened = change(&store, |it| {
        it.open_finding("CVE-1", &ledger::Subject::Asset("db-1".to_owned()))
    });
    assert_eq!(opened.finding.value.id, 2);
    assert_eq!(
        store.deliver(&[sample::event(5, "r", Some("p"))]).unwrap(),
        0
    );
    store.read(|it| it.verify_audit(None)).unwrap();
}

fn nothing_is_written_over(backend: &Backend) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let store = full(backend);
    store.back_up(&file).unwrap();
    assert!(store.back_up(&file).unwrap_err().is_existing());
    let restored = Store::restore(&backend.location(), &file, &BY, Limits::default());
    assert!(restored.err().unwrap().is_existing());
    assert!(store.read(|it| it.verify_audit(None)).is_ok());
    assert!(store.back_up(&folder.path().join("none/backup")).is_err());
}

fn a_backup_that_is_not_whole_is_refused_and_leaves_nothing(backend: &Backend) {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good");
    full(backend).back_up(&good).unwrap();
    let text = std::fs::read_to_string(&good).unwrap();
    let whole: Vec<&str> = text.split_inclusive('\n').collect();
    let without = |index: usize| {
        let mut lines = whole.clone();
        lines.remove(index);
        lines.concat()
    };
    let cases = [
        (String::new(), "ends too early"),
        (text[..text.len() / 2].to_owned(), "ends too early"),
        (without(whole.len() - 1), "ends too early"),
        (without(0), "out of place"),
        (without(1), "of no table"),
        (without(2), "not what was written"),
        (
            text.replace("operations", "Operations"),
            "not what was written",
        ),
        (
            text.replacen("\"asset\"", "\"sqlite_master\"", 1),
            "no such table",
        ),
        (text.replacen("\"version\"", "\"v\"", 1), "other columns"),
        (
            text.replacen("\"stopgap_backup\":1", "\"stopgap_backup\":2", 1),
            "not known",
        ),
        (
            text.replacen("\"schema\":", "\"schema\":9", 1),
            "later release",
        ),
        ("hello\n".to_owned(), "no line of a backup"),
    ];
    let other = backend.another();
    let limits = Limits::default;
    for (text, named) in cases {
        let file = folder.path().join("faulty");
        std::fs::write(&file, text).unwrap();
        let why = Store::restore(&other.location(), &file, &BY, limits())
            .err()
            .unwrap();
        assert!(
            why.to_string().contains(named),
            "{why} does not say {named}"
        );
    }
    let small = Limits {
        backup_line_bytes: 64,
        ..limits()
    };
    let why = Store::restore(&other.location(), &good, &BY, small)
        .err()
        .unwrap();
    assert!(why.to_string().contains("too long"), "{why}");
    // Nothing is left of them in the way.
    Store::restore(&other.location(), &good, &BY, limits()).unwrap();
}

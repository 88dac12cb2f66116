use ledger::{Advisory, Application, Asset, IngressPoint, Severity, VirtualPatch};
use store::{By, Limits, Paging, Record, Store};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    what_is_added_is_read_again,
    lists_are_in_the_order_of_bytes_and_pages_hold_all_of_them_once,
    nothing_is_added_twice,
    what_others_changed_meanwhile_is_not_overwritten,
    what_a_record_refers_to_must_be_there,
    what_is_malformed_is_not_kept,
    what_would_not_fit_into_a_backup_is_not_kept,
    a_change_that_fails_leaves_nothing,
    nobody_changes_anything_without_a_name_and_a_reason,
    a_cut_connection_is_replaced,
);

fn what_is_added_is_read_again(backend: &Backend) {
    fn same<R: Record + PartialEq + std::fmt::Debug>(store: &Store, record: &R) {
        let read = store.read(|it| it.get::<R>(record.id())).unwrap();
        assert_eq!((read.version, &read.value), (1, record));
    }
    let store = backend.open();
    change(&store, sample::fill);
    // Also by whoever opens it later.
    for store in [store, backend.open()] {
        same::<Asset>(&store, &sample::asset("db-1"));
        same::<Application>(&store, &sample::application("shop", &["db-1"]));
        same::<IngressPoint>(&store, &sample::ingress_point("edge", &["shop"]));
        same::<Advisory>(&store, &sample::advisory("CVE-1", Severity::High));
        same::<VirtualPatch>(&store, &sample::patch("p", &["CVE-1"]));
        let none = store.read(|it| it.get::<Asset>("db-2")).unwrap_err();
        assert!(none.is_missing() && none.to_string() == "there is no asset db-2");
    }
}

fn lists_are_in_the_order_of_bytes_and_pages_hold_all_of_them_once(backend: &Backend) {
    let store = backend.open();
    let mut ids = vec![
        "b", "B", "a-1", "a.1", "a1", "A", "Z", "a_1", "a:1", "10", "9",
    ];
    change(&store, |it| {
        ids.iter()
            .try_for_each(|id| it.add(&sample::asset(id)).map(drop))
    });
    ids.sort_unstable();
    for most in [1, 3, 10, 11, 12] {
        let mut read = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let paging = Paging {
                after: after.as_deref(),
                most: Some(most),
            };
            let page = store.read(|it| it.list::<Asset>(paging)).unwrap();
            assert!(page.items.len() <= most);
            read.extend(page.items.into_iter().map(|item| item.value.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(read, ids, "in pages of {most}");
    }
    for paging in [
        Paging {
            after: Some("???"),
            most: None,
        },
        Paging {
            after: Some("WzFd"),
            most: None,
        },
        Paging {
            after: None,
            most: Some(0),
        },
        Paging {
            after: None,
            most: Some(201),
        },
    ] {
        let why = store.read(|it| it.list::<Asset>(paging)).unwrap_err();
        assert!(why.is_refused(), "{paging:?}");
    }
}

fn nothing_is_added_twice(backend: &Backend) {
    let store = backend.open();
    change(&store, |it| it.add(&sample::asset("db-1")));
    let twice = store.change(&BY, |it| it.add(&sample::asset("db-1")));
    let why = twice.unwrap_err();
    assert!(why.is_existing() && why.to_string() == "there is asset db-1 already");
}

fn what_others_changed_meanwhile_is_not_overwritten(backend: &Backend) {
    let store = backend.open();
    let mut asset = sample::asset("db-1");
    change(&store, |it| it.add(&asset));
    asset.owner = Some("database".to_owned());
    let first = change(&store, |it| it.replace(&asset, Some(1)));
    assert_eq!((first.version, &first.value), (2, &asset));
    let late = store.change(&BY, |it| it.replace(&sample::asset("db-1"), Some(1)));
    assert!(late.unwrap_err().is_changed());
    let read = store.read(|it| it.get::<Asset>("db-1")).unwrap();
    assert_eq!(read.value, asset);
    let unseen = change(&store, |it| it.replace(&sample::asset("db-1"), None));
    assert_eq!(unseen.version, 3);
    let none = store.change(&BY, |it| it.replace(&sample::asset("db-2"), None));
    assert!(none.unwrap_err().is_missing());
}

fn what_a_record_refers_to_must_be_there(backend: &Backend) {
    let store = backend.open();
    let add = store.change(&BY, |it| it.add(&sample::application("shop", &["db-1"])));
    assert!(add.unwrap_err().to_string().contains("no asset db-1"));
    let add = store.change(&BY, |it| it.add(&sample::ingress_point("edge", &["shop"])));
    assert!(add.unwrap_err().to_string().contains("no application shop"));
    let add = store.change(&BY, |it| it.add(&sample::patch("p", &["CVE-1"])));
    assert!(add.unwrap_err().to_string().contains("no advisory CVE-1"));
    let open = store.change(&BY, |it| it.open_finding("CVE-1", &sample::shop()));
    assert!(
        open.unwrap_err()
            .to_string()
            .contains("no application shop")
    );
}

fn what_is_malformed_is_not_kept(backend: &Backend) {
    let store = backend.open();
    for id in ["", "a b", "../x", "-a", "a/b", "é", "a\0"] {
        let add = store.change(&BY, |it| it.add(&sample::asset(id)));
        assert!(add.unwrap_err().is_refused(), "{id:?}");
    }
}

/// Quotes are what grows most when a record is written into a line.
fn what_would_not_fit_into_a_backup_is_not_kept(backend: &Backend) {
    let store = backend.open();
    let asset = |count| Asset {
        groups: vec!["\"".repeat(4096); count],
        ..sample::asset("db-1")
    };
    let add = store.change(&BY, |it| it.add(&asset(800)));
    let why = add.unwrap_err().to_string();
    assert!(why.starts_with("asset/db-1 has 6"), "{why}");
    change(&store, |it| it.add(&asset(760)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    store.back_up(&file).unwrap();
    let other = backend.another();
    let restored = Store::restore(&other.location(), &file, &BY, Limits::default()).unwrap();
    let read = restored.read(|it| it.get::<Asset>("db-1")).unwrap();
    assert_eq!(read.value, asset(760));
}

fn a_change_that_fails_leaves_nothing(backend: &Backend) {
    let store = sample::filled(backend);
    let before = store.read(|it| it.verify_audit(None)).unwrap();
    let failed = store.change(&BY, |it| {
        it.add(&sample::asset("db-2"))?;
        it.add(&sample::advisory("CVE-2", Severity::Low))?;
        it.open_finding("CVE-2", &sample::shop())?;
        it.add(&sample::asset("db-1"))
    });
    assert!(failed.is_err());
    assert!(store.read(|it| it.get::<Asset>("db-2")).is_err());
    assert_eq!(store.read(|it| it.verify_audit(None)).unwrap(), before);
    let opened = change(&store, |it| {
        it.add(&sample::advisory("CVE-2", Severity::Low))?;
        it.open_finding("CVE-2", &sample::shop())
    });
    assert_eq!(opened.finding.value.id, 2, "numbers have no gaps");
}

fn nobody_changes_anything_without_a_name_and_a_reason(backend: &Backend) {
    let store = backend.open();
    let long = "a".repeat(4097);
    for (who, why) in [("", "x"), ("alice", " "), ("a\0", "x"), ("alice", &long)] {
        let by = By {
            who,
            why,
            now_ms: 0,
        };
        let refused = store.change(&by, |it| it.add(&sample::asset("db-1")));
        assert!(refused.unwrap_err().is_refused());
    }
}

fn a_cut_connection_is_replaced(backend: &Backend) {
    let store = backend.open();
    change(&store, |it| it.add(&sample::asset("db-1")));
    if !backend.is_sqlite() {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        backend.raw(others).unwrap();
    }
    change(&store, |it| it.add(&sample::asset("db-2")));
}

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use ledger::Asset;
use store::{Error, Limits, Location, Paging, Store};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    changes_of_many_come_one_after_the_other,
    a_reader_sees_one_moment,
    deliveries_of_the_same_events_at_once_take_each_once,
    whoever_waits_too_long_is_told_to_come_again,
    what_was_acknowledged_is_there_after_a_kill,
);

fn changes_of_many_come_one_after_the_other(backend: &Backend) {
    let stores = [backend.open(), backend.open()];
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let store = &stores[worker % 2];
            scope.spawn(move || {
                for number in 0..10 {
                    change(store, |it| {
                        it.add(&sample::asset(&format!("a-{worker}-{number}")))
                    });
                    // What two change at once is changed by one after the other.
                    let shared = sample::asset("shared");
                    match store.change(&BY, |it| it.add(&shared)) {
                        Ok(_) => {}
                        Err(why) if why.is_existing() => {
                            change(store, |it| it.replace(&shared, None));
                        }
                        Err(why) => assert_eq!(why.to_string(), ""),
                    }
                }
            });
        }
    });
    let head = stores[0].read(|it| it.verify_audit(None)).unwrap();
    assert_eq!(head.sequence, 120);
    let shared = stores[1].read(|it| it.get::<Asset>("shared")).unwrap();
    assert_eq!(shared.version, 60);
}

fn a_reader_sees_one_moment(backend: &Backend) {
    let store = backend.open();
    change(&store, |it| it.add(&sample::asset("a")));
    store
        .read(|it| {
            let count = |page: store::Page<_>| page.items.len();
            let before = it.list::<Asset>(Paging::default()).map(count)?;
            change(&store, |it| it.add(&sample::asset("b")));
            assert_eq!(it.list::<Asset>(Paging::default()).map(count)?, before);
            Ok(())
        })
        .unwrap();
    assert!(store.read(|it| it.get::<Asset>("b")).is_ok());
}

fn deliveries_of_the_same_events_at_once_take_each_once(backend: &Backend) {
    let store = backend.open();
    let events: Vec<_> = (0..200)
        .map(|number| sample::event(number, &format!("r{number}"), Some("p")))
        .collect();
    let mut backwards = events.clone();
    backwards.reverse();
    let new: usize = std::thread::scope(|scope| {
        let store = &store;
        let deliver = |events| scope.spawn(move || store.deliver(events).unwrap());
        let under_way = [&events[..], &backwards, &events, &backwards].map(deliver);
        under_way.into_iter().map(|each| each.join().unwrap()).sum()
    });
    assert_eq!(new, 200);
}

fn whoever_waits_too_long_is_told_to_come_again(backend: &Backend) {
    let limits = Limits {
        connections: 1,
        wait_ms: 50,
        ..Limits::default()
    };
    backend.open();
    let (one, other) = (
        backend.open(),
        Store::open(&backend.location(), limits).unwrap(),
    );
    change(&one, |_| {
        // Another process waits for the database, another thread for the connection.
        let late = other
            .change(&BY, |it| it.add(&sample::asset("a")))
            .unwrap_err();
        assert!(late.is_retryable(), "{late}");
        Ok(())
    });
    change(&other, |it| it.add(&sample::asset("a")));
    other
        .read(|_| {
            let late = other.read(|it| it.get::<Asset>("a")).unwrap_err();
            assert!(late.is_retryable(), "{late}");
            Ok::<_, Error>(())
        })
        .unwrap();
}

/// Names the place for the process that is killed.
const KILLED: &str = "STOPGAP_TEST_KILLED";

fn what_was_acknowledged_is_there_after_a_kill(backend: &Backend) {
    backend.open();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "concurrency::writes_until_it_is_killed",
                "--nocapture",
            ])
            .env(KILLED, backend.word())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let told = output.lines().map_while(Result::ok);
        let mut acknowledged: Vec<String> = told
            .filter_map(|line| line.strip_prefix("wrote ").map(str::to_owned))
            .take(7)
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(acknowledged.len(), 7);
        let store = backend.open();
        acknowledged.retain(|id| store.read(|it| it.get::<Asset>(id)).is_err());
        assert_eq!(acknowledged, Vec::<String>::new(), "acknowledged, but lost");
        store.read(|it| it.verify_audit(None)).unwrap();
    }
}

/// No test of its own: the process that the one above kills.
#[test]
fn writes_until_it_is_killed() {
    let Ok(place) = std::env::var(KILLED) else {
        return;
    };
    let location = match place.starts_with("postgres:") {
        true => Location::url(&place).unwrap(),
        false => Location::folder(place.as_ref()),
    };
    let store = Store::open(&location, Limits::default()).unwrap();
    let process = std::process::id();
    for number in 0..100_000 {
        let id = format!("a-{process}-{number}");
        change(&store, |it| it.add(&sample::asset(&id)));
        println!("wrote {id}");
    }
}

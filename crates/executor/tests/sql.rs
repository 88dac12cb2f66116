//! A service is well if its database answers as it should, and soon.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../store/tests/contract/cluster.rs"]
mod cluster;
mod gate;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use campaign::{Class, Done, Failure, Probe};

/// How long the checks may take to say that a database is silent.
const PATIENCE: Duration = Duration::from_secs(60);

fn check(database: &str, query: &str, expect: &str) -> Result<Done, Failure> {
    let probe = Probe::Sql {
        database: database.to_owned(),
        query: query.to_owned(),
        expect: expect.to_owned(),
    };
    gate::checked("shop", probe)
}

#[test]
fn a_database_is_asked_what_it_holds() {
    let url = cluster::database();
    let holds = check(&url, "SELECT 6 * 7", "42").unwrap();
    assert_eq!(holds.evidence, "shop: answers 42");
    for (query, why) in [
        ("SELECT 6 * 9", "shop: answers 54, not 42"),
        ("SELECT 42 WHERE false", "shop: answers with no row, not 42"),
        ("SELECT NULL", "shop: answers with no row, not 42"),
        ("SELECT", "shop: answers with no row, not 42"),
        (
            "SELECT * FROM orders",
            "shop: relation \"orders\" does not exist",
        ),
    ] {
        let failure = check(&url, query, "42").unwrap_err();
        assert_eq!((failure.class, &*failure.excerpt), (Class::Check, why));
    }
}

#[test]
fn a_database_that_accepts_and_says_nothing_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let url = format!("postgres://smoke:secret@127.0.0.1:{port}/shop");
    let failure = check(&url, "SELECT 1", "1").unwrap_err();
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(failure.class, Class::Check);
    assert_eq!(failure.excerpt, "shop: no answer in 10 s");
}

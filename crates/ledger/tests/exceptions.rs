//! Who may decide on exceptions, and when they end.

use ledger::exception::{About, Evidence, Move, Protection, Standing, Terms};
use ledger::rollout::Policy;
use ledger::{Exception, Limits};

const NOW: i64 = 1_000;

fn evidence(seen: &str, recheck_ms: i64) -> Evidence {
    Evidence {
        seen: seen.to_owned(),
        recheck_ms,
    }
}

fn by_patch() -> Protection {
    Protection::VirtualPatch {
        patch: "p".to_owned(),
    }
}

fn control(seen: &str, recheck_ms: i64) -> Protection {
    Protection::OtherControl {
        what: "a WAF of the provider".to_owned(),
        evidence: evidence(seen, recheck_ms),
    }
}

fn request(protection: Protection, expires_ms: i64) -> Result<Exception, String> {
    let terms = Terms {
        about: About::Findings(vec![3]),
        reason: "the vendor is gone".to_owned(),
        owner: "web".to_owned(),
        expires_ms,
        protection,
    };
    let limits = Limits::default();
    Exception::request(1, terms, vec![3], ("ann", NOW), &limits).map_err(|why| why.to_string())
}

fn after(exception: &Exception, step: &Move, who: &str, now_ms: i64) -> Result<Exception, String> {
    let policy = Policy { two_persons: true };
    let next = exception.after(step, policy, (who, now_ms), &Limits::default());
    next.map_err(|why| why.to_string())
}

#[test]
fn what_is_asked_for_must_end_and_show_what_protects() {
    assert!(request(by_patch(), 5_000).is_ok());
    assert!(request(control("a test", 4_000), 5_000).is_ok());
    for (protection, expires_ms, expected) in [
        (by_patch(), NOW, "expires_ms must be ahead"),
        (
            control("a test", NOW),
            5_000,
            "evidence.recheck_ms must be ahead",
        ),
        (
            control(" ", 4_000),
            5_000,
            "evidence.seen must not be empty",
        ),
        (
            Protection::NetworkIsolation(evidence("", 4_000)),
            5_000,
            "evidence.seen must not be empty",
        ),
    ] {
        assert_eq!(request(protection, expires_ms).unwrap_err(), expected);
    }
}

#[test]
fn it_counts_when_somebody_else_has_approved_it() {
    let asked = request(by_patch(), 5_000).unwrap();
    assert_eq!(asked.standing(), Standing::Requested);
    assert_eq!(
        after(&asked, &Move::Approve {}, "ann", NOW).unwrap_err(),
        "exception 1 is requested: it cannot approve, somebody other than who asked for it must approve it"
    );
    let alone = Policy { two_persons: false };
    let limits = Limits::default();
    let alone = asked.after(&Move::Approve {}, alone, ("ann", NOW), &limits);
    assert_eq!(alone.unwrap().standing(), Standing::InForce);
    let late = after(&asked, &Move::Approve {}, "bob", 5_000).unwrap_err();
    assert!(late.ends_with("its time is over"), "{late}");
    let counts = after(&asked, &Move::Approve {}, "bob", NOW).unwrap();
    assert_eq!(counts.standing(), Standing::InForce);
    assert!(after(&counts, &Move::Approve {}, "eve", NOW).is_err());
}

#[test]
fn what_has_ended_does_not_come_back() {
    let asked = request(by_patch(), 5_000).unwrap();
    let counts = after(&asked, &Move::Approve {}, "bob", NOW).unwrap();
    let revoke = Move::Revoke {
        reason: "it was fixed".to_owned(),
    };
    let revoked = after(&counts, &revoke, "ann", NOW).unwrap();
    let void = counts.voided("a hole", NOW);
    assert_eq!(revoked.standing(), Standing::Revoked);
    assert_eq!(void.standing(), Standing::Void);
    let again = Move::Recheck(evidence("a test", 9_000));
    for ended in [revoked, void] {
        for step in [&Move::Approve {}, &revoke, &again] {
            let why = after(&ended, step, "bob", NOW).unwrap_err();
            assert!(why.ends_with("it has ended: ask for another"), "{why}");
        }
    }
}

#[test]
fn it_is_over_in_its_time_or_when_nobody_looked_again() {
    let isolated = request(control("a test", 4_000), 9_000).unwrap();
    assert_eq!(
        (isolated.is_over(3_999), isolated.until_ms()),
        (None, 4_000)
    );
    let why = isolated.is_over(4_000).unwrap();
    assert!(why.contains("nobody has looked again in time"), "{why}");
    let step = Move::Recheck(evidence("another test", 8_000));
    let again = after(&isolated, &step, "eve", 3_000).unwrap();
    assert_eq!((again.is_over(4_000), again.until_ms()), (None, 8_000));
    assert_eq!(again.is_over(9_000), Some("its time is over"));
    let patched = request(by_patch(), 9_000).unwrap();
    assert!(after(&patched, &step, "eve", 3_000).is_err());
}

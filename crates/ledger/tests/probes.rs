//! What probes show, and which events are theirs.

use ledger::probe::{AGAIN_MS, Answer, Marked, PATIENCE_MS, Probe, SOON_MS, Shown, Told};

fn sent() -> Probe {
    Probe {
        ingress: "edge".to_owned(),
        patch: "p".to_owned(),
        digest: "d".to_owned(),
        case: "read passwd".to_owned(),
        method: "GET".to_owned(),
        host: "shop.example".to_owned(),
        path: "/static/x".to_owned(),
        mark: "m".to_owned(),
        sent_ms: 1_000_000,
        answer: None,
        told: None,
    }
}

fn told(enforced: bool) -> Option<Told> {
    Some(Told {
        ingress: "agent".to_owned(),
        reference: "r".to_owned(),
        enforced,
        stripped: false,
    })
}

#[test]
fn what_is_shown_takes_both_sides() {
    let (soon, late) = (1_000_001, 1_000_000 + PATIENCE_MS);
    let status = |status| Some(Answer::Status(status));
    let failed = || Some(Answer::Failed("refused".to_owned()));
    for (answer, told, now_ms, shows) in [
        (None, None, soon, Shown::Waiting),
        (None, None, late, Shown::Unreachable),
        (status(403), None, soon, Shown::Waiting),
        // Somebody else has refused it: whether the patch is there is not shown.
        (status(403), None, late, Shown::Elsewhere),
        (status(400), None, late, Shown::Elsewhere),
        (status(500), None, late, Shown::Elsewhere),
        (status(302), None, late, Shown::Passed),
        (status(200), None, late, Shown::Passed),
        (status(403), told(true), soon, Shown::Blocked),
        (status(302), told(true), soon, Shown::Blocked),
        (None, told(true), soon, Shown::Blocked),
        // Connections may be closed instead.
        (failed(), told(true), soon, Shown::Blocked),
        // The proxy asked, and forwarded it all the same.
        (status(200), told(true), soon, Shown::Passed),
        (status(200), told(false), soon, Shown::Recorded),
        (failed(), None, soon, Shown::Unreachable),
        (
            Some(Answer::Unsent("none".to_owned())),
            None,
            late,
            Shown::Unsent,
        ),
    ] {
        let probe = Probe {
            answer,
            told,
            ..sent()
        };
        assert_eq!(probe.shows(now_ms), shows, "{probe:?}");
    }
}

#[test]
fn what_is_taken_out_of_a_request_does_no_harm_where_it_arrives() {
    let stripped = told(true).map(|told| Told {
        stripped: true,
        ..told
    });
    let answer = Some(Answer::Status(200));
    let probe = Probe {
        answer,
        told: stripped,
        ..sent()
    };
    assert_eq!(probe.shows(1_000_001), Shown::Blocked);
}

#[test]
fn what_was_shown_is_shown_again_after_a_while() {
    let blocked = Probe {
        told: told(true),
        ..sent()
    };
    let at = |after_ms| 1_000_000 + after_ms;
    assert!(!blocked.is_stale("d", at(AGAIN_MS - 1)));
    assert!(blocked.is_stale("d", at(AGAIN_MS)));
    assert!(blocked.is_stale("another document", at(1)));
    let failed = Probe {
        answer: Some(Answer::Failed(String::new())),
        ..sent()
    };
    assert!(!failed.is_stale("d", at(SOON_MS - 1)));
    assert!(failed.is_stale("d", at(SOON_MS)));
    assert!(!sent().is_stale("d", at(PATIENCE_MS)));
}

#[test]
fn only_the_event_of_the_probe_itself_is_taken_for_it() {
    let event = Marked {
        name: ("agent", "r"),
        method: "GET",
        host: "SHOP.example",
        target: "/static/x?token=***",
        time_ms: 1_000_000 + PATIENCE_MS,
    };
    assert!(sent().is_told_by(&event));
    for other in [
        Marked {
            method: "POST",
            ..event
        },
        Marked {
            host: "wiki.example",
            ..event
        },
        Marked {
            target: "/static/y",
            ..event
        },
        Marked {
            target: "/static/x/y",
            ..event
        },
        Marked {
            time_ms: 1_000_001 + PATIENCE_MS,
            ..event
        },
        Marked {
            time_ms: 999_999 - PATIENCE_MS,
            ..event
        },
        Marked {
            time_ms: i64::MIN,
            ..event
        },
    ] {
        assert!(!sent().is_told_by(&other), "{other:?}");
    }
    // Proxies write escapes in the other case, and nothing else.
    let escaped = Probe {
        path: "/static/%5cx".into(),
        ..sent()
    };
    for (target, same) in [
        ("/static/%5Cx", true),
        ("/static/%5cx", true),
        ("/static/%5cX", false),
        ("/Static/%5cx", false),
        ("/static/%5c", false),
    ] {
        assert_eq!(
            escaped.is_told_by(&Marked { target, ..event }),
            same,
            "{target}"
        );
    }
    // The same may be delivered again; another with the same mark is somebody else's.
    let heard = Probe {
        told: told(true),
        ..sent()
    };
    assert!(heard.is_told_by(&event));
    assert!(!heard.is_told_by(&Marked {
        name: ("agent", "s"),
        ..event
    }));
    assert!(!heard.is_told_by(&Marked {
        name: ("edge", "r"),
        ..event
    }));
}

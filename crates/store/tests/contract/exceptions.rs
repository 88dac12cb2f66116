use ledger::exception::{About, Evidence, Move, Protection, Standing, Terms};
use ledger::rollout::Policy;
use ledger::{Exception, Move as FindingMove, Severity, State, Subject, sha256};
use store::{Error, ExceptionFilter, Limits, Paging, Store};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    findings_follow_their_exception,
    an_exception_is_about_what_was_there_when_it_was_asked_for,
    nobody_excepts_a_finding_by_hand,
    an_exception_is_fulfilled_only_while_all_its_findings_are_fixed,
    exceptions_of_earlier_releases_go_on,
);

const ALONE: Policy = Policy { two_persons: false };

/// Two assets with the same flaw, of which `p` is, and one with another.
fn filled(backend: &Backend) -> Store {
    let store = sample::filled(backend);
    change(&store, |it| {
        it.add(&sample::asset("web-1"))?;
        it.add(&sample::advisory("CVE-2", Severity::Low))?;
        for (advisory, asset) in [("CVE-1", "db-1"), ("CVE-1", "web-1"), ("CVE-2", "web-1")] {
            it.open_finding(advisory, &Subject::Asset(asset.to_owned()))?;
        }
        Ok(())
    });
    store
}

fn terms(about: About, protection: Protection) -> Terms {
    Terms {
        about,
        reason: "the vendor is gone".to_owned(),
        owner: "web".to_owned(),
        expires_ms: 9_000,
        protection,
    }
}

/// Somebody asks for one about the shop's finding.
pub(crate) fn asked(store: &Store) {
    let about = About::Findings(vec![1]);
    change(store, |it| it.request_exception(terms(about, isolated())));
}

fn isolated() -> Protection {
    Protection::NetworkIsolation(Evidence {
        seen: "a scan".to_owned(),
        recheck_ms: 8_000,
    })
}

fn by_patch() -> Protection {
    Protection::VirtualPatch {
        patch: "p".to_owned(),
    }
}

fn moved(store: &Store, id: i64, step: &Move) -> Result<Standing, Error> {
    let moved = store.change(&BY, |it| {
        it.move_exception(id, step, ALONE, None, |_, _| Ok(()))
    });
    moved.map(|it| it.value.standing())
}

fn state(store: &Store, id: i64) -> State {
    store.read(|it| it.finding(id)).unwrap().value.state()
}

fn revoke() -> Move {
    Move::Revoke {
        reason: "another way was found".to_owned(),
    }
}

fn findings_follow_their_exception(backend: &Backend) {
    let store = filled(backend);
    let web = About::Subject(Subject::Asset("web-1".to_owned()));
    let asked = change(&store, |it| it.request_exception(terms(web, isolated())));
    assert_eq!((asked.value.id, &asked.value.findings), (1, &vec![3, 4]));
    assert_eq!(state(&store, 3), State::Open, "nobody has approved it");
    let refused = store.change(&BY, |it| {
        it.move_exception(1, &Move::Approve {}, ALONE, None, |_, _| {
            Err(ledger::Refused::new("a hole").into())
        })
    });
    assert!(refused.unwrap_err().is_refused());
    assert_eq!(state(&store, 3), State::Open, "nothing protects");
    assert_eq!(
        moved(&store, 1, &Move::Approve {}).unwrap(),
        Standing::InForce
    );
    assert_eq!(
        (state(&store, 3), state(&store, 4)),
        (State::Excepted, State::Excepted)
    );
    let of = ExceptionFilter {
        standing: Some(Standing::InForce),
        finding: Some(4),
    };
    let list = |filter: &ExceptionFilter| {
        let page = store.read(|it| it.exceptions(filter, Paging::default()));
        page.unwrap().items.len()
    };
    assert_eq!(list(&of), 1);
    assert_eq!(
        list(&ExceptionFilter {
            finding: Some(1),
            ..of.clone()
        }),
        0
    );
    // What was fixed meanwhile stays so.
    change(&store, |it| {
        let version = "2".to_owned();
        it.move_finding(3, &FindingMove::Fix { version }, None)
    });
    let void = change(&store, |it| {
        it.void_exception(1, "the isolation is gone", None)
    });
    assert_eq!(void.value.standing(), Standing::Void);
    assert_eq!(
        (state(&store, 3), state(&store, 4)),
        (State::Fixed, State::Open)
    );
    assert_eq!(list(&of), 0);
    let log = store.read(|it| it.audit(Some("exception/1"), Paging::default()));
    let actions: Vec<String> = log.unwrap().items.into_iter().map(|it| it.action).collect();
    assert_eq!(
        actions,
        ["exception.void", "exception.approve", "exception.request"]
    );
    assert!(
        moved(&store, 1, &Move::Approve {})
            .unwrap_err()
            .is_refused()
    );
    assert!(moved(&store, 2, &revoke()).unwrap_err().is_missing());
}

fn an_exception_is_about_what_was_there_when_it_was_asked_for(backend: &Backend) {
    let store = filled(backend);
    let ask = |about, protection| -> Result<Exception, Error> {
        let asked = store.change(&BY, |it| it.request_exception(terms(about, protection)));
        asked.map(|it| it.value)
    };
    let web = || About::Subject(Subject::Asset("web-1".to_owned()));
    // The patch is not for the other flaw.
    assert_eq!(ask(web(), by_patch()).unwrap().findings, [3]);
    let all = About::Advisory("CVE-1".to_owned());
    assert_eq!(ask(all, by_patch()).unwrap().findings, [1, 2, 3]);
    for (about, protection, expected) in [
        (
            About::Findings(vec![4]),
            by_patch(),
            "patch p is not for CVE-2",
        ),
        (
            About::Findings(vec![90]),
            isolated(),
            "there is no finding 90",
        ),
        (
            About::Advisory("CVE-9".to_owned()),
            isolated(),
            "there is no finding",
        ),
        (
            web(),
            Protection::VirtualPatch {
                patch: "q".to_owned(),
            },
            "there is no patch q",
        ),
    ] {
        let why = ask(about, protection).unwrap_err();
        assert!(
            why.is_refused() && why.to_string().contains(expected),
            "{why}"
        );
    }
    moved(&store, 2, &Move::Approve {}).unwrap();
    // One that is planned, or came back, is excepted again; one that came later is not.
    change(&store, |it| {
        let version = "2".to_owned();
        it.move_finding(2, &FindingMove::Fix { version }, None)?;
        it.move_finding(2, &FindingMove::Reopen {}, None)?;
        it.add(&sample::asset("web-2"))?;
        it.open_finding("CVE-1", &Subject::Asset("web-2".to_owned()))
    });
    assert_eq!(store.read(|it| it.findings_to_except()).unwrap(), [(2, 2)]);
}

fn an_exception_is_fulfilled_only_while_all_its_findings_are_fixed(backend: &Backend) {
    let store = filled(backend);
    let web = About::Subject(Subject::Asset("web-1".to_owned()));
    change(&store, |it| it.request_exception(terms(web, isolated())));
    moved(&store, 1, &Move::Approve {}).unwrap();
    let fix = |id: i64| {
        let version = "2".to_owned();
        change(&store, |it| {
            it.move_finding(id, &FindingMove::Fix { version }, None)
        });
    };
    let fulfilled = || {
        let ended = store.change(&BY, |it| it.fulfil_exception(1, "fixed", ALONE, None));
        ended.map(|it| it.value.standing())
    };
    fix(3);
    let why = fulfilled().unwrap_err();
    assert!(
        why.is_refused() && why.to_string().contains("finding 4"),
        "{why}"
    );
    fix(4);
    // Somebody looked and saw all fixed; then one is open again.
    let seen = store.read(|it| it.exceptions_fulfilled()).unwrap();
    assert_eq!(seen.len(), 1);
    change(&store, |it| {
        it.move_finding(4, &FindingMove::Reopen {}, None)
    });
    assert!(fulfilled().unwrap_err().is_refused());
    let standing = store.read(|it| it.exception(1)).unwrap().value.standing();
    assert_eq!(standing, Standing::InForce);
    fix(4);
    assert_eq!(fulfilled().unwrap(), Standing::Revoked);
    assert_eq!(state(&store, 4), State::Fixed);
}

fn nobody_excepts_a_finding_by_hand(backend: &Backend) {
    let store = filled(backend);
    let about = About::Findings(vec![1]);
    change(&store, |it| it.request_exception(terms(about, isolated())));
    let except = |finding, exception| {
        let step = FindingMove::Except { exception };
        store.change(&BY, |it| it.move_finding(finding, &step, None))
    };
    assert!(except(1, 1).unwrap_err().is_refused(), "it is not approved");
    assert!(except(1, 7).unwrap_err().is_missing());
    moved(&store, 1, &Move::Approve {}).unwrap();
    assert!(
        except(2, 1).unwrap_err().is_refused(),
        "it is about another"
    );
    let lapse = store.change(&BY, |it| it.move_finding(1, &FindingMove::Lapse {}, None));
    let why = lapse.unwrap_err().to_string();
    assert!(why.contains("exception 1 is in force: revoke it"), "{why}");
    assert_eq!(moved(&store, 1, &revoke()).unwrap(), Standing::Revoked);
    assert_eq!(state(&store, 1), State::Open);
}

fn exceptions_of_earlier_releases_go_on(backend: &Backend) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let specimen = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/specimens/v7.jsonl");
    let text = std::fs::read_to_string(specimen).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines.pop();
    let finding = lines
        .iter_mut()
        .find(|it| it.contains("\\\"shield\\\"") && it.starts_with("[1,2,"));
    let finding = finding.unwrap();
    let kept = r#","exception":{"reason":"no fix","protection":"a WAF","owner":"web","expires_ms":9000}}""#;
    *finding = finding
        .replacen(
            "}\"",
            &kept.replace('"', "\\\"").replace("}}\\\"", "}}\""),
            1,
        )
        .replace("\"shielded\"", "\"excepted\"");
    let digest = sha256(lines.concat().as_bytes());
    let rows = serde_json::from_str::<serde_json::Value>(text.lines().last().unwrap()).unwrap();
    lines.push(format!(
        "{{\"rows\":{},\"sha256\":\"{digest}\"}}\n",
        rows["rows"]
    ));
    std::fs::write(&file, lines.concat()).unwrap();
    let store = Store::restore(&backend.location(), &file, &BY, Limits::default()).unwrap();
    let finding = store.read(|it| it.finding(1)).unwrap().value;
    assert_eq!(
        (finding.state(), finding.excepted_by),
        (State::Excepted, Some(1))
    );
    let exception = store.read(|it| it.exception(1)).unwrap().value;
    assert_eq!(exception.standing(), Standing::InForce);
    assert_eq!(
        (exception.terms.reason.as_str(), exception.until_ms()),
        ("no fix", 9_000)
    );
    assert_eq!(
        exception.terms.protection.to_string(),
        "a WAF: none was asked for when this was decided"
    );
    let another = change(&store, |it| {
        it.request_exception(terms(About::Findings(vec![1]), isolated()))
    });
    assert_eq!(another.value.id, 2);
}

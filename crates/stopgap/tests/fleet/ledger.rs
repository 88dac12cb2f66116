//! With the control side as it is: from an enrolment to a blocked request, and its event in the
//! ledger.

use std::process::Command;
use std::time::Instant;

use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{Environment, Proof, VirtualPatch};
use serde_json::{Value, json};
use store::{By, Location, Start, Store};

use crate::side::Control;
use crate::site::{ATTACK, becomes, get, traversal};
use crate::support::PATIENCE;
use crate::{ID, Point};

/// What the control side answers to a call that goes well.
pub(crate) fn called(control: &Control, token: &str, call: &str, body: &str) -> Value {
    let (status, body) = control.call(call, token, body);
    assert!((200..300).contains(&status), "{call}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// A rollout of the traversal patch, which enforces in production.
pub(crate) fn enforce(store: &Store) {
    enforce_document(store, &traversal());
}

/// The same, written otherwise.
pub(crate) fn enforce_document(store: &Store, document: &str) {
    let now_ms = crate::peer::now_ms();
    let by = By {
        who: "op",
        why: "a test",
        now_ms,
    };
    let proof = Proof {
        digest: ledger::sha256(document.as_bytes()),
        objections: Vec::new(),
        proven_ms: now_ms,
    };
    let patch: VirtualPatch = serde_json::from_value(json!({
        "id": ID, "title": "Traversal", "advisories": [], "owner": "web",
        "reason": "third-party", "expires_ms": now_ms + 1_000_000, "fix": { "link": "release 2" },
        "document": document,
    }))
    .unwrap();
    let started = store.change(&by, |it| {
        it.add(&patch)?;
        let start = Start::Proven(&proof);
        it.start_rollout(ID, &start, Environment::Production, Rules::default())
    });
    let mut rollout = started.unwrap();
    while rollout.value.stage != Stage::Enforce {
        let moved = store.change(&by, |it| {
            let policy = Policy { two_persons: false };
            it.move_rollout(rollout.value.id, &Move::Promote {}, policy, None)
        });
        rollout = moved.unwrap();
    }
}

/// What a command on the ledger writes.
pub(crate) fn run(data: &std::path::Path, words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(words)
        .arg("--data")
        .arg(data)
        .env("USER", "op")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let status = output.status.code().unwrap();
    assert!(status < 2, "{words:?}: {complaint}");
    (status, said)
}

/// The token of somebody who may do everything.
pub(crate) fn operator(data: &std::path::Path) -> String {
    let words = ["token", "add", "op", "--of", "op", "--role", "admin"];
    let (_, said) = run(data, &[&words[..], &["--why", "a test"]].concat());
    said.trim().to_owned()
}

/// Leave for the ingress point `edge-1` to join.
pub(crate) fn leave(control: &Control, token: &str) -> String {
    let enrolment = json!({
        "ingress": "edge-1", "environment": "production",
        "expires_ms": crate::peer::now_ms() + 60_000,
    });
    let call = "POST /api/v1/enrolments";
    let made = called(control, token, call, &enrolment.to_string());
    made["secret"].as_str().unwrap().to_owned()
}

#[test]
fn a_rollout_of_the_ledger_is_enforced_at_an_ingress_point_and_its_hits_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let control = Control::start(data, &["--one-person"]);
    let token = &*operator(data);
    let secret = leave(&control, token);
    let point = Point::of(&format!("http://{}", control.address), &secret, &[]);
    let started = point.start();
    assert!(get(started.address, ATTACK).starts_with("HTTP/1.1 200"));

    let store = Store::open_existing(&Location::folder(data), store::Limits::default()).unwrap();
    enforce(&store);
    becomes(started.address, ATTACK, "HTTP/1.1 403");
    let seen = |what: &str, found: &dyn Fn(&Value) -> bool, call: &str| {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = called(&control, token, call, "");
            if found(&answer) {
                return;
            }
            assert!(Instant::now() < end, "{what}: {answer}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    seen(
        "the ingress point attests what its bundle says",
        &|answer| {
            let value = &answer["value"];
            value["attestation"]["bundle"].as_u64() > Some(0)
                && value["differing"].as_array().is_some_and(Vec::is_empty)
        },
        "GET /api/v1/gateways/edge-1",
    );
    let events = |store: &Store| {
        let page = store.read(|it| it.events(store::EventFilter::All, store::Paging::default()));
        page.unwrap().items.len()
    };
    let end = Instant::now() + PATIENCE;
    while events(&store) == 0 {
        assert!(Instant::now() < end, "no event comes to the ledger");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }

    // Killed and started anew, the control side finds its gateway as it was.
    let address = control.address.clone();
    drop(control);
    assert!(started.stops(ATTACK));
    let before = events(&store);
    let control = Control::start_at(&address, data, &["--one-person"]);
    let end = Instant::now() + PATIENCE;
    while events(&store) <= before {
        assert!(
            Instant::now() < end,
            "the event of the time between does not come"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    control.stop();
}

//! What ingress points and the control side say to each other, over the network.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::rollout::{Move, Policy};
use serde_json::{Value, json};
use store::{Location, Store};

use crate::listening::{BY, Control, NOW_MS, attestation};

#[test]
fn an_ingress_point_joins_takes_bundles_and_tells_what_it_does() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let first = control.bundle(&point, &trust);
    assert!(first.patches.is_empty());
    let trust = trust.after(&first);
    control.roll_out();
    let second = control.bundle(&point, &trust);
    let digest = second.patches[0].digest.clone();
    let wanted = json!({ "digests": [digest, "0".repeat(64)] });
    let documents = control.signed(&point, "POST /documents", &wanted);
    assert_eq!(documents.json(), json!(["stopgap: 1\n"]));
    let told = control.signed(&point, "POST /attestations", &attestation(second.number));
    assert_eq!((told.status, told.body.len()), (204, 0));
    let shown = control.asks("GET /gateways/edge", &Value::Null).json();
    let shown = &shown["value"];
    assert_eq!(shown["attestation"]["bundle"], second.number);
    assert_eq!(shown["differing"], json!(["p"]));
    assert_eq!(shown["seen_ms"], NOW_MS);
    let event = json!({
        "version": 1, "reference": "r", "time_ms": 1, "ingress": "another", "application": "shop",
        "client": "192.0.2.1", "method": "GET", "host": "x", "path": "/", "action": "block",
    });
    for new in [1, 0] {
        let events = json!({ "events": [event] });
        let delivered = control.signed(&point, "POST /events", &events);
        assert_eq!(delivered.json(), json!({ "new": new }));
    }
    let kept = control
        .store
        .read(|it| it.events(store::EventFilter::All, store::Paging::default()));
    assert_eq!(
        kept.unwrap().items[0].ingress,
        "edge",
        "not in another's name"
    );
}

#[test]
fn a_bundle_comes_as_soon_as_something_has_changed() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    control.roll_out();
    let shadow = control.in_shadow(&point, trust);
    let bundle = std::thread::scope(|scope| {
        let call = format!("GET /bundle?after={}", shadow.number);
        let (control, point) = (&control, &point);
        let waits = scope.spawn(move || control.signed(point, &call, &Value::Null));
        std::thread::sleep(Duration::from_millis(50));
        control.promote();
        waits.join().unwrap()
    });
    assert_eq!(bundle.status, 200, "the call that waited is answered");
    let bundle = shadow.open(&bundle.body, NOW_MS).unwrap();
    let mode = bundle.patches[0].mode;
    assert_eq!(mode, wire::BundleMode::Canary { percent: 5 });
}

#[test]
fn whoever_has_the_newest_bundle_is_told_so_after_a_while() {
    let control = Control::polled(50);
    let (point, trust) = control.joined("edge", "production", 1);
    let number = control.bundle(&point, &trust).number;
    let call = format!("GET /bundle?after={number}");
    assert_eq!(control.signed(&point, &call, &Value::Null).status, 304);
}

#[test]
fn what_another_process_changes_is_given_out_too() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    control.roll_out();
    let trust = trust.after(&control.bundle(&point, &trust));
    let other = Store::open(
        &Location::folder(control.folder.path()),
        store::Limits::default(),
    )
    .unwrap();
    let policy = Policy { two_persons: false };
    other
        .change(&BY, |it| {
            it.move_rollout(1, &Move::Promote {}, policy, None)
        })
        .unwrap();
    let bundle = control.bundle(&point, &trust);
    assert_eq!(
        bundle.patches[0].mode,
        wire::BundleMode::Canary { percent: 5 }
    );
}

#[test]
fn an_operator_rolls_back_by_one_call() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    let (lab, of_lab) = control.joined("lab", "test", 2);
    assert!(control.bundle(&lab, &of_lab).patches.is_empty());
    control.roll_out();
    let shadow = control.bundle(&point, &trust);
    control.promote();
    let canary = control.bundle(&point, &trust.after(&shadow));
    let back = control.asks("POST /rollback", &json!({ "environment": "production" }));
    let back = back.json();
    assert_eq!(back["rollouts"][0]["value"]["stage"], "shadow");
    let again = control.bundle(&point, &trust.after(&canary));
    assert_eq!(again.patches, shadow.patches);
    assert!(again.number > canary.number);
    let kept = control.asks("GET /bundles", &Value::Null).json();
    assert_eq!(kept["items"][0]["number"], again.number);
    let nothing = control.asks("POST /rollback", &json!({ "environment": "test" }));
    nothing.refused(422, "in production");
}

#[test]
fn each_environment_has_its_own_bundles() {
    let control = Control::start();
    let (point, trust) = control.joined("lab", "test", 1);
    let (_, production) = control.joined("edge", "production", 2);
    control.bundle(&point, &trust);
    let call = "GET /bundle?after=0";
    let bundle = control.signed(&point, call, &Value::Null);
    let refused = production.open(&bundle.body, NOW_MS).unwrap_err();
    assert_eq!(refused.name(), "other-environment");
}

#[test]
fn a_bundle_is_renewed_before_its_time_is_over() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let first = control.bundle(&point, &trust);
    let half = first.made_ms + (first.expires_ms - first.made_ms) / 2;
    control.clock.store(half, Ordering::Relaxed);
    let renewed = control.bundle(&point, &trust.after(&first));
    assert_eq!(renewed.made_ms, half);
}

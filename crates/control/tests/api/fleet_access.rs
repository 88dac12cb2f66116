//! Who may call as an ingress point, and by which keys.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use wire::{PrivateKey, SignedCall};

use crate::listening::{BY, Control, NOW_MS, attestation};

#[test]
fn calls_that_are_not_signed_as_they_are_are_refused() {
    let control = Control::start();
    let (point, _) = control.joined("edge", "production", 1);
    let target = "/api/v1/fleet/attestations";
    let body = attestation(1).to_string();
    let call = SignedCall {
        method: "POST",
        target,
        body: body.as_bytes(),
    };
    let sign = |name: &str, key: &PrivateKey, now_s| call.sign(name, key, now_s);
    let now_s = control.now_s();
    let good = sign("edge", &point.key, now_s);
    control
        .send("POST", target, &[], body.as_bytes())
        .refused(401, "must be signed");
    let other = attestation(2).to_string();
    let other_body = SignedCall {
        body: other.as_bytes(),
        ..call
    };
    control
        .with(&good, &other_body)
        .refused(401, "the body is not the one");
    let elsewhere = SignedCall {
        target: "/api/v1/fleet/events",
        ..call
    };
    control
        .with(&good, &elsewhere)
        .refused(401, "has not signed");
    for off in [-301, 301] {
        let off = sign("edge", &point.key, now_s + off);
        control.with(&off, &call).refused(401, "set the clock");
    }
    let stranger = PrivateKey::of(&[9; 32]);
    let of_another = sign("edge", &stranger, now_s);
    control
        .with(&of_another, &call)
        .refused(401, "has not signed");
    let nobody = sign("nobody", &point.key, now_s);
    control.with(&nobody, &call).refused(401, "nobody");
    assert_eq!(control.with(&good, &call).status, 204);
    assert_eq!(
        control.asks("DELETE /gateways/edge", &Value::Null).status,
        200
    );
    control.with(&good, &call).refused(401, "put out");
    let bundle = control.signed(&point, "GET /bundle?after=0", &Value::Null);
    bundle.refused(401, "put out");
}

#[test]
fn whoever_is_put_out_while_waiting_gets_no_bundle() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let number = control.bundle(&point, &trust).number;
    let answer = std::thread::scope(|scope| {
        let call = format!("GET /bundle?after={number}");
        let control = &control;
        let waits = scope.spawn(move || control.signed(&point, &call, &Value::Null));
        std::thread::sleep(Duration::from_millis(50));
        control
            .store
            .change(&BY, |it| it.revoke_gateway("edge", None))
            .unwrap();
        control.roll_out();
        waits.join().unwrap()
    });
    answer.refused(401, "put out");
}

#[test]
fn a_token_of_an_enrolment_counts_once_and_in_its_time() {
    let control = Control::start();
    let key = |byte: u8| PrivateKey::of(&[byte; 32]);
    let token = control.admit("edge", "production");
    let forged = format!("{}{}", &token[..token.len() - 43], "A".repeat(43));
    control.enrol(&forged, &key(1)).refused(401, "token");
    control
        .enrol(&control.operator, &key(1))
        .refused(401, "token");
    assert_eq!(control.enrol(&token, &key(1)).status, 200);
    assert_eq!(
        control.enrol(&token, &key(1)).status,
        200,
        "its answer may have been lost"
    );
    control.enrol(&token, &key(2)).refused(422, "was used");
    let unused = control.admit("late", "production");
    let replaced = control.admit("late", "production");
    control.enrol(&unused, &key(3)).refused(401, "token");
    control.clock.store(NOW_MS + 60_000, Ordering::Relaxed);
    control.enrol(&replaced, &key(3)).refused(422, "has ended");
    let elsewhere = json!({ "ingress": "edge", "environment": "test", "expires_ms": i64::MAX });
    control
        .asks("POST /enrolments", &elsewhere)
        .refused(422, "in the environment production");
}

#[test]
fn keys_are_rotated_while_bundles_go_on() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    let before = trust.keys[0].clone();
    let mode = |id: &str| {
        let path = control.folder.path().join("keys").join(format!("{id}.key"));
        std::fs::metadata(path).map(|found| found.permissions().mode() & 0o777)
    };
    assert_eq!(mode(&before.id()).unwrap(), 0o600);
    let next = control.keys.make().unwrap();
    control
        .store
        .change(&BY, |it| it.add_signing_key(&next.id(), &next.to_string()))
        .unwrap();
    let naming = control.bundle(&point, &trust);
    assert_eq!(naming.keys, [before.clone(), next.clone()]);
    let trust = trust.after(&naming);
    control.signed(&point, "POST /attestations", &attestation(naming.number));
    let by_next = control.bundle(&point, &trust);
    assert_eq!(by_next.keys, [next]);
    assert!(mode(&before.id()).is_err(), "it is of no use any more");
}

#[test]
fn what_is_too_much_for_one_call_is_refused() {
    let control = Control::start();
    let (point, _) = control.joined("edge", "production", 1);
    let digests = vec!["0".repeat(64); wire::Wanted::MOST + 1];
    let wanted = json!({ "digests": digests });
    control
        .signed(&point, "POST /documents", &wanted)
        .refused(400, "too many");
    let mut later = attestation(1);
    later["version"] = 2.into();
    control
        .signed(&point, "POST /attestations", &later)
        .refused(400, "upgrade");
    control
        .signed(&point, "GET /bundle?after=x", &Value::Null)
        .refused(400, "after=NUMBER");
}

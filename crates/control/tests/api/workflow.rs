use ledger::{Role, sha256};
use serde_json::{Value, json};

use crate::harness::Api;

const DOCUMENT: &str = "stopgap: 1\n";

/// A shop with a known flaw, and a patch for it.
fn fill(api: &Api, op: &str) {
    let application = json!({
        "id": "shop", "title": "Shop", "environment": "production", "owner": "web",
        "hosts": ["shop.example.org"],
    });
    let ingress = json!({
        "id": "edge", "title": "Edge", "kind": "envoy", "environment": "production",
        "applications": ["shop"],
    });
    let advisory = json!({ "id": "CVE-1", "title": "A flaw", "severity": "critical" });
    let patch = json!({
        "id": "p", "title": "P", "advisories": ["CVE-1"], "owner": "web",
        "reason": "waiting-for-fix", "expires_ms": 1, "fix": { "link": "release 2" },
        "document": DOCUMENT,
    });
    api.done(op, "POST /applications", &application);
    api.done(op, "POST /ingress-points", &ingress);
    api.done(op, "POST /advisories", &advisory);
    api.done(op, "POST /patches", &patch);
}

fn found() -> Value {
    json!({ "advisory": "CVE-1", "subject": { "application": "shop" } })
}

#[test]
fn a_finding_goes_from_open_to_closed() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let opened = api.done(&op, "POST /findings", &found());
    assert_eq!(
        (opened.status, opened.header("location")),
        (201, "/api/v1/findings/1")
    );
    assert_eq!(
        api.done(&op, "POST /findings", &found()).status,
        200,
        "it is there already"
    );
    for (step, state) in [
        (json!({ "shield": { "patch": "p" } }), "shielded"),
        (
            json!({ "schedule": { "by": "release 2", "due_ms": 5 } }),
            "scheduled",
        ),
        (json!({ "fix": { "version": "2" } }), "fixed"),
        (
            json!({ "verify": { "evidence": "the exploit fails" } }),
            "closed",
        ),
    ] {
        let moved = api.done(&op, "POST /findings/1/moves", &step);
        assert_eq!(moved.body["state"], state);
    }
    let refused = api.call(&op, "POST /findings/1/moves", &[], &json!({ "lapse": {} }));
    assert_eq!(
        refused.problem(),
        (
            422,
            "finding 1 is closed: it cannot lapse, it has no exception"
        )
    );
    let stale = [("if-match", "\"1\"")];
    let stale = api.call(
        &op,
        "POST /findings/1/moves",
        &stale,
        &json!({ "reopen": {} }),
    );
    assert_eq!(stale.problem().0, 412);
    let listed = api.done(
        &op,
        "GET /findings?state=closed&subject=application/shop",
        &Value::Null,
    );
    assert_eq!(
        listed.body["items"][0]["value"]["verified_by"],
        "the exploit fails"
    );
    let none = api.done(&op, "GET /findings?state=open", &Value::Null);
    assert_eq!(none.body, json!({ "items": [], "next": null }));
}

#[test]
fn enforcing_in_production_takes_two_persons() {
    let api = Api::new();
    let (op, approver) = (
        api.somebody("ann", Role::Operator),
        api.somebody("bob", Role::Approver),
    );
    let other_token = api.token("ann", Role::Approver, &[], i64::MAX).1;
    fill(&api, &op);
    let proof = json!({ "digest": sha256(DOCUMENT.as_bytes()), "proven_ms": 1 });
    let begin =
        json!({ "patch": "p", "environment": "production", "evidence": { "proof": proof } });
    let started = api.done(&op, "POST /rollouts", &begin);
    assert_eq!(
        (started.status, &started.body["value"]["stage"]),
        (201, &json!("test"))
    );
    assert_eq!(
        api.call(&op, "POST /rollouts", &[], &begin).problem().0,
        409
    );
    let promote = || {
        api.call(
            &op,
            "POST /rollouts/1/moves",
            &[],
            &json!({ "promote": {} }),
        )
    };
    for (stage, share) in [
        ("shadow", None),
        ("canary", Some(5)),
        ("canary", Some(25)),
        ("canary", Some(50)),
    ] {
        let body = promote().body;
        assert_eq!(
            (&body["value"]["stage"], &body["value"]["share_percent"]),
            (&json!(stage), &json!(share))
        );
    }
    let approvals = "POST /rollouts/1/approvals";
    assert!(promote().problem().1.contains("somebody other"));
    assert_eq!(api.call(&op, approvals, &[], &Value::Null).problem().0, 403);
    // Two tokens of one person are one person.
    api.done(&other_token, approvals, &Value::Null);
    assert!(promote().problem().1.contains("somebody other"));
    api.done(&approver, approvals, &Value::Null);
    assert_eq!(promote().body["value"]["stage"], "enforce");
    let listed = api.done(&op, "GET /rollouts?patch=p&stage=enforce", &Value::Null);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    let log = api.done(&op, "GET /audit?subject=rollout/1&limit=2", &Value::Null);
    assert_eq!(log.body["items"][1]["who"], "bob");
    let verified = api.done(&op, "GET /audit/verification", &Value::Null);
    assert_eq!(verified.body["holds"], true);
}

#[test]
fn an_emergency_owes_its_proof() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let owed = json!({ "owed": { "reason": "it is exploited", "due_ms": i64::MAX } });
    let begin = json!({ "patch": "p", "environment": "test", "evidence": owed });
    api.done(&op, "POST /rollouts", &begin);
    let promote = api.call(
        &op,
        "POST /rollouts/1/moves",
        &[],
        &json!({ "promote": {} }),
    );
    assert!(promote.problem().1.contains("its proof is owed"));
    let emergency =
        json!({ "emergency": { "reason": "it is exploited", "proof_due_ms": i64::MAX } });
    let enforced = api.done(&op, "POST /rollouts/1/moves", &emergency);
    assert_eq!(enforced.body["value"]["stage"], "enforce");
    let mut proof = json!({ "digest": sha256(b"another"), "proven_ms": 1 });
    assert_eq!(
        api.call(&op, "POST /rollouts/1/proof", &[], &proof)
            .problem()
            .0,
        422
    );
    proof["digest"] = sha256(DOCUMENT.as_bytes()).into();
    let proven = api.done(&op, "POST /rollouts/1/proof", &proof);
    assert_eq!(
        proven.body["value"]["evidence"]["proven"]["digest"],
        proof["digest"]
    );
}

use control::Limits;
use ledger::Role;
use serde_json::{Value, json};

use crate::harness::Api;

#[test]
fn what_is_wrong_is_told_as_a_problem() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let asset = json!({
        "id": "a", "title": "A", "kind": "server", "environment": "test",
        "criticality": "low", "owner": "ops",
    });
    api.done(&op, "POST /assets", &asset);
    let mut surplus = asset.clone();
    surplus["colour"] = "red".into();
    let mut blank = asset.clone();
    blank["id"] = "b".into();
    blank["owner"] = " ".into();
    let cases: &[(&str, Value, u16, &str)] = &[
        ("GET /nothing", Value::Null, 404, "no such path"),
        ("DELETE /assets/a", Value::Null, 405, "Allow"),
        (
            "GET /assets/none",
            Value::Null,
            404,
            "there is no asset none",
        ),
        ("GET /findings/x", Value::Null, 404, "`x` is no number"),
        ("GET /findings/7", Value::Null, 404, "there is no finding 7"),
        (
            "GET /assets?page=2",
            Value::Null,
            400,
            "`page` is not known",
        ),
        (
            "GET /assets?limit=1&limit=2",
            Value::Null,
            400,
            "`limit` is there twice",
        ),
        ("GET /assets?limit=many", Value::Null, 400, "limit: "),
        (
            "GET /assets?limit=201",
            Value::Null,
            422,
            "1 to 200 entries",
        ),
        ("GET /assets?after=zzz", Value::Null, 422, "of another list"),
        (
            "GET /findings?state=done",
            Value::Null,
            400,
            "none of open, shielded",
        ),
        (
            "GET /findings?subject=db",
            Value::Null,
            400,
            "`asset/ID` or `application/ID`",
        ),
        (
            "GET /findings?advisory=%00",
            Value::Null,
            400,
            "holds a NUL",
        ),
        ("POST /assets", Value::Null, 400, "not as described"),
        ("POST /assets", json!([1]), 400, "not as described"),
        ("POST /assets", surplus, 400, "unknown field `colour`"),
        (
            "POST /assets",
            asset.clone(),
            409,
            "there is asset a already",
        ),
        ("POST /assets", blank, 422, "owner must not be empty"),
        (
            "POST /findings",
            json!({ "advisory": "CVE-1", "subject": { "asset": "a" } }),
            422,
            "no advisory CVE-1",
        ),
        (
            "POST /rollouts/1/moves",
            json!({ "approve": {} }),
            422,
            "at `approvals`",
        ),
    ];
    for (call, body, status, named) in cases {
        let answer = api.call(&op, call, &[], body);
        let (told, detail) = answer.problem();
        assert_eq!(told, *status, "{call}: {detail}");
        assert!(detail.contains(named), "{call}: {detail}");
        let kind = answer.body["type"].as_str().unwrap();
        assert!(kind.starts_with("urn:stopgap:problem:"), "{kind}");
    }
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let headers: &[(Headers<'_>, u16, &str)] = &[
        (&[], 428, "If-Match"),
        (&[("if-match", "1")], 400, "one ETag"),
        (&[("if-match", "\"1\", \"2\"")], 400, "one ETag"),
        (&[("if-match", "\"9\"")], 412, "now at version 1"),
        (&[("if-match", "*"), ("if-match", "*")], 400, "twice"),
    ];
    for (more, status, named) in headers {
        let answer = api.call(&op, "PUT /assets/a", more, &asset);
        let (told, detail) = answer.problem();
        assert!(
            told == *status && detail.contains(named),
            "{more:?}: {answer:?}"
        );
    }
    let other = api.call(&op, "PUT /assets/b", &[("if-match", "*")], &asset);
    assert_eq!(other.problem(), (422, "the body has the id a, the path b"));
}

#[test]
fn whoever_changes_something_says_why() {
    let api = Api::new();
    let op = format!("Bearer {}", api.somebody("op", Role::Operator));
    for why in [None, Some(" "), Some("")] {
        let mut headers = vec![("authorization", op.as_str())];
        headers.extend(why.map(|why| ("stopgap-why", why)));
        let answer = api.bare("POST /assets", &headers, "{}");
        let (status, detail) = answer.problem();
        assert!(
            status == 400 && detail.contains("Stopgap-Why"),
            "{answer:?}"
        );
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let api = Api::with(Limits {
        body_bytes: 100,
        ..Limits::default()
    });
    let op = api.somebody("op", Role::Operator);
    let large = Value::String("a".repeat(100));
    assert_eq!(api.call(&op, "POST /assets", &[], &large).problem().0, 413);
    let key = "k".repeat(129);
    let answer = api.call(
        &op,
        "POST /assets",
        &[("idempotency-key", &key)],
        &Value::Null,
    );
    assert_eq!(
        answer.problem(),
        (400, "Idempotency-Key must have 1 to 128 bytes")
    );
}

#[test]
fn too_many_calls_at_one_time_are_told_to_come_again() {
    let api = Api::with(Limits {
        calls: 0,
        ..Limits::default()
    });
    let answer = api.bare("GET /assets", &[], "");
    assert_eq!(
        (answer.problem().0, answer.header("retry-after")),
        (503, "1")
    );
}

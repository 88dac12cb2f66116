use ledger::Role;
use serde_json::{Value, json};

use crate::harness::Api;

fn asset(id: &str, owner: &str) -> Value {
    json!({
        "id": id, "title": "A", "kind": "server", "environment": "test",
        "criticality": "low", "owner": owner,
    })
}

#[test]
fn a_record_is_added_read_and_replaced_by_whoever_has_seen_it() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let added = api.done(&op, "POST /assets", &asset("a", "one"));
    assert_eq!((added.status, added.header("etag")), (201, "\"1\""));
    assert_eq!(added.header("location"), "/api/v1/assets/a");
    let replaced = api.call(
        &op,
        "PUT /assets/a",
        &[("if-match", "\"1\"")],
        &asset("a", "two"),
    );
    assert_eq!((replaced.status, replaced.header("etag")), (200, "\"2\""));
    let late = api.call(
        &op,
        "PUT /assets/a",
        &[("if-match", "\"1\"")],
        &asset("a", "three"),
    );
    assert_eq!(late.problem().0, 412);
    let read = api.done(&op, "GET /assets/a", &Value::Null);
    assert_eq!(
        read.body,
        json!({ "version": 2, "value": asset("a", "two") })
    );
    for (known, status) in [
        ("\"2\"", 304),
        ("W/\"2\"", 304),
        ("\"1\", \"2\"", 304),
        ("*", 304),
        ("\"1\"", 200),
    ] {
        let read = api.call(
            &op,
            "GET /assets/a",
            &[("if-none-match", known)],
            &Value::Null,
        );
        assert_eq!(
            (read.status, read.header("etag")),
            (status, "\"2\""),
            "{known}"
        );
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let token = |id: &str, expires_ms: f64| {
        let token = json!({ "id": id, "who": "a", "role": "viewer", "expires_ms": expires_ms });
        api.call(&admin, "POST /tokens", &[], &token).status
    };
    assert_eq!(token("a", 4_000_000_000_000.0), 201);
    assert_eq!(token("b", 4_000_000_000_000.5), 400);
    assert_eq!(token("c", 1e300), 400);
}

#[test]
fn a_list_is_read_page_by_page() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    for id in ["b", "a", "c"] {
        api.done(&op, "POST /assets", &asset(id, "x"));
    }
    let first = api.done(&op, "GET /assets?limit=2", &Value::Null);
    let next = first.body["next"].as_str().unwrap();
    let last = api.done(
        &op,
        &format!("GET /assets?limit=2&after={next}"),
        &Value::Null,
    );
    assert_eq!(last.body["next"], Value::Null);
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["value"]["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        [ids(&first.body), ids(&last.body)].concat(),
        ["a", "b", "c"]
    );
}

#[test]
fn a_call_that_comes_again_is_carried_out_once() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let other = api.somebody("other", Role::Operator);
    let key = [("idempotency-key", "k")];
    let first = api.call(&op, "POST /assets", &key, &asset("a", "x"));
    let again = api.call(&op, "POST /assets", &key, &asset("a", "x"));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(
        (again.header("etag"), again.header("location")),
        ("\"1\"", "/api/v1/assets/a")
    );
    let log = api.done(&op, "GET /audit?subject=asset/a", &Value::Null);
    assert_eq!(log.body["items"].as_array().unwrap().len(), 1);
    for (call, body) in [
        ("POST /assets", asset("b", "x")),
        ("POST /findings", asset("a", "x")),
    ] {
        let mixed = api.call(&op, call, &key, &body);
        assert!([400, 422].contains(&mixed.problem().0), "{mixed:?}");
    }
    // Keys are each token's own.
    let theirs = api.call(&other, "POST /assets", &key, &asset("c", "x"));
    assert_eq!(theirs.status, 201);
    // What failed may be tried again under its key.
    let key = [("idempotency-key", "l")];
    assert_eq!(
        api.call(&op, "POST /assets", &key, &asset("a", "x")).status,
        409
    );
    assert_eq!(
        api.call(&op, "POST /assets", &key, &asset("d", "x")).status,
        201
    );
}

#[test]
fn a_call_that_comes_twice_at_once_is_carried_out_once() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let call = || {
        let asset = asset("a", "x");
        api.call(&op, "POST /assets", &[("idempotency-key", "k")], &asset)
            .status
    };
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let under_way: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        under_way
            .into_iter()
            .map(|each| each.join().unwrap())
            .collect()
    });
    assert_eq!(statuses, [201; 4]);
}

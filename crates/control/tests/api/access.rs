use std::collections::BTreeMap;

use control::routes;
use ledger::{Area, Role};
use serde_json::{Value, json};
use store::By;

use crate::harness::Api;

fn matrix() -> BTreeMap<String, (Role, Area)> {
    toml::from_str(include_str!("../../testdata/matrix.toml")).unwrap()
}

/// Each route, with something in the place of its parameter.
fn calls() -> Vec<(String, String)> {
    let calls = routes().into_iter().map(|route| {
        let line = format!("{} {}", route.method.name(), route.path);
        (line.clone(), line.replace("{id}", "1"))
    });
    calls.collect()
}

#[test]
fn every_route_is_for_those_whom_the_matrix_names() {
    let api = Api::new();
    let mut matrix = matrix();
    let everybody: Vec<_> = Role::ALL
        .iter()
        .map(|role| (*role, api.somebody("a", *role)))
        .collect();
    let scoped: Vec<_> = [
        Area::Inventory,
        Area::Findings,
        Area::Patches,
        Area::Rollouts,
        Area::Campaigns,
        Area::Fleet,
        Area::Audit,
        Area::Tokens,
    ]
    .map(|area| (area, api.token("b", Role::Admin, &[area], i64::MAX).1))
    .to_vec();
    assert_eq!(scoped.len(), Area::ALL.len());
    for (line, call) in calls() {
        let (role, area) = matrix
            .remove(&line)
            .unwrap_or_else(|| unreachable!("{line} is not in the matrix"));
        for (whose, secret) in &everybody {
            let status = api.call(secret, &call, &[], &Value::Null).status;
            assert_eq!(status == 403, *whose < role, "{line} by {whose}: {status}");
            assert_ne!(status, 401, "{line} by {whose}");
        }
        for (whose, secret) in &scoped {
            let status = api.call(secret, &call, &[], &Value::Null).status;
            assert_eq!(
                status == 403,
                *whose != area,
                "{line} for {whose}: {status}"
            );
        }
    }
    assert_eq!(
        matrix.keys().collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no such route"
    );
}

#[test]
fn nobody_calls_anything_without_a_token_that_holds() {
    let api = Api::new();
    let (_, good) = api.token("a", Role::Admin, &[], i64::MAX);
    let (_, ended) = api.token("a", Role::Admin, &[], 1);
    let (id, revoked) = api.token("a", Role::Admin, &[Area::Tokens, Area::Audit], i64::MAX);
    let by = By {
        who: "root",
        why: "lost",
        now_ms: 1,
    };
    api.store
        .change(&by, |it| it.revoke_token(&id, None))
        .unwrap();
    let other_end = if good.ends_with('A') { 'E' } else { 'A' };
    let forged = format!("{}{other_end}", &good[..good.len() - 1]);
    let of_another = format!("{}{}", &good[..good.len() - 43], &ended[ended.len() - 43..]);
    for (_, call) in calls() {
        let bad = [
            String::new(),
            format!("Bearer {ended}"),
            format!("Bearer {revoked}"),
            format!("Bearer {of_another}"),
            format!("Basic {good}"),
            good.clone(),
            "Bearer stopgap.bm9uZQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            "Bearer x".to_owned(),
        ];
        for authorization in bad {
            let headers = [
                ("authorization", authorization.as_str()),
                ("stopgap-why", "x"),
            ];
            let answer = api.bare(&call, &headers, "");
            assert_eq!(answer.problem().0, 401, "{call} with {authorization}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        assert_eq!(api.bare(&call, &[], "").status, 401);
    }
    assert_eq!(
        api.call(&forged, "GET /assets", &[], &Value::Null).status,
        401
    );
    assert_eq!(
        api.call(&good, "GET /assets", &[], &Value::Null).status,
        200
    );
}

#[test]
fn a_token_is_made_used_and_taken_back() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let wanted = json!({ "id": "ci", "who": "ci@example.org", "role": "operator", "areas": ["inventory"], "expires_ms": i64::MAX });
    let named = [("idempotency-key", "1")];
    let made = api.call(&admin, "POST /tokens", &named, &wanted);
    assert_eq!(
        (made.status, made.header("location")),
        (201, "/api/v1/tokens/ci")
    );
    let secret = made.body["secret"].as_str().unwrap();
    let again = api.call(&admin, "POST /tokens", &named, &wanted);
    assert_eq!(
        (again.status, &again.body["secret"]),
        (201, &Value::Null),
        "shown once"
    );
    let asset = json!({
        "id": "db-1", "title": "Database", "kind": "server", "environment": "production",
        "criticality": "high", "owner": "operations",
    });
    api.done(secret, "POST /assets", &asset);
    let log = api.done(&admin, "GET /audit?subject=asset/db-1", &Value::Null);
    assert_eq!(log.body["items"][0]["who"], "ci@example.org");
    assert_eq!(
        api.call(secret, "GET /findings", &[], &Value::Null).status,
        403
    );
    let listed = api.done(&admin, "GET /tokens", &Value::Null);
    assert!(!listed.body.to_string().contains("secret"));
    assert!(
        api.done(&admin, "DELETE /tokens/ci", &Value::Null).body["value"]["revoked_ms"].is_i64()
    );
    assert_eq!(
        api.call(secret, "GET /assets", &[], &Value::Null).status,
        401
    );
    let log = api
        .done(&admin, "GET /audit", &Value::Null)
        .body
        .to_string();
    assert!(!log.contains(secret), "the log must not tell secrets");
}

#[test]
fn an_empty_list_of_areas_is_no_access_to_all() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let token =
        json!({ "id": "ci", "who": "ci", "role": "viewer", "areas": [], "expires_ms": i64::MAX });
    let user = json!({ "id": "ann", "role": "operator", "areas": [] });
    for (call, wanted) in [("POST /tokens", &token), ("POST /users", &user)] {
        let refused = api.call(&admin, call, &[], wanted);
        assert_eq!(refused.status, 400, "{call}: {}", refused.body);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("areas: name one or more"), "{detail}");
    }
    let user = json!({ "id": "ann", "role": "operator", "areas": ["patches"] });
    api.done(&admin, "POST /users", &user);
    for (access, status, areas) in [
        (json!({ "role": "viewer" }), 200, json!(["patches"])),
        (
            json!({ "role": "viewer", "areas": [] }),
            400,
            json!(["patches"]),
        ),
        (
            json!({ "role": "viewer", "areas": ["audit"], "everywhere": true }),
            422,
            json!(["patches"]),
        ),
        (
            json!({ "role": "viewer", "areas": ["audit"] }),
            200,
            json!(["audit"]),
        ),
        (
            json!({ "role": "viewer", "everywhere": true }),
            200,
            json!([]),
        ),
    ] {
        let changed = api.call(&admin, "PUT /users/ann", &[("if-match", "*")], &access);
        assert_eq!(changed.status, status, "{access}: {}", changed.body);
        let ann = api.done(&admin, "GET /users/ann", &Value::Null);
        assert_eq!(ann.body["value"]["areas"], areas, "{access}");
    }
}

#[test]
fn nobody_gives_more_areas_than_their_own() {
    let api = Api::new();
    let root = api.somebody("root", Role::Admin);
    let (_, bounded) = api.token("ann", Role::Admin, &[Area::Tokens, Area::Audit], i64::MAX);
    for user in [
        json!({ "id": "ann", "role": "admin", "areas": ["tokens", "audit"] }),
        json!({ "id": "bob", "role": "viewer", "areas": ["patches"] }),
        json!({ "id": "eve", "role": "admin" }),
    ] {
        api.done(&root, "POST /users", &user);
    }
    let token = |areas: &Value| {
        let mut token =
            json!({ "id": "ci", "who": "ann", "role": "admin", "expires_ms": i64::MAX });
        if !areas.is_null() {
            token["areas"] = areas.clone();
        }
        token
    };
    let any = [("if-match", "*")];
    for (call, body, status) in [
        ("POST /tokens", token(&Value::Null), 403),
        ("POST /tokens", token(&json!(["tokens", "patches"])), 403),
        ("POST /tokens", token(&json!(["tokens"])), 201),
        ("POST /users", json!({ "id": "new", "role": "viewer" }), 403),
        (
            "POST /users",
            json!({ "id": "new", "role": "viewer", "areas": ["fleet"] }),
            403,
        ),
        (
            "POST /users",
            json!({ "id": "new", "role": "admin", "areas": ["audit"] }),
            201,
        ),
        (
            "PUT /users/ann",
            json!({ "role": "admin", "everywhere": true }),
            403,
        ),
        (
            "PUT /users/ann",
            json!({ "role": "admin", "areas": ["tokens", "patches"] }),
            403,
        ),
        // Whoever may elsewhere stays as they are, and nobody becomes them.
        ("PUT /users/bob", json!({ "role": "admin" }), 403),
        ("POST /users/bob/password", Value::Null, 403),
        ("POST /users/eve/password", Value::Null, 403),
        ("POST /users/eve/restoration", Value::Null, 403),
        ("PUT /users/ann", json!({ "role": "viewer" }), 200),
        ("POST /users/ann/password", Value::Null, 200),
        // To take away, or to put out, gives nobody more.
        (
            "PUT /users/bob",
            json!({ "role": "viewer", "areas": ["audit"] }),
            200,
        ),
        ("DELETE /users/eve", Value::Null, 200),
    ] {
        let answer = api.call(&bounded, call, &any, &body);
        assert_eq!(answer.status, status, "{call} {body}: {}", answer.body);
        if status == 403 {
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains("tokens, audit"), "{detail}");
        }
    }
}

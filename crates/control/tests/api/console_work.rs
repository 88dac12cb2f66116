//! What people do in the console with patches, hits and settings.

use ledger::Role;
use serde_json::{Value, json};
use store::{By, Start};

use crate::console::{Browser, between, encoded};
use crate::harness::{Api, now_ms};

const BY: By<'static> = By {
    who: "root",
    why: "a test",
    now_ms: 1,
};

fn keep(api: &Api, op: &str) {
    let patch = json!({
        "id": "made", "title": "P", "advisories": [], "owner": "web", "reason": "waiting-for-fix",
        "expires_ms": i64::MAX, "fix": { "link": "release 2" }, "document": "first\n",
    });
    api.done(op, "POST /patches", &patch);
}

/// A hit of the patch, told just now.
fn hit(api: &Api) {
    let event = json!({
        "version": 1, "reference": "r 1", "time_ms": now_ms(), "ingress": "edge",
        "application": "shop", "client": "192.0.2.1", "method": "GET", "host": "x",
        "path": "/tables", "action": "block", "matches": [{
            "patch": "made", "rule": 1, "phase": 1, "target": "ARGS:q", "message": "",
            "value": "v", "enforced": true,
        }],
    });
    let event = serde_json::from_value(event).unwrap();
    api.store.deliver(&[event]).unwrap();
}

#[test]
fn a_legitimate_request_leads_to_a_new_version_of_the_patch() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    keep(&api, &op);
    hit(&api);
    let browser = Browser::of(&api, &op);
    let html = browser.look("/hits");
    let link = between(&html, "href=\"/hits/legitimate?", "\"").replace("&#38;", "&");
    let html = browser.look(&format!("/hits/legitimate?{link}"));
    assert!(html.contains("<b>made</b> in r 1"), "{html}");
    assert!(html.contains("this path is left out"), "{html}");
    assert!(html.contains("-first\n+first\nbut not /tables"), "{html}");
    let change = [
        ("document", "first\r\nbut not /tables"),
        ("seen", "1"),
        ("why", "a search for tables"),
    ];
    let kept = browser.send("/patches/made/document", &change);
    assert_eq!(kept.header("location"), "/patches/made", "{}", kept.html);
    let late = browser.send("/patches/made/document", &change);
    assert_eq!(late.status, 412, "somebody has changed it meanwhile");
    let bad = [("document", "bad"), ("seen", "2"), ("why", "x")];
    let refused = browser.send("/patches/made/document", &bad);
    assert!(
        refused.html.contains("line 1: it is bad"),
        "{}",
        refused.html
    );
    let history = browser.look("/patches/made/history");
    let (newer, older) = (
        history.find("a search for tables"),
        history.find("The first document"),
    );
    assert!(newer.is_some() && newer < older, "{history}");
    assert!(
        history.contains("-first\n+first\nbut not /tables"),
        "{history}"
    );
    assert!(browser.look("/patches/made/proof").contains("<b>drawn</b>"));
    let gone = api.page(
        "GET /hits/legitimate?patch=made&ingress=edge&reference=r2",
        "",
        "",
    );
    assert_eq!(gone.status, 303, "nobody sees it without signing in");
}

#[test]
fn a_rollout_shows_its_last_hour_and_takes_reports() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    keep(&api, &op);
    hit(&api);
    let owed = Start::Owed("attacked", i64::MAX);
    let started = api.store.change(&BY, |it| {
        let rules = ledger::rollout::Rules::default();
        it.start_rollout("made", &owed, ledger::Environment::Production, rules)
    });
    started.unwrap();
    let told = api.call(&op, "GET /rollouts/1/progress", &[], &Value::Null);
    let minutes = told.body["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 60);
    let hits: u64 = minutes
        .iter()
        .map(|each| each["hits"].as_u64().unwrap())
        .sum();
    assert_eq!(hits, 1);
    let browser = Browser::of(&api, &op);
    assert!(
        browser
            .look("/rollouts/1")
            .contains("src=\"/rollouts/1/chart\"")
    );
    let chart = browser.page("GET /rollouts/1/chart");
    assert!(chart.html.contains("1 in the last hour"), "{}", chart.html);
    assert!(chart.html.contains("<rect"), "{}", chart.html);
    assert_eq!(chart.header("refresh"), "10");
    assert_eq!(chart.header("x-frame-options"), "SAMEORIGIN");
    let report = [("move", "report"), ("seen", "1"), ("why", "a search")];
    let sent = browser.send("/rollouts/1/moves", &report);
    assert_eq!(sent.status, 303, "{}", sent.html);
}

#[test]
fn administrators_admit_people_and_programs() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let browser = Browser::of(&api, &admin);
    let add = [
        ("act", "add"),
        ("id", "ci"),
        ("who", "ann"),
        ("role", "viewer"),
        ("days", "1"),
        ("where", "all"),
        ("why", "a pipeline"),
    ];
    let made = browser.send("/settings/tokens", &add);
    let secret = between(&made.html, "shown this once: <code>", "<");
    assert!(secret.starts_with("stopgap."), "{}", made.html);
    let signed = api.page("POST /sign-in", "", &encoded(&[("token", secret)]));
    assert_eq!(signed.header("location"), "/");
    assert!(!browser.look("/settings").contains(secret));
    let add = [
        ("act", "add"),
        ("id", "hook"),
        ("to", "https://hooks.example/in"),
        ("actions", "token.add rollout.demote"),
        ("why", "on call"),
    ];
    let made = browser.send("/settings/subscriptions", &add);
    assert!(made.html.contains("whsec_"), "{}", made.html);
    assert!(
        made.html.contains("token.add, rollout.demote"),
        "{}",
        made.html
    );
    // Somebody gets a password, another role, and another password.
    let add = [
        ("act", "add"),
        ("id", "bob"),
        ("role", "viewer"),
        ("where", "all"),
        ("why", "new"),
    ];
    let made = browser.send("/settings/users", &add);
    let first = between(&made.html, "shown this once: <code>", "<").to_owned();
    let signs_in = |password: &str| {
        let form = encoded(&[("name", "bob"), ("password", password)]);
        api.page("POST /sign-in", "", &form)
    };
    let signed = signs_in(&first);
    let bob = between(signed.header("set-cookie"), "stopgap-session=", ";").to_owned();
    assert!(api.page("GET /", &bob, "").html.contains("bob, viewer"));
    let page = browser.look("/settings/people/bob");
    assert!(
        page.contains("with a password") && !page.contains(&first),
        "{page}"
    );
    let seen = between(&page, "name=\"seen\" value=\"", "\"").to_owned();
    let change = [
        ("act", "change"),
        ("id", "bob"),
        ("role", "operator"),
        ("where", "these"),
        ("area-patches", "on"),
        ("why", "on call"),
        ("seen", &*seen),
    ];
    // Whoever takes the last part away has to say that they mean all.
    for wrong in [3, 4] {
        let mut unclear = change.to_vec();
        unclear.remove(wrong);
        let refused = browser.send("/settings/users", &unclear);
        assert_eq!(refused.status, 400, "{unclear:?}");
        assert!(refused.html.contains("in which parts"), "{}", refused.html);
    }
    assert_eq!(
        browser.send("/settings/users", &change).header("location"),
        "/settings"
    );
    assert!(api.page("GET /", &bob, "").html.contains("bob, operator"));
    assert_eq!(
        browser.send("/settings/users", &change).status,
        412,
        "somebody has changed it since"
    );
    let renew = [("act", "password"), ("id", "bob"), ("why", "lost")];
    let stale = [&renew[..], &[("seen", "1")]].concat();
    assert_eq!(browser.send("/settings/users", &stale).status, 412);
    let shown = browser.look("/settings/people/bob");
    assert!(shown.contains("operator in patches"), "{shown}");
    let chosen = shown.split("<input ").filter(|it| it.contains("checked"));
    let chosen: Vec<_> = chosen.map(|it| between(it, "name=", ">")).collect();
    let expected = [
        "\"where\" value=\"these\" required checked",
        "\"area-patches\" checked",
    ];
    assert_eq!(chosen, expected, "{shown}");
    assert_eq!(
        shown.matches("name=\"seen\" value=\"2\"").count(),
        3,
        "the forms bring what was seen: {shown}"
    );
    let made = browser.send("/settings/users", &renew);
    let second = between(&made.html, "shown this once: <code>", "<").to_owned();
    assert_eq!(
        (signs_in(&first).status, signs_in(&second).status),
        (401, 303)
    );
    let log = api
        .store
        .read(|it| it.audit(Some("user/bob"), store::Paging::default()));
    let log = format!("{:?}", log.unwrap());
    assert!(!log.contains(&first) && !log.contains("argon2"), "{log}");
    let stale = [
        ("act", "remove"),
        ("id", "bob"),
        ("why", "left"),
        ("seen", "2"),
    ];
    assert_eq!(browser.send("/settings/users", &stale).status, 412);
    for (kind, id) in [
        ("users", "bob"),
        ("tokens", "ci"),
        ("subscriptions", "hook"),
    ] {
        let remove = [("act", "remove"), ("id", id), ("why", "left")];
        let removed = browser.send(&format!("/settings/{kind}"), &remove);
        assert_eq!(removed.header("location"), "/settings", "{}", removed.html);
    }
    let signed = api.page("POST /sign-in", "", &encoded(&[("token", secret)]));
    assert_eq!(signed.status, 401);
    let viewer = Browser::of(&api, &api.somebody("eve", Role::Viewer));
    let html = viewer.look("/settings");
    assert!(!html.contains("class=\"move\""), "{html}");
    assert_eq!(viewer.send("/settings/tokens", &add).status, 400);
}

#[test]
fn people_change_their_own_password_by_showing_the_one_they_have() {
    let api = Api::new();
    let (first, second) = ("correct horse battery", "another horse battery");
    let user = ledger::User {
        id: "ann".to_owned(),
        role: Role::Viewer,
        areas: Vec::new(),
        account: None,
        removed_ms: None,
    };
    let hash = control::hash_password(first).unwrap();
    api.store
        .change(&BY, |it| it.add_user(&user, &hash))
        .unwrap();
    let signs_in = |password: &str| {
        let form = encoded(&[("name", "ann"), ("password", password)]);
        let signed = api.page("POST /sign-in", "", &form);
        assert_eq!(signed.status, 303);
        between(signed.header("set-cookie"), "stopgap-session=", ";").to_owned()
    };
    let (here, elsewhere) = (signs_in(first), signs_in(first));
    let send = |cookie: &str, fields: &[(&str, &str)]| {
        let page = api.page("GET /settings", cookie, "");
        let form_key = between(&page.html, "name=\"form_key\" value=\"", "\"");
        let form = encoded(&[&[("form_key", form_key)], fields].concat());
        api.page("POST /settings/password", cookie, &form)
    };
    let typed = |old, new, again| send(&here, &[("old", old), ("new", new), ("again", again)]);
    for (old, new, again, status) in [
        (second, second, second, 403),
        ("", second, second, 403),
        (first, second, "other", 400),
        (first, first, first, 400),
        (first, "short", "short", 400),
    ] {
        let refused = typed(old, new, again);
        assert_eq!(refused.status, status, "{new}: {}", refused.html);
    }
    assert_eq!(api.page("GET /", &elsewhere, "").status, 200);
    let changed = typed(first, second, second);
    assert_eq!(changed.header("location"), "/settings");
    let told = [0; 2].map(|_| {
        let page = api.page("GET /settings", &here, "");
        page.html.contains("Your password is another now")
    });
    assert_eq!(told, [true, false], "it is told once");
    // Whoever has changed it goes on; other sessions have ended.
    assert_eq!(api.page("GET /", &here, "").status, 200);
    let ended = api.page("GET /", &elsewhere, "");
    assert_eq!(ended.header("location"), "/sign-in");
    assert_eq!(api.page("GET /", &signs_in(second), "").status, 200);
    let log = api
        .store
        .read(|it| it.audit(Some("user/ann"), store::Paging::default()));
    let log = format!("{:?}", log.unwrap());
    assert!(
        log.contains("user.password") && !log.contains(second),
        "{log}"
    );
    // Whoever guesses waits, as at the door.
    for _ in 0..3 {
        assert_eq!(typed(first, first, first).status, 403);
    }
    let late = typed(second, first, first);
    assert!(
        late.status == 403 && late.html.contains("wait a minute"),
        "{}",
        late.html
    );
    // Who has none is not asked for one.
    let browser = Browser::of(&api, &api.somebody("ops", Role::Admin));
    assert!(!browser.look("/settings").contains("Your password"));
    let fields = [("old", second), ("new", first), ("again", first)];
    assert_eq!(browser.send("/settings/password", &fields).status, 422);
}

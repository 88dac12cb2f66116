//! The console, as a browser without scripts uses it.

use control::Limits;
use ledger::{Area, Role};
use serde_json::{Value, json};

use crate::harness::{Api, Page};

/// Somebody in front of the console.
pub(crate) struct Browser<'a> {
    api: &'a Api,
    cookie: String,
    form_key: String,
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// The text between two others.
pub(crate) fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or(("", ""));
    rest.split_once(end).map_or("", |(found, _)| found)
}

impl<'a> Browser<'a> {
    pub(crate) fn of(api: &'a Api, secret: &str) -> Self {
        let signed = api.page("POST /sign-in", "", &encoded(&[("token", secret)]));
        assert_eq!((signed.status, signed.header("location")), (303, "/"));
        let cookie = between(signed.header("set-cookie"), "stopgap-session=", ";").to_owned();
        let first = api.page("GET /", &cookie, "");
        let form_key = between(&first.html, "name=\"form_key\" value=\"", "\"").to_owned();
        assert!(!form_key.is_empty());
        Self {
            api,
            cookie,
            form_key,
        }
    }

    pub(crate) fn look(&self, path: &str) -> String {
        let page = self.api.page(&format!("GET {path}"), &self.cookie, "");
        assert_eq!(page.status, 200, "{path}: {}", page.html);
        page.html
    }

    pub(crate) fn page(&self, visit: &str) -> Page {
        self.api.page(visit, &self.cookie, "")
    }

    pub(crate) fn send(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut fields = fields.to_vec();
        fields.push(("form_key", &self.form_key));
        self.api
            .page(&format!("POST {path}"), &self.cookie, &encoded(&fields))
    }
}

fn fill(api: &Api, op: &str) {
    let advisory = json!({ "id": "CVE-1", "title": "A flaw", "severity": "critical" });
    let patch = json!({
        "id": "p", "title": "<script>alert(1)</script>", "advisories": ["CVE-1"],
        "owner": "web", "reason": "waiting-for-fix", "expires_ms": 1,
        "fix": { "link": "release 2" }, "document": "the rules of p\n",
    });
    let shop = json!({
        "id": "shop", "title": "Shop", "environment": "production", "owner": "web",
        "hosts": ["shop.example.org"],
    });
    api.done(op, "POST /advisories", &advisory);
    api.done(op, "POST /patches", &patch);
    api.done(op, "POST /applications", &shop);
    let finding = json!({ "advisory": "CVE-1", "subject": { "application": "shop" } });
    api.done(op, "POST /findings", &finding);
}

#[test]
fn nobody_sees_a_page_without_signing_in() {
    let api = Api::new();
    for path in [
        "/",
        "/findings",
        "/patches/p",
        "/rollouts",
        "/hits",
        "/audit",
    ] {
        for cookie in ["", "AAAA", "stopgap-session="] {
            let page = api.page(&format!("GET {path}"), cookie, "");
            assert_eq!((page.status, page.header("location")), (303, "/sign-in"));
            assert!(page.html.is_empty());
        }
    }
    let (_, ended) = api.token("ann", Role::Admin, &[], 1);
    for token in ["", "x", ended.as_str()] {
        let refused = api.page("POST /sign-in", "", &encoded(&[("token", token)]));
        assert_eq!(refused.status, 401);
        assert!(refused.html.contains("no token that counts"));
        assert_eq!(refused.header("set-cookie"), "");
    }
}

#[test]
fn whoever_guesses_tokens_has_to_wait() {
    let limits = Limits {
        failed_sign_ins: 2,
        ..Limits::default()
    };
    let api = Api::with(limits);
    let secret = api.somebody("ann", Role::Viewer);
    for _ in 0..2 {
        api.page("POST /sign-in", "", "token=x");
    }
    let refused = api.page("POST /sign-in", "", &encoded(&[("token", &secret)]));
    assert!(refused.html.contains("wait a minute"), "{}", refused.html);
}

#[test]
fn a_session_ends_with_its_token_and_when_it_is_signed_out() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let (id, secret) = api.token("ann", Role::Viewer, &[], i64::MAX);
    let (first, second) = (Browser::of(&api, &secret), Browser::of(&api, &secret));
    let out = first.send("/sign-out", &[]);
    assert_eq!(out.header("location"), "/sign-in");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(api.page("GET /", &first.cookie, "").status, 303);
    second.look("/");
    api.done(&admin, &format!("DELETE /tokens/{id}"), &Value::Null);
    assert_eq!(api.page("GET /", &second.cookie, "").status, 303);
}

#[test]
fn browsers_are_told_to_do_no_more_than_show_pages() {
    let api = Api::new();
    let secret = api.somebody("ann", Role::Viewer);
    let signed = api.page("POST /sign-in", "", &encoded(&[("token", &secret)]));
    let cookie = signed.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/"));
    let browser = Browser::of(&api, &secret);
    let page = api.page("GET /", &browser.cookie, "");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[test]
fn what_others_wrote_is_text() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    for path in ["/patches", "/patches/p"] {
        let html = browser.look(path);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }
}

#[test]
fn another_site_cannot_send_a_form() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    let other = Browser::of(&api, &op);
    for key in ["", "guess", other.form_key.as_str()] {
        let form = [
            ("form_key", key),
            ("move", "fix"),
            ("seen", "1"),
            ("why", "x"),
        ];
        let sent = api.page("POST /findings/1/moves", &browser.cookie, &encoded(&form));
        assert_eq!(sent.status, 403, "{key}");
    }
    assert!(browser.look("/findings/1").contains("open"));
}

#[test]
fn today_tells_what_needs_a_decision() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let browser = Browser::of(&api, &op);
    assert!(browser.look("/").contains("Nothing needs a decision"));
    fill(&api, &op);
    let html = browser.look("/");
    let (finding, patch) = (html.find("/findings/1"), html.find("/patches/p"));
    assert!(finding.is_some() && finding < patch, "{html}");
    assert!(
        html.contains("past its expiry; it still protects"),
        "{html}"
    );
    let viewer = api
        .token("eve", Role::Viewer, &[Area::Inventory], i64::MAX)
        .1;
    assert!(
        Browser::of(&api, &viewer)
            .look("/")
            .contains("Nothing needs")
    );
}

#[test]
fn an_ingress_point_where_nothing_enforces_is_a_hole() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let browser = Browser::of(&api, &op);
    assert!(
        browser
            .look("/coverage")
            .contains("No ingress point is known yet")
    );
    let edge = json!({
        "id": "edge", "title": "Edge", "kind": "nginx", "environment": "production",
        "applications": [],
    });
    api.done(&op, "POST /ingress-points", &edge);
    let html = browser.look("/coverage");
    assert!(html.contains("hole: nothing enforces here"), "{html}");
    assert!(html.contains("stopgap ingress enrol edge --environment production"));
    // Of a configuration that was looked at, each way, and what to do about it.
    let side = json!({
        "id": "side", "title": "Side", "kind": "haproxy", "environment": "production",
        "applications": [], "listens": ["192.0.2.1:80"], "paths": [
            { "host": "shop.example", "prefix": "/old", "upstreams": ["10.0.0.1:80"] },
        ],
    });
    api.done(&op, "POST /ingress-points", &side);
    let html = browser.look("/coverage");
    let hole = "hole: shop.example/old: it forwards to 10.0.0.1:80 and asks nobody";
    assert!(html.contains(hole), "{html}");
    assert!(html.contains("stopgap ingress snippet haproxy"), "{html}");
    let html = browser.look("/");
    assert!(
        html.contains("Hole at side") && html.contains("Hole at edge"),
        "{html}"
    );
    let back = [("environment", "production"), ("why", "it stops people")];
    let none = browser.send("/rollback", &back);
    assert_eq!(none.status, 422, "{}", none.html);
}

#[test]
fn a_finding_leads_to_the_patch_that_is_there_for_it() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let take = "/patches/new?advisory=CVE-1";
    let html = Browser::of(&api, &op).look("/findings/1");
    assert!(html.contains(&format!("href=\"{take}\"")), "{html}");
    let html = Browser::of(&api, &op).look(take);
    assert!(html.contains(">taken</textarea>"), "{html}");
    let html = Browser::of(&api, &op).look("/patches/new?advisory=CVE-7");
    assert!(html.contains("></textarea>"), "{html}");
    let viewer = api.somebody("eve", Role::Viewer);
    assert!(
        !Browser::of(&api, &viewer)
            .look("/findings/1")
            .contains(take)
    );
}

#[test]
fn a_finding_is_moved_with_a_reason() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    let scheduled = [
        ("move", "schedule"),
        ("by", "release 2"),
        ("due_ms", "2027-01-31"),
        ("seen", "1"),
        ("why", "the vendor promised it"),
    ];
    let moved = browser.send("/findings/1/moves", &scheduled);
    assert_eq!(
        (moved.status, moved.header("location")),
        (303, "/findings/1")
    );
    let html = browser.look("/findings/1");
    assert!(
        html.contains("release 2, by 2027-01-31 00:00 UTC"),
        "{html}"
    );
    let log = browser.look("/audit?subject=finding/1");
    assert!(log.contains("the vendor promised it"), "{log}");
    // The form was shown before the finding moved.
    let late = browser.send("/findings/1/moves", &scheduled);
    assert_eq!(late.status, 412);
    assert!(late.html.contains("changed by others"));
    for (field, status) in [("why", 400), ("by", 400)] {
        let left: Vec<_> = scheduled
            .iter()
            .copied()
            .filter(|(name, _)| *name != field)
            .collect();
        assert_eq!(
            browser.send("/findings/1/moves", &left).status,
            status,
            "{field}"
        );
    }
    let never =
        scheduled.map(|(name, value)| (name, if name == "due_ms" { "soon" } else { value }));
    let refused = browser.send("/findings/1/moves", &never);
    assert!(
        refused.html.contains("`soon` is no day"),
        "{}",
        refused.html
    );
}

#[test]
fn an_exception_is_asked_for_at_its_finding_and_shown_there() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    let asked = [
        ("move", "except"),
        ("reason", "the vendor is gone"),
        ("what", "guards"),
        ("seen", "1"),
        ("evidence", "two of them"),
        ("recheck_ms", "2999-01-31"),
        ("owner", "web"),
        ("expires_ms", "2999-06-30"),
        ("why", "until spring"),
    ];
    let moved = browser.send("/findings/1/moves", &asked);
    assert_eq!(moved.status, 303, "{}", moved.html);
    let html = browser.look("/findings/1");
    assert!(html.contains("Exception 1</a>, requested"), "{html}");
    assert!(
        html.contains("the vendor is gone; guards: two of them"),
        "{html}"
    );
}

#[test]
fn a_viewer_is_shown_no_forms_and_may_send_none() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    fill(&api, &op);
    let viewer = api.somebody("eve", Role::Viewer);
    let browser = Browser::of(&api, &viewer);
    for path in ["/findings/1", "/patches/p", "/patches"] {
        assert!(!browser.look(path).contains("class=\"move\""), "{path}");
    }
    let form = [("move", "fix"), ("seen", "1"), ("why", "x")];
    let sent = browser.send("/findings/1/moves", &form);
    assert_eq!(sent.status, 400, "a version of the fix is asked for first");
    let form = [
        ("move", "fix"),
        ("version", "2"),
        ("seen", "1"),
        ("why", "x"),
    ];
    assert_eq!(browser.send("/findings/1/moves", &form).status, 403);
    let operator = Browser::of(&api, &op);
    assert_eq!(operator.send("/findings/1/moves", &form).status, 303);
}

#[test]
fn a_description_becomes_a_patch_that_is_enforced() {
    let api = Api::new();
    let op = api.somebody("ann", Role::Operator);
    let approver = api.somebody("bob", Role::Approver);
    fill(&api, &op);
    let browser = Browser::of(&api, &op);
    let bad = browser.send("/patches/import", &[("kind", "curl"), ("file", "bad")]);
    assert!(bad.html.contains("it is bad"), "{}", bad.html);
    let upload = [("kind", "curl"), ("file", "rules"), ("file_name", "poc.sh")];
    let made = browser.send("/patches/import", &upload);
    assert!(made.html.contains("rules of poc.sh"), "{}", made.html);
    let kept = [("document", "bad"), ("fix", "release 2"), ("why", "now")];
    let refused = browser.send("/patches/new", &kept);
    assert!(refused.html.contains("line 1: it is bad") && refused.html.contains("release 2"));
    let kept = [
        ("document", "rules\r\nof poc.sh"),
        ("fix", "release 2"),
        ("why", "now"),
    ];
    let kept = browser.send("/patches/new", &kept);
    assert_eq!(kept.header("location"), "/patches/made", "{}", kept.html);
    assert!(
        browser
            .look("/patches/made")
            .contains("explained: rules\nof poc.sh")
    );
    let begin = [("environment", "production"), ("why", "it is attacked")];
    let begun = browser.send("/patches/made/rollouts", &begin);
    assert_eq!(begun.header("location"), "/rollouts/1", "{}", begun.html);
    let promote = |version: &str| {
        let form = [
            ("move", "promote"),
            ("seen", version),
            ("why", "it is quiet"),
        ];
        browser.send("/rollouts/1/moves", &form)
    };
    for version in ["1", "2", "3", "4"] {
        assert_eq!(promote(version).status, 303);
    }
    let html = browser.look("/rollouts/1");
    assert_eq!(between(&html, "aria-current=\"step\">", "<"), "canary 50 %");
    let alone = promote("5");
    assert_eq!(alone.status, 422);
    assert!(alone.html.contains("somebody other than who started it"));
    assert!(
        browser
            .look("/")
            .contains("waits for somebody&#39;s consent")
    );
    let other = Browser::of(&api, &approver);
    let consent = [("move", "approve"), ("seen", "5"), ("why", "I read it")];
    assert_eq!(other.send("/rollouts/1/moves", &consent).status, 303);
    assert_eq!(promote("6").status, 303);
    let html = browser.look("/rollouts/1");
    assert_eq!(between(&html, "aria-current=\"step\">", "<"), "enforce");
    let back = [("move", "demote"), ("seen", "7"), ("why", "a report")];
    assert_eq!(browser.send("/rollouts/1/moves", &back).status, 303);
    assert!(
        browser
            .look("/audit?subject=rollout/1")
            .contains("a report")
    );
}

#[test]
fn people_sign_in_with_a_password_and_may_what_their_role_allows() {
    let api = Api::with(Limits {
        failed_passwords: 2,
        ..Limits::default()
    });
    let by = store::By {
        who: "root",
        why: "a test",
        now_ms: 1,
    };
    let user = ledger::User {
        id: "ann".to_owned(),
        role: Role::Viewer,
        areas: Vec::new(),
        account: None,
        removed_ms: None,
    };
    let hash = control::hash_password("correct horse battery").unwrap();
    let added = api.store.change(&by, |it| it.add_user(&user, &hash));
    added.unwrap();
    let sign_in = |name: &str, password: &str| {
        let fields = encoded(&[("name", name), ("password", password)]);
        api.page("POST /sign-in", "", &fields)
    };
    let signed = sign_in("ann", "correct horse battery");
    assert_eq!((signed.status, signed.header("location")), (303, "/"));
    let cookie = between(signed.header("set-cookie"), "stopgap-session=", ";");
    let page = api.page("GET /", cookie, "");
    assert!(
        page.status == 200 && page.html.contains("ann"),
        "{}",
        page.html
    );
    let form_key = between(&page.html, "name=\"form_key\" value=\"", "\"");
    let form = encoded(&[
        ("form_key", form_key),
        ("environment", "test"),
        ("why", "x"),
    ]);
    assert_eq!(api.page("POST /rollback", cookie, &form).status, 403);

    // Another password ends what was opened with the one before; another role does not.
    let role = |it: &mut store::Change<'_>| it.change_user("ann", (Role::Operator, &[]), None);
    api.store.change(&by, role).unwrap();
    assert_eq!(api.page("GET /", cookie, "").status, 200);
    let hash = control::hash_password("correct horse battery 2").unwrap();
    let renewed = api
        .store
        .change(&by, |it| it.change_password("ann", &hash, None));
    renewed.unwrap();
    assert_eq!(api.page("GET /", cookie, "").header("location"), "/sign-in");
    let signed = sign_in("ann", "correct horse battery 2");
    let cookie = between(signed.header("set-cookie"), "stopgap-session=", ";");
    assert_eq!(api.page("GET /", cookie, "").status, 200);

    // Whoever guesses waits, and keeps nobody else out.
    for (name, password) in [
        ("bob", "correct horse battery"),
        ("ann", "wrong"),
        ("ann", ""),
    ] {
        assert_eq!(sign_in(name, password).status, 401, "{name} {password}");
    }
    let late = sign_in("ann", "correct horse battery 2");
    assert!(
        late.status == 401 && late.html.contains("wait a minute"),
        "{}",
        late.html
    );
    Browser::of(&api, &api.somebody("ops", Role::Admin));

    // Whoever is put out is out at once.
    let removed = api.store.change(&by, |it| it.remove_user("ann", None));
    removed.unwrap();
    assert_eq!(api.page("GET /", cookie, "").header("location"), "/sign-in");
    let log = api
        .store
        .read(|it| it.audit(Some("user/ann"), store::Paging::default()));
    let log = format!("{:?}", log.unwrap());
    assert!(
        log.contains("user.remove") && !log.contains("argon2"),
        "{log}"
    );
}

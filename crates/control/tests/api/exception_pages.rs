//! Exceptions in the console, as a browser without scripts uses it.

use ledger::Role;
use serde_json::{Value, json};

use crate::campaigns::fill;
use crate::console::Browser;
use crate::harness::Api;

fn terms(reason: &str, protection: &Value) -> Value {
    json!({
        "about": { "subject": { "asset": "db" } }, "reason": reason, "owner": "web",
        "expires_ms": 32_000_000_000_000_i64, "protection": protection,
    })
}

#[test]
fn exceptions_are_listed_void_ones_first_and_decided_by_a_second_person() {
    let api = Api::new();
    let op = api.somebody("op", Role::Operator);
    let boss = api.somebody("boss", Role::Admin);
    fill(&api, &op);
    let guards = json!({ "other-control": {
        "what": "guards", "evidence": { "seen": "two of <them>", "recheck_ms": 31_000_000_000_000_i64 },
    } });
    for reason in ["the vendor is gone", "no window before spring"] {
        api.done(&op, "POST /exceptions", &terms(reason, &guards));
    }
    let (op, boss) = (Browser::of(&api, &op), Browser::of(&api, &boss));
    let listed = op.look("/exceptions");
    assert!(listed.contains("guards: two of &#60;them&#62;"), "{listed}");
    assert!(listed.contains("asset/db"));

    let own = op.look("/exceptions/1");
    assert!(!own.contains("value=\"approve\""), "{own}");
    assert!(own.contains("Somebody other than op must approve it"));
    let send = |who: &Browser<'_>, id: i64, more: &[(&str, &str)]| {
        let form = [&[("why", "seen")], more].concat();
        who.send(&format!("/exceptions/{id}/moves"), &form).status
    };
    assert_eq!(send(&op, 1, &[("move", "approve"), ("seen", "1")]), 403);
    assert!(boss.look("/exceptions/1").contains("value=\"approve\""));
    assert_eq!(send(&boss, 1, &[("move", "approve"), ("seen", "9")]), 412);
    assert_eq!(send(&boss, 1, &[("move", "approve"), ("seen", "1")]), 303);
    let page = boss.look("/exceptions/1");
    assert!(
        page.contains(">in-force</span>") && page.contains("boss,"),
        "{page}"
    );
    assert!(op.look("/findings/2").contains(">excepted</span>"));

    // Somebody has looked again; then it is taken back.
    let again = [
        ("move", "recheck"),
        ("seen", "2"),
        ("seen_now", "three of them"),
        ("recheck_ms", "2999-01-31"),
    ];
    assert_eq!(send(&op, 1, &again), 303);
    assert!(op.look("/exceptions/1").contains("three of them"));
    assert_eq!(send(&op, 1, &[("move", "revoke"), ("seen", "3")]), 303);
    let page = op.look("/exceptions/1");
    assert!(page.contains("It does not come back") && !page.contains("class=\"move\""));
    assert!(!op.look("/exceptions").contains("the vendor is gone"));
    let revoked = op.look("/exceptions?standing=revoked");
    assert!(revoked.contains("the vendor is gone") && !revoked.contains("before spring"));
    assert_eq!(op.page("GET /exceptions?standing=lost").status, 400);

    // What became void stands before what waits.
    let by = store::By {
        who: "system",
        why: "it is over",
        now_ms: 1,
    };
    boss.look("/exceptions/2");
    assert_eq!(send(&boss, 2, &[("move", "approve"), ("seen", "1")]), 303);
    api.store
        .change(&by, |it| {
            it.void_exception(2, "nobody has looked again", None)
        })
        .unwrap();
    let viewer = api.somebody("viewer", Role::Viewer);
    let wanted = json!({ "network-isolation": {
        "seen": "no route", "recheck_ms": 31_000_000_000_000_i64,
    } });
    let other = api.somebody("op2", Role::Operator);
    api.done(&other, "POST /exceptions", &terms("a third", &wanted));
    let viewer = Browser::of(&api, &viewer);
    let listed = viewer.look("/exceptions");
    let (void, requested) = (listed.find("<h2>void"), listed.find("<h2>requested"));
    assert!(void.is_some() && void < requested, "{listed}");
    assert!(listed.contains("nobody has looked again"));
    assert!(!viewer.look("/exceptions/3").contains("class=\"move\""));
    assert_eq!(send(&viewer, 3, &[("move", "revoke"), ("seen", "1")]), 403);
}

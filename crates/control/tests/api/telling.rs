//! Subscribers are told of changes.

use std::sync::atomic::Ordering;

use control::Notice;
use ledger::{Role, Subscription};
use serde_json::{Value, json};
use store::Paging;

use crate::due::{begun, until};
use crate::harness::Api;
use crate::listening::{BY, Control};

fn subscribe(control: &Control, id: &str, actions: &[&str]) {
    let subscription = Subscription {
        id: id.to_owned(),
        to: format!("https://{id}.example/"),
        actions: actions.iter().map(|&it| it.to_owned()).collect(),
    };
    control
        .store
        .change(&BY, |it| it.add_subscription(&subscription, "whsec_AAAA"))
        .unwrap();
}

/// What one subscriber was told.
fn told(control: &Control, id: &str) -> Vec<Notice> {
    let told = control.courier.told.lock().unwrap();
    let to = format!("https://{id}.example/");
    let notices = told.iter().filter(|(it, _)| *it == to);
    notices.map(|(_, notice)| notice.clone()).collect()
}

fn actions(notices: &[Notice]) -> Vec<String> {
    let bodies = notices
        .iter()
        .map(|notice| -> Value { serde_json::from_str(&notice.body).unwrap() });
    bodies
        .map(|body| body["type"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_needs_a_decision_is_told_in_its_order_and_again_until_it_is_taken() {
    let (control, _) = begun();
    subscribe(&control, "ops", &[]);
    subscribe(&control, "all", &["rollout.demote", "rollout.promote"]);
    control.courier.refuses.store(1, Ordering::Relaxed);
    control.step("demote");
    until(|| (control.courier.refuses.load(Ordering::Relaxed) == 0).then_some(()));
    // One of both has not taken it, and is not asked again at once.
    until(|| {
        control.clock.fetch_add(3000, Ordering::Relaxed);
        let both = [told(&control, "ops"), told(&control, "all")];
        both.iter().all(|it| !it.is_empty()).then_some(())
    });
    control.step("promote");
    let all = until(|| Some(told(&control, "all")).filter(|it| it.len() == 2));
    assert_eq!(actions(&all), ["rollout.demote", "rollout.promote"]);
    let ops = told(&control, "ops");
    assert_eq!(actions(&ops)[0], "rollout.demote");
    assert!(!actions(&ops).contains(&"rollout.promote".to_owned()));
    assert_eq!(ops[0].id, all[0].id, "whoever gets it twice can tell");
    let body: Value = serde_json::from_str(&ops[0].body).unwrap();
    assert_eq!(body["data"]["subject"], "rollout/1");
    assert_eq!(body["data"]["who"], "op");
    assert!(ops[0].text.contains("rollout/1"), "{}", ops[0].text);
}

#[test]
fn what_nobody_takes_is_given_up_and_the_log_says_so() {
    let (control, _) = begun();
    subscribe(&control, "ops", &["rollout.demote", "rollout.promote"]);
    control.courier.refuses.store(12, Ordering::Relaxed);
    control.step("demote");
    // Each attempt comes a second after the clock allows it.
    for left in [8, 4, 0] {
        until(|| {
            control.clock.fetch_add(10 * 60_000, Ordering::Relaxed);
            (control.courier.refuses.load(Ordering::Relaxed) <= left).then_some(())
        });
    }
    let subject = Some("subscription/ops");
    let log = until(|| {
        let page = control
            .store
            .read(|it| it.audit(subject, Paging::default()));
        Some(page.unwrap().items).filter(|it| it.len() == 2)
    });
    assert_eq!(
        (&*log[0].action, &*log[0].who),
        ("subscription.give-up", "system")
    );
    // What comes later is told.
    control.step("promote");
    let notices = until(|| Some(told(&control, "ops")).filter(|it| !it.is_empty()));
    assert_eq!(actions(&notices), ["rollout.promote"]);
}

#[test]
fn an_ingress_point_that_falls_silent_is_told_of_once() {
    let (control, _) = begun();
    subscribe(&control, "ops", &["gateway.silent"]);
    control.clock.fetch_add(11 * 60_000, Ordering::Relaxed);
    until(|| Some(told(&control, "ops")).filter(|it| it.len() == 1));
    control.clock.fetch_add(60_000, Ordering::Relaxed);
    control.step("demote");
    until(|| {
        let moved = control.store.read(|it| it.rollout(1)).unwrap();
        (moved.value.stage == ledger::rollout::Stage::Shadow).then_some(())
    });
    assert_eq!(told(&control, "ops").len(), 1);
}

#[test]
fn a_way_on_which_nothing_enforces_is_told_of_once_as_long_as_it_lasts() {
    let control = Control::start();
    subscribe(
        &control,
        "ops",
        &["ingress-point.hole", "ingress-point.covered"],
    );
    let side = |upstream: &str| -> ledger::IngressPoint {
        let side = json!({
            "id": "side", "title": "Side", "kind": "haproxy", "environment": "production",
            "applications": [], "listens": ["192.0.2.1:80"], "paths": [
                { "host": "shop.example", "prefix": "/", "upstreams": [upstream] },
            ],
        });
        serde_json::from_value(side).unwrap()
    };
    let later = |count: usize| {
        until(|| {
            control.clock.fetch_add(31_000, Ordering::Relaxed);
            Some(told(&control, "ops")).filter(|it| it.len() >= count)
        })
    };
    control
        .store
        .change(&BY, |it| it.add(&side("10.0.0.1:80")))
        .unwrap();
    assert_eq!(actions(&later(1)), ["ingress-point.hole"]);
    control
        .store
        .change(&BY, |it| it.replace(&side("10.0.0.2:80"), None))
        .unwrap();
    for _ in 0..5 {
        control.later(31_000);
    }
    assert_eq!(told(&control, "ops").len(), 1, "it is the same hole");
}

#[test]
fn administrators_say_who_is_told_and_secrets_are_shown_once() {
    let api = Api::new();
    let admin = api.somebody("root", Role::Admin);
    let hook = json!({ "id": "ops", "to": "https://hooks.example/x", "actions": [] });
    let made = api.done(&admin, "POST /subscriptions", &hook);
    let secret = made.body["secret"].as_str().unwrap();
    assert!(
        secret.starts_with("whsec_") && secret.len() == 50,
        "{secret}"
    );
    assert_eq!(
        api.call(&admin, "POST /subscriptions", &[], &hook).status,
        409
    );
    for read in ["GET /subscriptions", "GET /subscriptions/ops", "GET /audit"] {
        let told = api.done(&admin, read, &Value::Null).body.to_string();
        assert!(told.contains("ops") && !told.contains(secret), "{told}");
    }
    for to in [
        "ftp://x",
        "https:",
        "mailto:",
        "mailto:nobody",
        "https://a b",
        "",
    ] {
        let wrong = json!({ "id": "wrong", "to": to });
        let refused = api.call(&admin, "POST /subscriptions", &[], &wrong);
        assert_eq!(refused.problem().0, 422, "{to}");
    }
    api.done(&admin, "DELETE /subscriptions/ops", &Value::Null);
    assert_eq!(
        api.call(&admin, "GET /subscriptions/ops", &[], &Value::Null)
            .status,
        404
    );
}

//! What happens by itself, as the clock goes and traffic comes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ledger::Environment::Production;
use ledger::probe::{Answer, Probe};
use ledger::rollout::{self, Policy, Rules, Stage};
use ledger::{Advisory, Rollout, Severity, State, Subject, VirtualPatch, exception};
use serde_json::{Value, json};
use store::{Paging, Start};

use crate::listening::{BY, Control, NOW_MS, Point, attestation};

const MINUTE: i64 = 60_000;
/// Longer than any of this takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A control side with an ingress point and a rollout in the canary, which goes on by itself.
pub(crate) fn begun() -> (Control, Point) {
    let control = Control::start();
    let (point, _) = control.joined("edge", "production", 1);
    let advisory = Advisory {
        title: "A flaw".to_owned(),
        ..Advisory::new("CVE-1", Severity::High)
    };
    let (patch, proof) = Control::patch(&["CVE-1"]);
    let rules = Rules {
        automatic_until: Some(Stage::Enforce),
        canary_percent: vec![10],
        minimum_ms: 2 * MINUTE,
        ..Rules::default()
    };
    control
        .store
        .change(&BY, |it| {
            it.add(&advisory)?;
            it.add(&patch)?;
            it.start_rollout("p", &Start::Proven(&proof), Production, rules)
        })
        .unwrap();
    control.promote();
    // Traffic before the step; the counters begin with it.
    tell(&control, &point, 10_000, 10);
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    control.promote();
    assert_eq!(rollout(&control).stage, Stage::Canary);
    control.clock.fetch_add(2 * MINUTE, Ordering::Relaxed);
    (control, point)
}

fn tell(control: &Control, point: &Point, requests: u64, errors: u64) {
    let mut told = attestation(1);
    told["traffic"] = json!([{
        "application": "shop", "hosts": [], "requests": requests, "errors": errors,
        "latency_us": requests * 1000,
    }]);
    let answer = control.signed(point, "POST /attestations", &told);
    assert_eq!(answer.status, 204);
}

fn rollout(control: &Control) -> Rollout {
    control.store.read(|it| it.rollout(1)).unwrap().value
}

/// Waits until it is so.
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "it does not come to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn actions(control: &Control, subject: &str) -> Vec<(String, String)> {
    let log = control
        .store
        .read(|it| it.audit(Some(subject), Paging::default()));
    let entries = log.unwrap().items.into_iter();
    entries.map(|entry| (entry.who, entry.action)).collect()
}

fn system(action: &str) -> (String, String) {
    ("system".to_owned(), action.to_owned())
}

#[test]
fn a_rollout_goes_on_when_its_rules_allow_it_and_shields_findings() {
    let (control, point) = begun();
    let subject = Subject::Application("shop".to_owned());
    let application = json!({
        "id": "shop", "title": "Shop", "environment": "production", "owner": "web",
    });
    assert_eq!(control.asks("POST /applications", &application).status, 201);
    control
        .store
        .change(&BY, |it| it.open_finding("CVE-1", &subject))
        .unwrap();
    tell(&control, &point, 12_000, 12);
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    until(|| (rollout(&control).stage == Stage::Enforce).then_some(()));
    assert_eq!(actions(&control, "rollout/1")[0], system("rollout.promote"));
    let state = |wanted: State| {
        until(|| {
            let found = control.store.read(|it| it.finding(1)).unwrap();
            (found.value.state() == wanted).then_some(())
        });
    };
    state(State::Shielded);
    let back = control.asks("POST /rollouts/1/moves", &json!({ "demote": {} }));
    assert_eq!(back.status, 200);
    state(State::Open);
    assert_eq!(actions(&control, "finding/1")[0], system("finding.expose"));
}

#[test]
fn a_rollout_goes_back_when_more_requests_fail_and_stays_there() {
    let (control, point) = begun();
    tell(&control, &point, 12_000, 400);
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    until(|| (rollout(&control).stage == Stage::Shadow).then_some(()));
    let paused = rollout(&control).paused.unwrap();
    assert!(paused.contains("more requests fail"), "{paused}");
    assert_eq!(actions(&control, "rollout/1")[1], system("rollout.demote"));
}

#[test]
fn hits_must_be_looked_at_and_a_false_positive_leads_back() {
    let (control, point) = begun();
    let now_ms = control.clock.load(Ordering::Relaxed);
    let event = json!({
        "version": 1, "reference": "r", "time_ms": now_ms, "ingress": "edge", "application": "shop",
        "client": "192.0.2.1", "method": "GET", "host": "x", "path": "/", "action": "block",
        "matches": [{
            "patch": "p", "rule": 1, "phase": 1, "target": "ARGS:q", "message": "", "value": "x",
            "enforced": true,
        }],
    });
    let delivered = control.signed(&point, "POST /events", &json!({ "events": [event] }));
    assert_eq!(delivered.json(), json!({ "new": 1 }));
    tell(&control, &point, 12_000, 12);
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    // A debt that is told shows that all was looked at meanwhile.
    control
        .store
        .change(&BY, |it| {
            let mut other = Control::patch(&[]).0;
            other.id = "q".to_owned();
            it.add(&other)?;
            let owed = Start::Owed("exploited", NOW_MS + MINUTE);
            it.start_rollout("q", &owed, Production, Rules::default())
        })
        .unwrap();
    let told = || actions(&control, "rollout/2").contains(&system("rollout.proof-overdue"));
    until(|| told().then_some(()));
    assert_eq!(
        rollout(&control).stage,
        Stage::Canary,
        "a hit was not looked at"
    );
    let moved = |step: Value| control.asks("POST /rollouts/1/moves", &step).status;
    assert_eq!(moved(json!({ "review": {} })), 200);
    until(|| (rollout(&control).stage == Stage::Enforce).then_some(()));
    assert_eq!(moved(json!({ "report": { "reason": "a search" } })), 200);
    until(|| (rollout(&control).stage == Stage::Canary).then_some(()));
    assert!(rollout(&control).paused.is_some());
}

#[test]
fn debts_and_expiries_are_told_once() {
    let control = Control::start();
    let (patch, _) = Control::patch(&[]);
    control
        .store
        .change(&BY, |it| {
            it.add(&patch)?;
            let owed = Start::Owed("exploited", NOW_MS + MINUTE);
            it.start_rollout("p", &owed, Production, Rules::default())
        })
        .unwrap();
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    let told = |subject: &str, action: &str| {
        let told = actions(&control, subject).into_iter();
        told.filter(|entry| *entry == system(action)).count()
    };
    until(|| (told("rollout/1", "rollout.proof-overdue") > 0).then_some(()));
    until(|| (told("patch/p", "patch.expired") > 0).then_some(()));
    assert_eq!(rollout(&control).stage, Stage::Test, "nothing lapses");
    let step = json!({ "pause": { "reason": "x" } });
    assert_eq!(control.asks("POST /rollouts/1/moves", &step).status, 200);
    control.later(MINUTE);
    assert_eq!(told("rollout/1", "rollout.proof-overdue"), 1);
    assert_eq!(told("patch/p", "patch.expired"), 1);
}

/// An exception of the shop's finding, in force while the patch protects it.
fn excepted() -> (Control, Point) {
    let (control, point) = begun();
    let application = json!({
        "id": "shop", "title": "Shop", "environment": "production", "owner": "web",
    });
    assert_eq!(control.asks("POST /applications", &application).status, 201);
    let subject = Subject::Application("shop".to_owned());
    control
        .store
        .change(&BY, |it| {
            let mut patch: VirtualPatch = it.get("p")?.value;
            patch.expires_ms = NOW_MS * 2;
            it.replace(&patch, None)?;
            it.open_finding("CVE-1", &subject)
        })
        .unwrap();
    ask(&control);
    let why = approve(&control, 1).unwrap_err();
    assert!(why.contains("patch p is not enforced at edge"), "{why}");
    control.promote();
    attest(&control, &point);
    approve(&control, 1).unwrap();
    assert_eq!(state(&control), State::Excepted);
    (control, point)
}

fn ask(control: &Control) {
    let terms = json!({
        "about": { "subject": { "application": "shop" } }, "reason": "the vendor is gone",
        "owner": "web", "expires_ms": NOW_MS * 2,
        "protection": { "virtual-patch": { "patch": "p" } },
    });
    assert_eq!(control.asks("POST /exceptions", &terms).status, 201);
}

fn approve(control: &Control, id: i64) -> Result<(), String> {
    let policy = Policy { two_persons: false };
    let now_ms = control.clock.load(Ordering::Relaxed);
    let by = store::By { now_ms, ..BY };
    let approved = control.store.change(&by, |it| {
        it.move_exception(
            id,
            &exception::Move::Approve {},
            policy,
            None,
            |it, about| control::must_protect(it, about, now_ms),
        )
    });
    approved.map(|_| ()).map_err(|why| why.to_string())
}

/// Tells that the newest bundle is enforced, when it is there.
fn attest(control: &Control, point: &Point) {
    let number = until(|| {
        let made = control
            .store
            .read(|it| it.newest_bundle(Production))
            .unwrap()?;
        let enforces = made.content.iter().any(|it| it.stage == Stage::Enforce);
        enforces.then_some(made.number)
    });
    let mut told = attestation(number);
    let digest = Control::patch(&[]).1.digest;
    told["enforced"] = json!([{ "id": "p", "digest": digest, "mode": { "enforce": {} } }]);
    let told = control.signed(point, "POST /attestations", &told);
    assert_eq!(told.status, 204);
}

fn state(control: &Control) -> State {
    control
        .store
        .read(|it| it.finding(1))
        .unwrap()
        .value
        .state()
}

/// Waits until the exception is void, and says why.
fn void(control: &Control) -> String {
    let ended = until(|| {
        let found = control.store.read(|it| it.exception(1)).unwrap().value;
        assert_eq!(
            found.standing() == exception::Standing::Void,
            found.ended.is_some()
        );
        found.ended
    });
    ended.why
}

#[test]
fn an_exception_is_void_when_its_patch_is_not_enforced_any_more_and_comes_back_by_a_decision() {
    let (control, point) = excepted();
    control.step("demote");
    assert_eq!(void(&control), "patch p is not enforced at edge");
    assert_eq!(state(&control), State::Open);
    assert_eq!(
        actions(&control, "exception/1")[0],
        system("exception.void")
    );
    // The protection comes back; the exception does not.
    control.promote();
    attest(&control, &point);
    until(|| (state(&control) == State::Shielded).then_some(()));
    assert!(
        approve(&control, 1)
            .unwrap_err()
            .contains("ask for another")
    );
    ask(&control);
    approve(&control, 2).unwrap();
    assert_eq!(state(&control), State::Excepted);
}

#[test]
fn an_exception_is_void_when_its_patch_has_expired() {
    let (control, _) = excepted();
    control
        .store
        .change(&BY, |it| {
            let mut patch: VirtualPatch = it.get("p")?.value;
            patch.expires_ms = NOW_MS;
            it.replace(&patch, None)
        })
        .unwrap();
    assert_eq!(void(&control), "patch p is past its expiry");
}

#[test]
fn an_exception_is_void_when_a_way_around_its_patch_is_found() {
    let (control, _) = excepted();
    let side = json!({
        "id": "side", "title": "side", "kind": "nginx", "environment": "production",
        "applications": ["shop"], "paths": [{
            "host": "shop.example", "prefix": "/", "application": "shop",
            "upstreams": ["192.0.2.9:80"],
        }],
    });
    assert_eq!(control.asks("POST /ingress-points", &side).status, 201);
    let why = void(&control);
    assert!(why.starts_with("a way of side is open: "), "{why}");
}

#[test]
fn an_exception_outlives_a_moment_and_a_time_without_a_control_side_but_not_silence() {
    let (control, point) = excepted();
    let told = control.signed(&point, "POST /attestations", &attestation(1));
    assert_eq!(told.status, 204);
    let later = |ms: i64| control.later(ms);
    later(MINUTE / 2);
    attest(&control, &point);
    later(2 * MINUTE);
    assert_eq!(state(&control), State::Excepted);
    // Nobody could be told for long; then the ingress point tells of itself again.
    later(11 * MINUTE);
    attest(&control, &point);
    later(2 * MINUTE);
    assert_eq!(state(&control), State::Excepted);
    later(11 * MINUTE);
    assert_eq!(state(&control), State::Excepted);
    control.clock.fetch_add(2 * MINUTE, Ordering::Relaxed);
    assert_eq!(
        void(&control),
        "edge does not tell any more what it enforces"
    );
}

#[test]
fn an_exception_is_void_when_a_probe_went_through() {
    let (control, _) = excepted();
    let sent_ms = control.clock.load(Ordering::Relaxed);
    let probe = Probe {
        ingress: "edge".to_owned(),
        patch: "p".to_owned(),
        digest: Control::patch(&[]).1.digest,
        case: "reads a file".to_owned(),
        method: "GET".to_owned(),
        host: "shop.example".to_owned(),
        path: "/".to_owned(),
        mark: "m".to_owned(),
        sent_ms,
        // The application itself has answered, and no ingress point tells of a match.
        answer: Some(Answer::Status(200)),
        told: None,
    };
    assert!(control.store.begin_probe(&probe, None).unwrap());
    control.later(MINUTE / 2);
    assert_eq!(state(&control), State::Excepted, "it may still be told");
    control.clock.fetch_add(MINUTE, Ordering::Relaxed);
    assert_eq!(void(&control), "a probe of patch p went through edge");
    assert_ne!(state(&control), State::Excepted);
}

#[test]
fn an_exception_is_void_when_what_is_enforced_was_not_proven() {
    let (control, _) = excepted();
    let policy = Policy { two_persons: false };
    control
        .store
        .change(&BY, |it| {
            while it.rollout(1)?.value.stage > Stage::Shadow {
                it.move_rollout(1, &rollout::Move::Demote {}, policy, None)?;
            }
            it.move_rollout(1, &rollout::Move::Retire {}, policy, None)?;
            let owed = Start::Owed("exploited", NOW_MS * 2);
            let started = it.start_rollout("p", &owed, Production, Rules::default())?;
            let step = rollout::Move::Emergency {
                reason: "exploited".to_owned(),
                proof_due_ms: NOW_MS * 2,
            };
            it.move_rollout(started.value.id, &step, policy, None)?;
            Ok(())
        })
        .unwrap();
    assert_eq!(void(&control), "patch p is not proven");
    ask(&control);
    let why = approve(&control, 2).unwrap_err();
    assert!(why.contains("patch p is not proven"), "{why}");
}

#[test]
fn an_exception_ends_when_all_its_findings_are_fixed() {
    let (control, _) = excepted();
    let fix = json!({ "fix": { "version": "2" } });
    assert_eq!(control.asks("POST /findings/1/moves", &fix).status, 200);
    let ended = until(|| {
        let found = control.store.read(|it| it.exception(1)).unwrap().value;
        found.ended
    });
    assert_eq!(
        (ended.revoked, &*ended.why),
        (true, "all its findings are fixed")
    );
    // The virtual patch may go now, and nothing is void by it.
    control.step("demote");
    control.later(MINUTE);
    assert_eq!(
        actions(&control, "exception/1")[0],
        system("exception.revoke")
    );
    let reopen = json!({ "reopen": {} });
    assert_eq!(control.asks("POST /findings/1/moves", &reopen).status, 200);
    assert_eq!(state(&control), State::Open);
}

use ledger::bundle::same;
use ledger::rollout::{Move, Policy, Rules, Stage};
use ledger::{Enrolment, Environment, KeyState};
use store::{Answered, Back, By, Error, Made, Making, Paging, Start, Store};
use wire::{Attestation, Attested, Bundle, BundleMode, PrivateKey, Traffic, Trust};

use crate::backend::{BY, Backend, change};
use crate::sample;

crate::on_both!(
    a_bundle_is_made_when_rollouts_or_keys_change_or_its_time_comes,
    a_bundle_holds_what_ingress_points_can_check,
    an_earlier_bundle_comes_back_under_a_new_number,
    one_rollout_alone_is_rolled_back,
    few_bundles_are_kept_and_none_twice,
    documents_outlive_what_their_patch_becomes,
    a_key_signs_when_every_ingress_point_knows_it,
    a_token_lets_one_key_join_once,
    an_ingress_point_is_where_the_inventory_says,
    what_is_attested_is_kept_and_its_traffic_counted,
    numbers_go_on_above_what_was_seen,
    hits_are_counted_where_ingress_points_are_and_tellings_told_once,
);

const LIFE_MS: i64 = 1_000;
const PRODUCTION: Environment = Environment::Production;

pub(crate) fn key(byte: u8) -> PrivateKey {
    PrivateKey::of(&[byte; 32])
}

pub(crate) fn add_key(store: &Store, byte: u8) {
    let public = key(byte).public();
    change(store, |it| {
        it.add_signing_key(&public.id(), &public.to_string())
    });
}

fn make_at(store: &Store, environment: Environment, seen: u64, now_ms: i64) -> Option<Made> {
    let seal = |signer: &ledger::SigningKey, bundle: &Bundle| {
        let key = [1, 2].map(key).into_iter();
        let mut key = key.filter(|key| key.public().id() == signer.id);
        Ok(bundle.seal(&key.next().unwrap())?)
    };
    let making = Making {
        environment,
        seen,
        life_ms: LIFE_MS,
        seal: &seal,
    };
    let by = By { now_ms, ..BY };
    store.change(&by, |it| it.make_bundle(&making)).unwrap()
}

pub(crate) fn make(store: &Store) -> Option<Made> {
    make_at(store, PRODUCTION, 0, BY.now_ms)
}

fn start(store: &Store, patch: &str) {
    let proof = sample::proof(&sample::patch(patch, &[]));
    change(store, |it| {
        it.start_rollout(patch, &Start::Proven(&proof), PRODUCTION, Rules::default())
    });
}

fn step(store: &Store, id: i64, step: &Move) {
    let policy = Policy { two_persons: false };
    change(store, |it| it.move_rollout(id, step, policy, None));
}

fn opened(store: &Store, byte: u8) -> Bundle {
    let sealed = store.read(|it| it.sealed_bundle(PRODUCTION, 0)).unwrap();
    let trust = Trust {
        environment: "production".to_owned(),
        keys: vec![key(byte).public()],
        number: 0,
    };
    let sealed = sealed.unwrap().1;
    trust.open(sealed.as_bytes(), BY.now_ms).unwrap()
}

/// A key, and the rollout of `p` in shadow.
fn begun(backend: &Backend) -> Store {
    let store = sample::filled(backend);
    add_key(&store, 1);
    start(&store, "p");
    step(&store, 1, &Move::Promote {});
    store
}

fn a_bundle_is_made_when_rollouts_or_keys_change_or_its_time_comes(backend: &Backend) {
    let store = sample::filled(backend);
    let none = |_: &ledger::SigningKey, _: &Bundle| Ok(Vec::new());
    let making = Making {
        environment: PRODUCTION,
        seen: 0,
        life_ms: LIFE_MS,
        seal: &none,
    };
    let unsigned = store.change(&BY, |it| it.make_bundle(&making)).unwrap_err();
    assert!(unsigned.to_string().contains("key"), "{unsigned}");
    add_key(&store, 1);
    let first = make(&store).unwrap();
    assert!(first.content.is_empty(), "an empty one tells of the key");
    assert_eq!(make(&store), None);
    start(&store, "p");
    assert_eq!(make(&store), None, "nothing comes into production yet");
    assert!(make_at(&store, Environment::Test, 0, BY.now_ms).is_some());
    step(&store, 1, &Move::Promote {});
    let second = make(&store).unwrap();
    assert_eq!(second.content[0].stage, Stage::Shadow);
    add_key(&store, 2);
    let third = make(&store).unwrap();
    assert_eq!(third.keys.len(), 2);
    let half = BY.now_ms + LIFE_MS / 2;
    assert_eq!(make_at(&store, PRODUCTION, 0, half - 1), None);
    let renewed = make_at(&store, PRODUCTION, 0, half).unwrap();
    assert_eq!(renewed.expires_ms, half + LIFE_MS);
    let numbers = [first, second, third, renewed].map(|made| made.number);
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let log = store.read(|it| it.audit(Some("bundle/production"), Paging::default()));
    assert_eq!(log.unwrap().items.len(), 4);
}

fn a_bundle_holds_what_ingress_points_can_check(backend: &Backend) {
    let store = begun(backend);
    make(&store).unwrap();
    let bundle = opened(&store, 1);
    let patch = &bundle.patches[0];
    let told = (patch.id.as_str(), patch.digest.clone(), patch.mode);
    let digest = sample::patch("p", &[]).digest();
    assert_eq!(told, ("p", digest, BundleMode::Shadow {}));
    step(&store, 1, &Move::Promote {});
    make(&store).unwrap();
    let mode = opened(&store, 1).patches[0].mode;
    assert_eq!(mode, BundleMode::Canary { percent: 5 });
}

fn an_earlier_bundle_comes_back_under_a_new_number(backend: &Backend) {
    let store = begun(backend);
    let none = store.change(&BY, |it| it.roll_back(Back::Environment(PRODUCTION)));
    assert!(none.unwrap_err().is_refused());
    let shadow = make(&store).unwrap();
    step(&store, 1, &Move::Promote {});
    let canary = make(&store).unwrap();
    let back = || change(&store, |it| it.roll_back(Back::Environment(PRODUCTION)));
    let changed = back();
    assert_eq!(changed[0].value.stage, Stage::Shadow);
    assert!(changed[0].value.paused.is_some());
    let again = make(&store).unwrap();
    assert!(same(&again.content, &shadow.content));
    assert!(again.number > canary.number);
    let log = store.read(|it| it.audit(Some("rollout/1"), Paging::default()));
    assert_eq!(log.unwrap().items[0].action, "rollout.roll-back");
    // Once more takes that back.
    assert_eq!(back()[0].value.stage, Stage::Canary);
}

fn one_rollout_alone_is_rolled_back(backend: &Backend) {
    let store = begun(backend);
    change(&store, |it| it.add(&sample::patch("q", &["CVE-1"])));
    start(&store, "q");
    step(&store, 2, &Move::Promote {});
    make(&store).unwrap();
    for id in [1, 2] {
        step(&store, id, &Move::Promote {});
    }
    make(&store).unwrap();
    let changed = change(&store, |it| it.roll_back(Back::Rollout(2)));
    let changed: Vec<_> = changed.iter().map(|it| it.value.id).collect();
    assert_eq!(changed, [2]);
    let made = make(&store).unwrap();
    let stages: Vec<_> = made.content.iter().map(|entry| entry.stage).collect();
    assert_eq!(stages, [Stage::Canary, Stage::Shadow]);
}

fn few_bundles_are_kept_and_none_twice(backend: &Backend) {
    let store = begun(backend);
    for turn in 0..30 {
        let step_ = match turn % 2 {
            0 => Move::Promote {},
            _ => Move::Demote {},
        };
        make(&store).unwrap();
        make_at(&store, PRODUCTION, 0, BY.now_ms + LIFE_MS).unwrap();
        step(&store, 1, &step_);
    }
    let kept = store.read(|it| it.bundles(PRODUCTION)).unwrap();
    assert_eq!(kept.len(), 20);
    assert!(
        kept.windows(2)
            .all(|two| !same(&two[0].content, &two[1].content))
    );
}

fn documents_outlive_what_their_patch_becomes(backend: &Backend) {
    let store = begun(backend);
    let before = sample::patch("p", &["CVE-1"]);
    let mut patch = before.clone();
    patch.document.push_str("# other\n");
    change(&store, |it| it.replace(&patch, None));
    let wanted = ["0".repeat(64), before.digest(), patch.digest()];
    let found = store.read(|it| it.documents(&wanted, 1)).unwrap();
    assert_eq!(found, [before.document]);
}

fn join(store: &Store, ingress: &str, key: &PrivateKey) -> Result<(), Error> {
    let key = key.public().to_string();
    let joined = store.change(&BY, |it| it.enrol(ingress, &key, "0.1.0"));
    joined.map(|_| ())
}

pub(crate) fn admit(store: &Store, ingress: &str) -> Result<(), Error> {
    let enrolment = Enrolment {
        ingress: ingress.to_owned(),
        environment: PRODUCTION,
        expires_ms: BY.now_ms + 1,
        used_ms: None,
    };
    let added = store.change(&BY, |it| it.add_enrolment(&enrolment, "hash"));
    added.map(|_| ())
}

pub(crate) fn attestation(bundle: u64, requests: u64) -> Attestation {
    Attestation {
        version: 1,
        time_ms: 1,
        bundle,
        enforced: Vec::new(),
        refused: None,
        traffic: vec![Traffic {
            application: "shop".to_owned(),
            hosts: Vec::new(),
            requests,
            errors: requests / 10,
            latency_us: requests * 1000,
        }],
        events_waiting: 0,
        events_lost: 0,
    }
}

fn a_key_signs_when_every_ingress_point_knows_it(backend: &Backend) {
    let store = begun(backend);
    for ingress in ["edge", "away"] {
        admit(&store, ingress).unwrap();
        join(&store, ingress, &key(9)).unwrap();
    }
    let before = make(&store).unwrap().number;
    add_key(&store, 2);
    let third = key(3).public();
    let early = store.change(&BY, |it| {
        it.add_signing_key(&third.id(), &third.to_string())
    });
    assert!(early.unwrap_err().is_refused());
    let naming = make(&store).unwrap().number;
    assert_eq!(opened(&store, 1).keys.len(), 2);
    for (edge, away) in [(before, naming), (naming, before)] {
        for (ingress, bundle) in [("edge", edge), ("away", away)] {
            store.attest(ingress, attestation(bundle, 0), 1).unwrap();
        }
        assert_eq!(change(&store, |it| it.settle_keys()), None);
    }
    // Whoever never comes back is put out.
    let stale = store.change(&BY, |it| it.revoke_gateway("away", Some(99)));
    assert!(stale.unwrap_err().is_changed());
    change(&store, |it| it.revoke_gateway("away", None));
    let gone = change(&store, |it| it.settle_keys());
    assert_eq!(gone, Some(key(1).public().id()));
    let keys = store.read(|it| it.signing_keys()).unwrap();
    assert_eq!((keys.len(), keys[0].state), (1, KeyState::Signs));
    make(&store).unwrap();
    assert_eq!(opened(&store, 2).keys, [key(2).public()]);
}

fn a_token_lets_one_key_join_once(backend: &Backend) {
    let store = sample::filled(backend);
    assert!(join(&store, "edge", &key(1)).unwrap_err().is_missing());
    admit(&store, "edge").unwrap();
    join(&store, "edge", &key(1)).unwrap();
    join(&store, "edge", &key(1)).unwrap();
    let other = join(&store, "edge", &key(2)).unwrap_err();
    assert!(other.to_string().contains("was used"), "{other}");
    change(&store, |it| it.revoke_gateway("edge", None));
    assert!(join(&store, "edge", &key(1)).is_err(), "it was put out");
    admit(&store, "edge").unwrap();
    let late = By {
        now_ms: BY.now_ms + 1,
        ..BY
    };
    let late = store.change(&late, |it| it.enrol("edge", "k", "0.1.0"));
    assert!(late.unwrap_err().to_string().contains("has ended"));
    join(&store, "edge", &key(2)).unwrap();
    let seen = store.read(|it| it.gateway("edge")).unwrap().value;
    assert_eq!(seen.gateway.key, key(2).public().to_string());
    assert_eq!(seen.gateway.revoked_ms, None);
}

fn an_ingress_point_is_where_the_inventory_says(backend: &Backend) {
    let store = sample::filled(backend);
    let test = |ingress: &str| Enrolment {
        ingress: ingress.to_owned(),
        environment: Environment::Test,
        expires_ms: BY.now_ms + 1,
        used_ms: None,
    };
    let other = store.change(&BY, |it| it.add_enrolment(&test("edge"), "hash"));
    assert!(other.unwrap_err().to_string().contains("production"));
    change(&store, |it| it.add_enrolment(&test("new"), "hash"));
    let added = store.read(|it| it.get::<ledger::IngressPoint>("new"));
    assert_eq!(added.unwrap().value.environment, Environment::Test);
}

fn what_is_attested_is_kept_and_its_traffic_counted(backend: &Backend) {
    const MINUTE: i64 = 60_000;
    let store = begun(backend);
    let number = make(&store).unwrap().number;
    let nobody = store.attest("edge", attestation(number, 5), 1);
    assert!(nobody.unwrap_err().is_missing());
    admit(&store, "edge").unwrap();
    join(&store, "edge", &key(9)).unwrap();
    assert_eq!(
        store.read(|it| it.gateway("edge")).unwrap().value.report,
        None
    );
    // The last began to count anew.
    for (minute, requests) in [(1, 100), (2, 250), (3, 30)] {
        let told = attestation(number, requests);
        store.attest("edge", told, minute * MINUTE + 5).unwrap();
    }
    let seen = store.read(|it| it.gateways(Paging::default())).unwrap();
    let seen = &seen.items[0].value;
    assert_eq!(seen.seen_ms, Some(3 * MINUTE + 5));
    let report = seen.report.as_ref().unwrap();
    assert_eq!(report.attestation.bundle, number);
    assert_eq!(report.differing, ["p"], "it enforces nothing");
    let answered = |from, to| {
        let of = (from * MINUTE, to * MINUTE);
        store.read(|it| it.answered(PRODUCTION, of)).unwrap()
    };
    let all = Answered {
        requests: 280,
        errors: 28,
        latency_us: 280_000,
    };
    assert_eq!(answered(0, 9), all);
    assert_eq!(answered(2, 3).requests, 150);
    let minutes = store.read(|it| it.answered_by_minute(PRODUCTION, (0, 9 * MINUTE)));
    let minutes = minutes.unwrap().into_iter();
    let minutes: Vec<_> = minutes
        .map(|(at, each)| (at / MINUTE, each.requests))
        .collect();
    assert_eq!(minutes, [(1, 100), (2, 150), (3, 30)]);
    let mut told = attestation(number, 30);
    told.enforced = vec![Attested {
        id: "p".to_owned(),
        digest: sample::patch("p", &[]).digest(),
        mode: BundleMode::Shadow {},
    }];
    store.attest("edge", told, 4 * MINUTE).unwrap();
    let seen = store.read(|it| it.gateway("edge")).unwrap().value;
    assert!(seen.report.unwrap().differing.is_empty());
}

fn numbers_go_on_above_what_was_seen(backend: &Backend) {
    let store = begun(backend);
    let number = make(&store).unwrap().number;
    let make_at = |seen, life_ms, now_ms| {
        let seal = |_: &ledger::SigningKey, bundle: &Bundle| Ok(bundle.seal(&key(1))?);
        let making = Making {
            environment: PRODUCTION,
            seen,
            life_ms,
            seal: &seal,
        };
        let by = By { now_ms, ..BY };
        store.change(&by, |it| it.make_bundle(&making)).unwrap()
    };
    let later = BY.now_ms + 60_000;
    let renewed = make_at(0, 900_000, later).unwrap();
    assert_eq!(renewed.number, number + 1);
    let seen = number + 500;
    assert_eq!(make_at(seen, 900_000, later + 59_999), None, "not at once");
    let after = make_at(seen, 900_000, later + 60_000).unwrap();
    assert_eq!(after.number, seen + 1);
    let absurd = make_at(u64::MAX, 900_000, later + 180_000);
    assert_eq!(absurd, None, "whoever lies does not use up the numbers");
}

fn hits_are_counted_where_ingress_points_are_and_tellings_told_once(backend: &Backend) {
    let store = begun(backend);
    admit(&store, "edge").unwrap();
    join(&store, "edge", &key(9)).unwrap();
    let events = [
        sample::event(5, "a", Some("p")),
        sample::event(9, "b", Some("p")),
    ];
    store.deliver(&events).unwrap();
    let hits = |environment, since| store.read(|it| it.hits("p", environment, since)).unwrap();
    assert_eq!((hits(PRODUCTION, 0), hits(PRODUCTION, 6)), (2, 1));
    assert_eq!(hits(Environment::Test, 0), 0);
    let live = store.read(|it| it.live_rollouts()).unwrap();
    assert_eq!((live.len(), live[0].value.id), (1, 1));
    let deployed = store.read(|it| it.deployed_patches()).unwrap();
    assert_eq!(deployed[0].id, "p");
    let ever = store.read(|it| it.production_patches()).unwrap();
    assert!(ever.contains("p"));
    let telling = |since_ms| ledger::due::Telling {
        action: "patch.expired",
        since_ms,
        why: "it is past its expiry",
    };
    for _ in 0..2 {
        change(&store, |it| it.tell(&telling(BY.now_ms), "patch/p"));
    }
    let told = |action: &str| {
        let log = store.read(|it| it.audit(Some("patch/p"), Paging::default()));
        let entries = log.unwrap().items.into_iter();
        entries.filter(|entry| entry.action == action).count()
    };
    assert_eq!(told("patch.expired"), 1);
    change(&store, |it| it.tell(&telling(BY.now_ms + 1), "patch/p"));
    assert_eq!(told("patch.expired"), 2, "that was another time");
}

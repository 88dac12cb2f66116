//! What ingress points and the control side say to each other, over the network.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control::{Courier, Delivering, Keys, Limits, Notice, Secret, Service, serve};
use ledger::rollout::{Move, Policy, Rules};
use ledger::{Environment, Proof, Role, Token, VirtualPatch};
use serde_json::{Value, json};
use store::{By, Location, Start, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wire::{CallSignature, PrivateKey, SignedCall, Trust};

pub(crate) const NOW_MS: i64 = 1_800_000_000_000;
pub(crate) const BY: By<'static> = By {
    who: "op",
    why: "a test",
    now_ms: NOW_MS,
};

/// A control side that listens, with a clock of its own.
pub(crate) struct Control {
    address: SocketAddr,
    pub(crate) store: Arc<Store>,
    keys: Keys,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) courier: Arc<Recorder>,
    operator: String,
    stop: Option<oneshot::Sender<()>>,
    _runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

/// Takes notices, after it has refused so many.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) refuses: AtomicU32,
    pub(crate) told: Mutex<Vec<(String, Notice)>>,
}

impl Courier for Recorder {
    fn deliver<'a>(&'a self, to: &'a str, notice: &'a Notice) -> Delivering<'a> {
        let refuses = self
            .refuses
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        let outcome = match refuses {
            Ok(_) => Err("not now".to_owned()),
            Err(_) => {
                let mut told = self.told.lock().unwrap();
                told.push((to.to_owned(), notice.clone()));
                Ok(())
            }
        };
        Box::pin(std::future::ready(outcome))
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn refused(&self, status: u16, why: &str) {
        let detail = self.json()["detail"].to_string();
        assert!(
            self.status == status && detail.contains(why),
            "{} {detail}",
            self.status
        );
    }
}

/// An ingress point, as far as its calls go.
#[derive(Clone)]
pub(crate) struct Point {
    name: String,
    key: Arc<PrivateKey>,
}

impl Control {
    pub(crate) fn start() -> Self {
        Self::polled(5_000)
    }

    /// Bundles are waited for so long.
    fn polled(poll_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::folder(folder.path());
        let store = Arc::new(Store::open(&location, store::Limits::default()).unwrap());
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        keys.ready(&store, NOW_MS).unwrap();
        let clock = Arc::new(AtomicI64::new(NOW_MS));
        let limits = Limits {
            poll_ms,
            ..Limits::default()
        };
        let told = Arc::clone(&clock);
        let service = Service::new(
            Arc::clone(&store),
            Policy { two_persons: false },
            keys.clone(),
            Arc::new(move || told.load(Ordering::Relaxed)),
            limits,
        );
        let courier = Arc::<Recorder>::default();
        let service = service.with_courier(Arc::clone(&courier) as Arc<dyn Courier>);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stops) = oneshot::channel::<()>();
        runtime.spawn(serve(listener, service, async move {
            let _ = stops.await;
        }));
        let secret = Secret::new("op").unwrap();
        let token = Token {
            id: "op".to_owned(),
            who: "op".to_owned(),
            role: Role::Operator,
            areas: Vec::new(),
            expires_ms: i64::MAX,
            revoked_ms: None,
        };
        store
            .change(&BY, |it| it.add_token(&token, &secret.hash()))
            .unwrap();
        Self {
            address,
            store,
            keys,
            clock,
            courier,
            operator: secret.text(),
            stop: Some(stop),
            _runtime: runtime,
            folder,
        }
    }

    fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .unwrap();
        let head = str::from_utf8(&answer[..end]).unwrap();
        let chunked = head.contains("chunked");
        assert!(!chunked, "{head}");
        Answer {
            status: head[9..12].parse().unwrap(),
            body: answer[end + 4..].to_vec(),
        }
    }

    /// A call of an operator.
    pub(crate) fn asks(&self, call: &str, body: &Value) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let bearer = format!("Bearer {}", self.operator);
        let headers = [
            ("authorization", bearer.as_str()),
            ("stopgap-why", "a test"),
        ];
        let body = body.to_string();
        self.send(method, &format!("/api/v1{path}"), &headers, body.as_bytes())
    }

    fn admit(&self, ingress: &str, environment: &str) -> String {
        let wanted = json!({
            "ingress": ingress, "environment": environment, "expires_ms": NOW_MS + 60_000,
        });
        let made = self.asks("POST /enrolments", &wanted);
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["secret"].as_str().unwrap().to_owned()
    }

    fn enrol(&self, secret: &str, key: &PrivateKey) -> Answer {
        let body = json!({ "version": 1, "key": key.public(), "program": "0.1.0" });
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str())];
        let body = body.to_string();
        self.send("POST", "/api/v1/fleet/enrol", &headers, body.as_bytes())
    }

    pub(crate) fn joined(&self, ingress: &str, environment: &str, byte: u8) -> (Point, Trust) {
        let key = PrivateKey::of(&[byte; 32]);
        let answer = self.enrol(&self.admit(ingress, environment), &key);
        assert_eq!(answer.status, 200);
        let told = answer.json();
        assert_eq!(told["ingress"], ingress);
        let point = Point {
            name: ingress.to_owned(),
            key: Arc::new(key),
        };
        let trust = Trust {
            environment: told["environment"].as_str().unwrap().to_owned(),
            keys: serde_json::from_value(told["keys"].clone()).unwrap(),
            number: 0,
        };
        (point, trust)
    }

    fn now_s(&self) -> i64 {
        self.clock.load(Ordering::Relaxed) / 1000
    }

    pub(crate) fn signed(&self, point: &Point, call: &str, body: &Value) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let target = format!("/api/v1/fleet{path}");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let call = SignedCall {
            method,
            target: &target,
            body: body.as_bytes(),
        };
        let signature = call.sign(&point.name, &point.key, self.now_s());
        self.with(&signature, &call)
    }

    fn with(&self, signature: &CallSignature, call: &SignedCall<'_>) -> Answer {
        let headers = [
            ("content-digest", signature.content_digest.as_str()),
            ("signature-input", signature.input.as_str()),
            ("signature", signature.signature.as_str()),
        ];
        self.send(call.method, call.target, &headers, call.body)
    }

    /// The newest bundle that it does not have, however long it takes to be there.
    fn bundle(&self, point: &Point, trust: &Trust) -> wire::Bundle {
        for _ in 0..100 {
            let call = format!("GET /bundle?after={}", trust.number);
            let answer = self.signed(point, &call, &Value::Null);
            if answer.status == 200 {
                let now_ms = self.clock.load(Ordering::Relaxed);
                return trust.open(&answer.body, now_ms).unwrap();
            }
            assert_eq!(answer.status, 304);
        }
        unreachable!("no bundle comes")
    }

    /// A patch for some advisories, past its expiry, and its proof.
    pub(crate) fn patch(advisories: &[&str]) -> (VirtualPatch, Proof) {
        let document = "stopgap: 1\n".to_owned();
        let proof = Proof {
            digest: ledger::sha256(document.as_bytes()),
            objections: Vec::new(),
            proven_ms: NOW_MS,
        };
        let patch = serde_json::from_value(json!({
            "id": "p", "title": "P", "advisories": advisories, "owner": "web",
            "reason": "third-party", "expires_ms": 1, "fix": { "link": "release 2" },
            "document": document,
        }));
        (patch.unwrap(), proof)
    }

    /// A patch and its rollout, in shadow.
    fn roll_out(&self) {
        let (patch, proof) = Self::patch(&[]);
        self.store
            .change(&BY, |it| {
                it.add(&patch)?;
                let start = Start::Proven(&proof);
                it.start_rollout("p", &start, Environment::Production, Rules::default())
            })
            .unwrap();
        self.promote();
    }

    /// What an ingress point trusts that has taken bundles until the patch was in shadow.
    fn in_shadow(&self, point: &Point, mut trust: Trust) -> Trust {
        loop {
            let bundle = self.bundle(point, &trust);
            trust = trust.after(&bundle);
            if !bundle.patches.is_empty() {
                return trust;
            }
        }
    }

    pub(crate) fn promote(&self) {
        self.step("promote");
    }

    /// Moves the first rollout.
    pub(crate) fn step(&self, step: &str) {
        let step = json!({ step: {} });
        assert_eq!(self.asks("POST /rollouts/1/moves", &step).status, 200);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

pub(crate) fn attestation(bundle: u64) -> Value {
    json!({
        "version": 1, "time_ms": NOW_MS, "bundle": bundle, "enforced": [], "traffic": [],
        "events_waiting": 0, "events_lost": 0,
    })
}

#[test]
fn an_ingress_point_joins_takes_bundles_and_tells_what_it_does() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let first = control.bundle(&point, &trust);
    assert!(first.patches.is_empty());
    let trust = trust.after(&first);
    control.roll_out();
    let second = control.bundle(&point, &trust);
    let digest = second.patches[0].digest.clone();
    let wanted = json!({ "digests": [digest, "0".repeat(64)] });
    let documents = control.signed(&point, "POST /documents", &wanted);
    assert_eq!(documents.json(), json!(["stopgap: 1\n"]));
    let told = control.signed(&point, "POST /attestations", &attestation(second.number));
    assert_eq!((told.status, told.body.len()), (204, 0));
    let shown = control.asks("GET /gateways/edge", &Value::Null).json();
    let shown = &shown["value"];
    assert_eq!(shown["attestation"]["bundle"], second.number);
    assert_eq!(shown["differing"], json!(["p"]));
    assert_eq!(shown["seen_ms"], NOW_MS);
    let event = json!({
        "version": 1, "reference": "r", "time_ms": 1, "ingress": "another", "application": "shop",
        "client": "192.0.2.1", "method": "GET", "host": "x", "path": "/", "action": "block",
    });
    for new in [1, 0] {
        let events = json!({ "events": [event] });
        let delivered = control.signed(&point, "POST /events", &events);
        assert_eq!(delivered.json(), json!({ "new": new }));
    }
    let kept = control
        .store
        .read(|it| it.events(store::EventFilter::All, store::Paging::default()));
    assert_eq!(
        kept.unwrap().items[0].ingress,
        "edge",
        "not in another's name"
    );
}

#[test]
fn a_bundle_comes_as_soon_as_something_has_changed() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    control.roll_out();
    let shadow = control.in_shadow(&point, trust);
    let bundle = std::thread::scope(|scope| {
        let call = format!("GET /bundle?after={}", shadow.number);
        let (control, point) = (&control, &point);
        let waits = scope.spawn(move || control.signed(point, &call, &Value::Null));
        std::thread::sleep(Duration::from_millis(50));
        control.promote();
        waits.join().unwrap()
    });
    assert_eq!(bundle.status, 200, "the call that waited is answered");
    let bundle = shadow.open(&bundle.body, NOW_MS).unwrap();
    let mode = bundle.patches[0].mode;
    assert_eq!(mode, wire::BundleMode::Canary { percent: 5 });
}

#[test]
fn whoever_has_the_newest_bundle_is_told_so_after_a_while() {
    let control = Control::polled(50);
    let (point, trust) = control.joined("edge", "production", 1);
    let number = control.bundle(&point, &trust).number;
    let call = format!("GET /bundle?after={number}");
    assert_eq!(control.signed(&point, &call, &Value::Null).status, 304);
}

#[test]
fn what_another_process_changes_is_given_out_too() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    control.roll_out();
    let trust = trust.after(&control.bundle(&point, &trust));
    let other = Store::open(
        &Location::folder(control.folder.path()),
        store::Limits::default(),
    )
    .unwrap();
    let policy = Policy { two_persons: false };
    other
        .change(&BY, |it| {
            it.move_rollout(1, &Move::Promote {}, policy, None)
        })
        .unwrap();
    let bundle = control.bundle(&point, &trust);
    assert_eq!(
        bundle.patches[0].mode,
        wire::BundleMode::Canary { percent: 5 }
    );
}

#[test]
fn an_operator_rolls_back_by_one_call() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    let (lab, of_lab) = control.joined("lab", "test", 2);
    assert!(control.bundle(&lab, &of_lab).patches.is_empty());
    control.roll_out();
    let shadow = control.bundle(&point, &trust);
    control.promote();
    let canary = control.bundle(&point, &trust.after(&shadow));
    let back = control.asks("POST /rollback", &json!({ "environment": "production" }));
    let back = back.json();
    assert_eq!(back["rollouts"][0]["value"]["stage"], "shadow");
    let again = control.bundle(&point, &trust.after(&canary));
    assert_eq!(again.patches, shadow.patches);
    assert!(again.number > canary.number);
    let kept = control.asks("GET /bundles", &Value::Null).json();
    assert_eq!(kept["items"][0]["number"], again.number);
    let nothing = control.asks("POST /rollback", &json!({ "environment": "test" }));
    nothing.refused(422, "in production");
}

#[test]
fn calls_that_are_not_signed_as_they_are_are_refused() {
    let control = Control::start();
    let (point, _) = control.joined("edge", "production", 1);
    let target = "/api/v1/fleet/attestations";
    let body = attestation(1).to_string();
    let call = SignedCall {
        method: "POST",
        target,
        body: body.as_bytes(),
    };
    let sign = |name: &str, key: &PrivateKey, now_s| call.sign(name, key, now_s);
    let now_s = control.now_s();
    let good = sign("edge", &point.key, now_s);
    control
        .send("POST", target, &[], body.as_bytes())
        .refused(401, "must be signed");
    let other = attestation(2).to_string();
    let other_body = SignedCall {
        body: other.as_bytes(),
        ..call
    };
    control
        .with(&good, &other_body)
        .refused(401, "the body is not the one");
    let elsewhere = SignedCall {
        target: "/api/v1/fleet/events",
        ..call
    };
    control
        .with(&good, &elsewhere)
        .refused(401, "has not signed");
    for off in [-301, 301] {
        let off = sign("edge", &point.key, now_s + off);
        control.with(&off, &call).refused(401, "set the clock");
    }
    let stranger = PrivateKey::of(&[9; 32]);
    let of_another = sign("edge", &stranger, now_s);
    control
        .with(&of_another, &call)
        .refused(401, "has not signed");
    let nobody = sign("nobody", &point.key, now_s);
    control.with(&nobody, &call).refused(401, "nobody");
    assert_eq!(control.with(&good, &call).status, 204);
    assert_eq!(
        control.asks("DELETE /gateways/edge", &Value::Null).status,
        200
    );
    control.with(&good, &call).refused(401, "put out");
    let bundle = control.signed(&point, "GET /bundle?after=0", &Value::Null);
    bundle.refused(401, "put out");
}

#[test]
fn whoever_is_put_out_while_waiting_gets_no_bundle() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let number = control.bundle(&point, &trust).number;
    let answer = std::thread::scope(|scope| {
        let call = format!("GET /bundle?after={number}");
        let control = &control;
        let waits = scope.spawn(move || control.signed(&point, &call, &Value::Null));
        std::thread::sleep(Duration::from_millis(50));
        control
            .store
            .change(&BY, |it| it.revoke_gateway("edge"))
            .unwrap();
        control.roll_out();
        waits.join().unwrap()
    });
    answer.refused(401, "put out");
}

#[test]
fn a_token_of_an_enrolment_counts_once_and_in_its_time() {
    let control = Control::start();
    let key = |byte: u8| PrivateKey::of(&[byte; 32]);
    let token = control.admit("edge", "production");
    let forged = format!("{}{}", &token[..token.len() - 43], "A".repeat(43));
    control.enrol(&forged, &key(1)).refused(401, "token");
    control
        .enrol(&control.operator, &key(1))
        .refused(401, "token");
    assert_eq!(control.enrol(&token, &key(1)).status, 200);
    assert_eq!(
        control.enrol(&token, &key(1)).status,
        200,
        "its answer may have been lost"
    );
    control.enrol(&token, &key(2)).refused(422, "was used");
    let unused = control.admit("late", "production");
    let replaced = control.admit("late", "production");
    control.enrol(&unused, &key(3)).refused(401, "token");
    control.clock.store(NOW_MS + 60_000, Ordering::Relaxed);
    control.enrol(&replaced, &key(3)).refused(422, "has ended");
    let elsewhere = json!({ "ingress": "edge", "environment": "test", "expires_ms": i64::MAX });
    control
        .asks("POST /enrolments", &elsewhere)
        .refused(422, "in the environment production");
}

#[test]
fn each_environment_has_its_own_bundles() {
    let control = Control::start();
    let (point, trust) = control.joined("lab", "test", 1);
    let (_, production) = control.joined("edge", "production", 2);
    control.bundle(&point, &trust);
    let call = "GET /bundle?after=0";
    let bundle = control.signed(&point, call, &Value::Null);
    let refused = production.open(&bundle.body, NOW_MS).unwrap_err();
    assert_eq!(refused.name(), "other-environment");
}

#[test]
fn keys_are_rotated_while_bundles_go_on() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let trust = trust.after(&control.bundle(&point, &trust));
    let before = trust.keys[0].clone();
    let mode = |id: &str| {
        let path = control.folder.path().join("keys").join(format!("{id}.key"));
        std::fs::metadata(path).map(|found| found.permissions().mode() & 0o777)
    };
    assert_eq!(mode(&before.id()).unwrap(), 0o600);
    let next = control.keys.make().unwrap();
    control
        .store
        .change(&BY, |it| it.add_signing_key(&next.id(), &next.to_string()))
        .unwrap();
    let naming = control.bundle(&point, &trust);
    assert_eq!(naming.keys, [before.clone(), next.clone()]);
    let trust = trust.after(&naming);
    control.signed(&point, "POST /attestations", &attestation(naming.number));
    let by_next = control.bundle(&point, &trust);
    assert_eq!(by_next.keys, [next]);
    assert!(mode(&before.id()).is_err(), "it is of no use any more");
}

#[test]
fn a_bundle_is_renewed_before_its_time_is_over() {
    let control = Control::start();
    let (point, trust) = control.joined("edge", "production", 1);
    let first = control.bundle(&point, &trust);
    let half = first.made_ms + (first.expires_ms - first.made_ms) / 2;
    control.clock.store(half, Ordering::Relaxed);
    let renewed = control.bundle(&point, &trust.after(&first));
    assert_eq!(renewed.made_ms, half);
}

#[test]
fn what_is_too_much_for_one_call_is_refused() {
    let control = Control::start();
    let (point, _) = control.joined("edge", "production", 1);
    let digests = vec!["0".repeat(64); wire::Wanted::MOST + 1];
    let wanted = json!({ "digests": digests });
    control
        .signed(&point, "POST /documents", &wanted)
        .refused(400, "too many");
    let mut later = attestation(1);
    later["version"] = 2.into();
    control
        .signed(&point, "POST /attestations", &later)
        .refused(400, "upgrade");
    control
        .signed(&point, "GET /bundle?after=x", &Value::Null)
        .refused(400, "after=NUMBER");
}

//! A control side that listens, and ingress points that call it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control::{Courier, Delivering, Keys, Limits, Notice, Secret, Service, serve};
use ledger::rollout::{Policy, Rules};
use ledger::{Environment, Proof, Role, Token, VirtualPatch};
use serde_json::{Value, json};
use store::{By, Location, Start, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use wire::{CallSignature, PrivateKey, SignedCall, Trust};

use crate::due::until;

pub(crate) const NOW_MS: i64 = 1_800_000_000_000;
pub(crate) const BY: By<'static> = By {
    who: "op",
    why: "a test",
    now_ms: NOW_MS,
};

/// A control side that listens, with a clock of its own.
pub(crate) struct Control {
    address: SocketAddr,
    admin: SocketAddr,
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) courier: Arc<Recorder>,
    pub(crate) operator: String,
    stop: Option<oneshot::Sender<()>>,
    _runtime: tokio::runtime::Runtime,
    pub(crate) folder: tempfile::TempDir,
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
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn refused(&self, status: u16, why: &str) {
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
    pub(crate) key: Arc<PrivateKey>,
}

impl Control {
    pub(crate) fn start() -> Self {
        Self::polled(5_000)
    }

    /// Bundles are waited for so long.
    pub(crate) fn polled(poll_ms: u64) -> Self {
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
        let admin = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let admin_address = admin.local_addr().unwrap();
        let service = service.with_admin(admin);
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
            admin: admin_address,
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

    /// The clock goes on, and all that is due then is done.
    pub(crate) fn later(&self, ms: i64) {
        let now_ms = self.clock.fetch_add(ms, Ordering::Relaxed) + ms;
        until(|| {
            let told = self.send_to(self.admin, "GET", "/metrics", &[], b"");
            let told = String::from_utf8(told.body).unwrap();
            let mut lines = told.lines();
            let lag = lines.find_map(|it| it.strip_prefix("stopgap_due_lag_seconds "));
            // The clock stands meanwhile: no lag means done at this very time.
            (lag.unwrap().parse::<f64>().unwrap() <= 0.0).then_some(())
        });
        assert_eq!(self.clock.load(Ordering::Relaxed), now_ms);
    }

    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.send_to(self.address, method, target, headers, body)
    }

    fn send_to(
        &self,
        address: SocketAddr,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = TcpStream::connect(address).unwrap();
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

    pub(crate) fn admit(&self, ingress: &str, environment: &str) -> String {
        let wanted = json!({
            "ingress": ingress, "environment": environment, "expires_ms": NOW_MS + 60_000,
        });
        let made = self.asks("POST /enrolments", &wanted);
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["secret"].as_str().unwrap().to_owned()
    }

    pub(crate) fn enrol(&self, secret: &str, key: &PrivateKey) -> Answer {
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

    pub(crate) fn now_s(&self) -> i64 {
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

    pub(crate) fn with(&self, signature: &CallSignature, call: &SignedCall<'_>) -> Answer {
        let headers = [
            ("content-digest", signature.content_digest.as_str()),
            ("signature-input", signature.input.as_str()),
            ("signature", signature.signature.as_str()),
        ];
        self.send(call.method, call.target, &headers, call.body)
    }

    /// The newest bundle that it does not have, however long it takes to be there.
    pub(crate) fn bundle(&self, point: &Point, trust: &Trust) -> wire::Bundle {
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
    pub(crate) fn roll_out(&self) {
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
    pub(crate) fn in_shadow(&self, point: &Point, mut trust: Trust) -> Trust {
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

//! A thousand ingress points that speak the real protocol over loopback wait for a bundle: how long
//! after the approval of an emergency, and after a rollback, does each have it, and what memory and time
//! of processors does the control side take meanwhile? And how many events a second does its ledger
//! take? `cargo bench -p control`; `cargo bench -p control -- 500` for as many ingress points.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use control::{Keys, Limits, Secret, Service, serve};
use ledger::rollout::{Policy, Rules};
use ledger::{Enrolment, Environment, Role, Token, VirtualPatch};
use serde_json::{Value, json};
use store::{By, Location, Start, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::{PrivateKey, SignedCall};

/// Ingress points, unless another number is said.
const POINTS: usize = 1000;
/// Patches that are enforced before.
const PATCHES: usize = 1000;
const SERVER: &str = "STOPGAP_BENCH_LEDGER";

fn main() {
    if let Some(folder) = std::env::var_os(SERVER) {
        return control_side(Path::new(&folder));
    }
    let points = std::env::args().find_map(|it| it.parse().ok());
    let points = points.unwrap_or(POINTS);
    let folder = tempfile::tempdir().unwrap();
    let secret = fill(folder.path(), points);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(SERVER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut address).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(address.trim(), &secret, &child, points));
    child.kill().unwrap();
    child.wait().unwrap();
    events();
}

/// Events that one ingress point delivers, as many at once as fit into a call.
fn events() {
    const CALLS: usize = 20;
    const EVENTS: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::folder(folder.path()), store::Limits::default()).unwrap();
    let event: wire::Event = serde_json::from_value(json!({
        "version": 1, "reference": "", "time_ms": 1, "ingress": "edge", "application": "shop",
        "client": "192.0.2.1", "method": "GET", "host": "shop.example", "path": "/search?q=1",
        "action": "block", "status": 403, "matches": [{
            "patch": "p-1", "rule": 1, "phase": 2, "target": "ARGS:q", "message": "sql injection",
            "value": "1 union select", "severity": 2, "enforced": true,
        }],
    }))
    .unwrap();
    let began = Instant::now();
    for call in 0..CALLS {
        let events: Vec<_> = (0..EVENTS)
            .map(|at| wire::Event {
                reference: format!("{call}-{at}"),
                ..event.clone()
            })
            .collect();
        assert_eq!(store.deliver(&events).unwrap(), EVENTS);
    }
    let took = began.elapsed().as_millis().max(1);
    let a_second = (CALLS * EVENTS) as u128 * 1000 / took;
    println!("events: {a_second} a second into SQLite");
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn control_side(folder: &Path) {
    let store = Store::open(&Location::folder(folder), store::Limits::default()).unwrap();
    let store = Arc::new(store);
    let keys = Keys::open(&folder.join("keys")).unwrap();
    keys.ready(&store, now_ms()).unwrap();
    let policy = Policy { two_persons: false };
    let clock = Arc::new(now_ms);
    let service = Service::new(store, policy, keys, clock, Limits::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        serve(listener, service, std::future::pending())
            .await
            .unwrap();
    });
}

fn key(point: usize) -> PrivateKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&point.to_be_bytes());
    PrivateKey::of(&bytes)
}

/// The fleet, the patches, and an operator's token.
fn fill(folder: &Path, points: usize) -> String {
    let store = Store::open(&Location::folder(folder), store::Limits::default()).unwrap();
    let by = By {
        who: "bench",
        why: "a bench",
        now_ms: now_ms(),
    };
    let secret = Secret::new("op").unwrap();
    let token = Token {
        id: "op".to_owned(),
        who: "op".to_owned(),
        role: Role::Operator,
        areas: Vec::new(),
        expires_ms: i64::MAX,
        revoked_ms: None,
    };
    let filled = store.change(&by, |it| {
        it.add_token(&token, &secret.hash())?;
        for point in 0..points {
            let id = format!("edge-{point}");
            let enrolment = Enrolment {
                ingress: id.clone(),
                environment: Environment::Production,
                expires_ms: i64::MAX,
                used_ms: None,
            };
            it.add_enrolment(&enrolment, "hash")?;
            it.enrol(&id, &key(point).public().to_string(), "0.1.0")?;
        }
        for number in 0..=PATCHES {
            let patch: VirtualPatch = serde_json::from_value(json!({
                "id": format!("p-{number}"), "title": "P", "advisories": [], "owner": "web",
                "reason": "third-party", "expires_ms": i64::MAX, "fix": { "link": "release 2" },
                "document": format!("stopgap: 1\nid: p-{number}\n"),
            }))?;
            it.add(&patch)?;
            let owed = Start::Owed("exploited", i64::MAX);
            let to = Environment::Production;
            let id = it.start_rollout(&patch.id, &owed, to, Rules::default())?;
            // The last one is the emergency.
            if number < PATCHES {
                let step = ledger::rollout::Move::Emergency {
                    reason: "exploited".to_owned(),
                    proof_due_ms: i64::MAX,
                };
                let policy = Policy { two_persons: false };
                it.move_rollout(id.value.id, &step, policy, None)?;
            }
        }
        Ok(())
    });
    filled.unwrap();
    secret.text()
}

/// A connection that is kept, as gateways keep theirs.
struct Line(TcpStream);

impl Line {
    async fn to(address: &str) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// The status and the body.
    async fn call(&mut self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let head = format!("{head}host: x\r\ncontent-length: {}\r\n\r\n", body.len());
        let request = [head.as_bytes(), body].concat();
        self.0.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        loop {
            assert!(self.0.read_buf(&mut answer).await.unwrap() > 0);
            let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
                continue;
            };
            let head = str::from_utf8(&answer[..end]).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
            if answer.len() >= end + 4 + length {
                let status = head[9..12].parse().unwrap();
                return (status, answer.split_off(end + 4));
            }
        }
    }

    async fn bundle(&mut self, point: usize, after: u64) -> Option<Vec<u8>> {
        let target = format!("/api/v1/fleet/bundle?after={after}");
        let call = SignedCall {
            method: "GET",
            target: &target,
            body: b"",
        };
        let name = format!("edge-{point}");
        let signed = call.sign(&name, &key(point), now_ms() / 1000);
        let head = format!(
            "GET {target} HTTP/1.1\r\ncontent-digest: {}\r\nsignature-input: {}\r\nsignature: {}\r\n",
            signed.content_digest, signed.input, signed.signature
        );
        let (status, body) = self.call(&head, b"").await;
        assert!([200, 304].contains(&status), "{status}");
        (status == 200).then_some(body)
    }
}

fn number(sealed: &[u8]) -> u64 {
    use base64::Engine as _;
    let envelope: Value = serde_json::from_slice(sealed).unwrap();
    let payload = base64::engine::general_purpose::STANDARD
        .decode(envelope["payload"].as_str().unwrap())
        .unwrap();
    let bundle: Value = serde_json::from_slice(&payload).unwrap();
    bundle["number"].as_u64().unwrap()
}

async fn measure(address: &str, secret: &str, child: &Child, points: usize) {
    let mut operator = Line::to(address).await;
    // The first bundle is made when the control side starts.
    let mut lines = Vec::new();
    let mut newest = 0;
    for point in 0..points {
        let mut line = Line::to(address).await;
        let sealed = line.bundle(point, 0).await.unwrap();
        newest = number(&sealed);
        lines.push((point, line));
    }
    let emergency = PATCHES + 1;
    let step = json!({ "emergency": { "reason": "exploited", "proof_due_ms": i64::MAX } });
    for (what, path, body) in [
        (
            "an emergency",
            format!("/api/v1/rollouts/{emergency}/moves"),
            step,
        ),
        (
            "a rollback",
            "/api/v1/rollback".to_owned(),
            json!({ "environment": "production" }),
        ),
    ] {
        let waits: Vec<_> = lines
            .drain(..)
            .map(|(point, mut line)| {
                tokio::spawn(async move {
                    loop {
                        if let Some(sealed) = line.bundle(point, newest).await {
                            return (Instant::now(), sealed, point, line);
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let memory = memory_kb(child.id());
        let busy = busy_ms(child.id());
        let head = format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer {secret}\r\nstopgap-why: bench\r\n"
        );
        let asked = Instant::now();
        let (status, answer) = operator.call(&head, body.to_string().as_bytes()).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let mut took = Vec::new();
        let mut bytes = 0;
        for wait in waits {
            let (there, sealed, point, line) = wait.await.unwrap();
            took.push(there.saturating_duration_since(asked));
            bytes = sealed.len();
            lines.push((point, line));
            newest = newest.max(number(&sealed));
        }
        took.sort();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_millis();
        println!(
            "{what}: a bundle of {bytes} bytes with {points} waiting: half of them have it after {} ms, 99 of 100 after {} ms, all after {} ms; control has {} MB before, {} MB after, and took {} ms of a processor",
            at(50),
            at(99),
            at(100),
            memory / 1024,
            memory_kb(child.id()) / 1024,
            busy_ms(child.id()) - busy
        );
    }
}

fn memory_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What it has had of processors, in milliseconds; the kernel counts in hundredths of a second.
fn busy_ms(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let times = fields.split(' ').skip(11).take(2);
    times.map(|time| time.parse::<u64>().unwrap() * 10).sum()
}

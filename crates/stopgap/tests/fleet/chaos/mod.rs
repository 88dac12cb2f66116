//! Whatever is killed or has a full disk, and whenever: no plan is enforced that nobody asked for, nothing that was
//! acknowledged is lost, no request is dropped, and whatever was refused can be done again.
//!
//! `STOPGAP_CHAOS_ROLLOUTS` says how many rollouts that takes; more than by default for a night.

mod client;
mod database;
mod relay;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::now_ms;
use crate::site::{get, traversal};
use crate::{Point, Started};
use client::Client;
use database::Database;
use relay::Relay;

/// Rollouts of each run, if nothing else is said.
const ROLLOUTS: usize = 25;
/// Longer than an ingress point takes to hear of a change, with everything restarting meanwhile.
const SETTLES: Duration = Duration::from_secs(60);
/// As many patches may enforce; the oldest is taken back for the next.
const LIVE: usize = 8;

/// What is known of a patch's place at the ingress point.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// It is stopped, and stays so.
    Stopped,
    /// It passes, and does so until somebody asks for something else.
    Passes,
    /// Somebody has asked for a change.
    Moving,
}

struct World {
    database: Database,
    client: Client,
    relay: Relay,
    point: Point,
    /// None while it is dead.
    gateway: Mutex<Option<Started>>,
    known: Mutex<BTreeMap<usize, Known>>,
    over: AtomicBool,
    asked: AtomicUsize,
}

#[test]
fn a_ledger_in_a_file_survives_whatever_is_killed() {
    World::new(Database::file(), 1).run();
}

#[test]
fn a_ledger_in_postgresql_survives_whatever_is_killed() {
    World::new(Database::postgresql(), 2).run();
}

impl World {
    fn new(database: Database, seed: u64) -> Self {
        let client = database.client();
        let enrolment = json!({
            "ingress": "edge-1", "environment": "production", "expires_ms": now_ms() + 60_000,
        });
        let made = client.done("POST /enrolments", "enrol", &enrolment);
        let relay = Relay::start(database.address(), seed);
        let url = format!("http://{}", relay.address);
        let token = made["secret"].as_str().unwrap();
        let point = Point::on(Some(database.disk()), &url, token, &[]);
        Self {
            gateway: Mutex::new(Some(point.start())),
            database,
            client,
            relay,
            point,
            known: Mutex::default(),
            over: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        }
    }

    fn run(self) {
        let rollouts = std::env::var("STOPGAP_CHAOS_ROLLOUTS");
        let rollouts = rollouts.map_or(ROLLOUTS, |text| text.parse().unwrap());
        std::thread::scope(|scope| {
            let mut others = vec![scope.spawn(|| self.kill())];
            others.extend((0..2).map(|_| scope.spawn(|| self.ask(rollouts))));
            let over = Over(&self.over);
            for number in 0..rollouts {
                self.roll_out(number);
                if let Some(oldest) = number.checked_sub(LIVE) {
                    self.take_back(oldest);
                }
            }
            drop(over);
            for other in others {
                other.join().unwrap();
            }
        });
        assert!(self.asked.load(Ordering::Relaxed) > rollouts);
        assert!(self.client.refused_for_room() > 0);
        self.nothing_is_lost(rollouts);
    }

    /// One patch, step by step, until it is enforced.
    fn roll_out(&self, number: usize) {
        let id = id(number);
        self.known.lock().unwrap().insert(number, Known::Moving);
        let document = document(number);
        let patch = json!({
            "id": id, "title": "Traversal", "advisories": [], "owner": "web", "reason": "third-party",
            "expires_ms": now_ms() + 1_000_000_000, "fix": { "link": "release 2" }, "document": document,
        });
        self.client
            .done("POST /patches", &format!("{id}-patch"), &patch);
        let proof = json!({ "digest": crate::peer::digest(&document), "proven_ms": now_ms() });
        let begin = json!({
            "patch": id, "environment": "production", "evidence": { "proof": proof }, "rules": rules(),
        });
        let started = self
            .client
            .done("POST /rollouts", &format!("{id}-start"), &begin);
        let rollout = started["value"]["id"].as_i64().unwrap();
        let (mut stage, mut step) = (Value::Null, 0);
        while stage != "enforce" {
            let call = format!("POST /rollouts/{rollout}/moves");
            let moved = self
                .client
                .done(&call, &format!("{id}-{step}"), &json!({ "promote": {} }));
            stage = moved["value"]["stage"].clone();
            step += 1;
        }
        self.settles(number, true);
    }

    /// Back, step by step, until it stops nobody.
    fn take_back(&self, number: usize) {
        self.known.lock().unwrap().insert(number, Known::Moving);
        let id = id(number);
        let found = self.client.read(&format!("/rollouts?patch={id}"));
        let rollout = found["items"][0]["value"]["id"].as_i64().unwrap();
        let (mut stage, mut step) = (Value::Null, 0);
        while stage != "shadow" {
            let call = format!("POST /rollouts/{rollout}/moves");
            let key = format!("{id}-back-{step}");
            let moved = self.client.done(&call, &key, &json!({ "demote": {} }));
            stage = moved["value"]["stage"].clone();
            step += 1;
        }
        self.settles(number, false);
    }

    /// Waits until the ingress point does what the ledger says; from then on nothing else is right.
    fn settles(&self, number: usize, stopped: bool) {
        let begun = Instant::now();
        while self.stops(&attack(number)) != Some(stopped) {
            assert!(
                begun.elapsed() < SETTLES,
                "{} does not become {stopped}",
                id(number)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let known = if stopped {
            Known::Stopped
        } else {
            Known::Passes
        };
        self.known.lock().unwrap().insert(number, known);
    }

    /// None: there is no gateway at the moment.
    fn stops(&self, target: &str) -> Option<bool> {
        // While it is asked nobody kills it.
        let gateway = self.gateway.lock().unwrap();
        let answer = get(gateway.as_ref()?.address, target);
        let stopped = answer.starts_with("HTTP/1.1 403");
        assert!(stopped || answer.starts_with("HTTP/1.1 200"), "{answer}");
        Some(stopped)
    }

    /// Clients: what is known is what they see.
    fn ask(&self, rollouts: usize) {
        for round in 0.. {
            if self.over.load(Ordering::Relaxed) || round > 20_000 {
                break;
            }
            let number = round % rollouts;
            let known = || self.known.lock().unwrap().get(&number).copied();
            let before = known();
            let seen = self.stops(&attack(number));
            let expected = match before {
                None | Some(Known::Passes) => Some(false),
                Some(Known::Stopped) => Some(true),
                Some(Known::Moving) => None,
            };
            if let (Some(seen), Some(expected)) = (seen, expected)
                && known() == before
            {
                assert_eq!(seen, expected, "{} {}", id(number), self.told());
                self.asked.fetch_add(1, Ordering::Relaxed);
            }
            let benign = self.stops(&format!("/k{number}/site.css"));
            assert_ne!(benign, Some(true), "a request that no patch is about");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills one after the other, at moments that nobody chooses.
    fn kill(&self) {
        let mut chance = self.relay.chance();
        // At least once, whatever chance says.
        self.fill(true);
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50 + chance.below(600)));
            match chance.below(6) {
                0 => self.database.kill_control(),
                1 => self.database.kill(),
                2 => self
                    .database
                    .jump(if chance.below(2) == 0 { "+2h" } else { "-3h" }),
                3 => self.relay.cut(),
                4 => {
                    let restarts = chance.below(2) == 0;
                    self.fill(restarts);
                }
                _ => self.kill_gateway(),
            }
        }
    }

    fn fill(&self, gateway_restarts: bool) {
        self.database.fill(&self.client, || {
            if gateway_restarts {
                self.kill_gateway();
            }
        });
    }

    fn kill_gateway(&self) {
        let mut gateway = self.gateway.lock().unwrap();
        if let Some(gateway) = gateway.take() {
            gateway.kill();
        }
        *gateway = Some(self.point.start());
    }

    fn told(&self) -> String {
        let gateway = self.gateway.lock().unwrap();
        let admin: Option<SocketAddr> = gateway.as_ref().map(|gateway| gateway.admin);
        admin.map_or_else(String::new, |admin| get(admin, "/metrics"))
    }

    /// What was acknowledged is in the ledger, and its log holds.
    fn nothing_is_lost(&self, rollouts: usize) {
        for number in 0..rollouts {
            let found = self.client.read(&format!("/rollouts?patch={}", id(number)));
            let items = found["items"].as_array().unwrap();
            assert_eq!(items.len(), 1, "{found}");
            let back = number + LIVE < rollouts;
            let stage = if back { "shadow" } else { "enforce" };
            assert_eq!(items[0]["value"]["stage"], stage);
        }
        for (what, id) in self.client.acknowledged() {
            let found = self.client.read(&format!("/{what}/{id}"));
            assert!(!found["value"].is_null(), "{what} {id}: {found}");
        }
        let verified = self.client.read("/audit/verification");
        assert_eq!(verified["holds"], true, "{verified}");
    }
}

/// Says that it is over, also when the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nobody but this test moves a rollout: on a busy machine answers take longer, and one would go back by itself.
fn rules() -> Value {
    json!({
        "canary_percent": [5, 25, 50], "minimum_ms": 0, "minimum_requests": 0, "review_hits": false,
        "guard_requests": 1_000_000_000, "error_increase_permille": 1000,
        "latency_increase_percent": 100_000, "false_positives": 0,
    })
}

fn id(number: usize) -> String {
    format!("CHAOS-{number}")
}

fn document(number: usize) -> String {
    traversal()
        .replace("CVE-2024-23334", &id(number))
        .replace("/static/", &format!("/k{number}/"))
}

fn attack(number: usize) -> String {
    format!("/k{number}/..%2f..%2fetc/passwd")
}

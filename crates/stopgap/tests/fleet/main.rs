//! `stopgap gateway --control`: an ingress point of a fleet, as a process of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod chaos;
#[path = "../support/cluster.rs"]
mod cluster;
mod coverage;
#[path = "../support/disk.rs"]
mod disk;
mod ledger;
mod peer;
mod probed;
#[path = "../ingress/proxies.rs"]
#[expect(
    dead_code,
    reason = "no probe goes by HTTP/2, and none to a gateway of ours here"
)]
mod proxies;
mod refused;
#[path = "../support/control.rs"]
mod side;
#[path = "../support/site.rs"]
mod site;
mod spool;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use disk::Disk;
use peer::{Peer, TOKEN, bundle, sealed, signer};
use site::{ATTACK, application, becomes, get, traversal};
use support::{PATIENCE, Running};
use wire::BundleMode;

pub(crate) const ID: &str = "CVE-2024-23334";
pub(crate) const ENFORCE: BundleMode = BundleMode::Enforce {};
const SHADOW: BundleMode = BundleMode::Shadow {};

/// An ingress point that has enrolled, with an application behind it.
pub(crate) struct Point {
    folder: tempfile::TempDir,
    /// Where it keeps what it must not lose; none: beside everything else.
    disk: Option<Arc<Disk>>,
    upstream: SocketAddr,
    control: Vec<String>,
}

/// It, running.
pub(crate) struct Started {
    pub(crate) gateway: Running,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

pub(crate) fn enrol(url: &str, token: &str, state: &Path, more: &[String]) -> Output {
    enrolled(program(), url, token, state, more)
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stopgap"))
}

/// By this command, which becomes the program.
fn enrolled(mut by: Command, url: &str, token: &str, state: &Path, more: &[String]) -> Output {
    by.args(["gateway", "enrol", "--control", url, "--token", token])
        .arg("--state")
        .arg(state)
        .args(more)
        .output()
        .unwrap()
}

impl Point {
    pub(crate) fn enrolled(peer: &Peer) -> Self {
        Self::of(&peer.url(), TOKEN, &[])
    }

    pub(crate) fn of(url: &str, token: &str, more: &[String]) -> Self {
        Self::on(None, url, token, more)
    }

    pub(crate) fn on(disk: Option<Arc<Disk>>, url: &str, token: &str, more: &[String]) -> Self {
        let mut control = vec!["--control".to_owned(), url.to_owned()];
        control.extend_from_slice(more);
        let point = Self {
            folder: tempfile::tempdir().unwrap(),
            disk,
            upstream: application(),
            control,
        };
        let output = enrolled(point.program(), url, token, &point.state(), more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        point
    }

    pub(crate) fn state(&self) -> PathBuf {
        let disk = self.disk.as_deref().map(Disk::path);
        disk.unwrap_or(self.folder.path()).join("state")
    }

    fn program(&self) -> Command {
        let command = |disk: &Arc<Disk>| disk.command(env!("CARGO_BIN_EXE_stopgap"));
        self.disk.as_ref().map_or_else(program, command)
    }

    pub(crate) fn start(&self) -> Started {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[&str]) -> Started {
        let (state, upstream) = (self.state(), format!("http://{}", self.upstream));
        let mut arguments = vec!["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        arguments.extend(["--upstream", &upstream, "--state", state.to_str().unwrap()]);
        arguments.extend(self.control.iter().map(String::as_str));
        arguments.extend(more);
        let gateway = Running::started(self.program(), &arguments);
        Started {
            address: gateway.address("listening on "),
            admin: gateway.address("health and metrics on http://"),
            gateway,
        }
    }
}

impl Started {
    pub(crate) fn stops(&self, target: &str) -> bool {
        let answer = get(self.address, target);
        assert!(answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 200"));
        answer.starts_with("HTTP/1.1 403")
    }

    pub(crate) fn counts(&self, line: &str) -> bool {
        get(self.admin, "/metrics").lines().any(|each| each == line)
    }

    pub(crate) fn kill(mut self) {
        self.gateway.signal("-KILL");
        self.gateway.child.wait().unwrap();
        peer::forget_polls();
    }
}

/// The peer has the traversal patch; its bundle of this number, in this mode.
pub(crate) fn of_traversal(peer: &Peer, number: u64, mode: BundleMode) -> Vec<u8> {
    let digest = peer.document(&traversal());
    sealed(&bundle(number, &[(ID, &digest, mode)]))
}

#[test]
fn a_bundle_is_enforced_attested_and_taken_back() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    assert!(!started.stops(ATTACK), "there is no bundle yet");
    peer.offer(of_traversal(&peer, 1, ENFORCE));
    let attested = peer.attests(1);
    assert!(started.stops(ATTACK) && !started.stops("/static/site.css"));
    let enforced = &attested.enforced[0];
    assert_eq!((enforced.id.as_str(), enforced.mode), (ID, ENFORCE));
    assert_eq!(enforced.digest, peer::digest(&traversal()));
    assert!(started.counts("stopgap_bundle_number 1"));
    assert!(started.counts("stopgap_bundle_stale 0"));

    // Only recorded; then nothing at all: what it has, it asks for once.
    peer.offer(of_traversal(&peer, 2, SHADOW));
    peer.attests(2);
    assert!(!started.stops(ATTACK));
    assert!(started.counts(&format!(
        "stopgap_decisions_total{{patch=\"{ID}\",action=\"shadow\"}} 1"
    )));
    peer.offer(sealed(&bundle(3, &[])));
    peer.attests(3);
    assert!(!started.stops(ATTACK));
    peer.offer(of_traversal(&peer, 4, ENFORCE));
    peer.attests(4);
    assert!(started.stops(ATTACK));
    assert_eq!(peer.state().asked_for_documents, 1);

    // What applications answered is attested beside.
    let traffic = peer.until("traffic is attested", |state| {
        let last = state.attested.last()?.traffic.first()?.clone();
        (last.requests > 0).then_some(last)
    });
    assert_eq!(
        (traffic.application.as_str(), traffic.errors),
        ("default", 0)
    );
}

#[test]
fn what_was_enforced_last_is_enforced_while_the_control_side_is_away() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    peer.offer(of_traversal(&peer, 1, ENFORCE));
    peer.attests(1);
    peer.state().away = true;
    assert!(started.stops(ATTACK) && !started.stops("/static/site.css"));
    started.kill();

    // At start, before anything is asked.
    let started = point.start();
    assert!(started.stops(ATTACK) && !started.stops("/static/site.css"));
    started.gateway.told("what is enforced stays as it is");
    assert!(started.stops(ATTACK));

    // And back.
    peer.offer(sealed(&bundle(2, &[])));
    peer.state().away = false;
    peer.attests(2);
    assert!(!started.stops(ATTACK));
}

#[test]
fn a_gateway_that_is_killed_anywhere_has_a_whole_bundle_afterwards() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    peer.offer(of_traversal(&peer, 1, ENFORCE));
    peer.attests(1);

    // Between two documents: half of the next bundle is on disk, none of it in use.
    let other = traversal().replace(ID, "CVE-2");
    let digests = [peer.document(&traversal()), peer.document(&other)];
    let third = peer.document(&traversal().replace(ID, "CVE-3"));
    let next = bundle(
        2,
        &[("CVE-2", &digests[1], ENFORCE), ("CVE-3", &third, SHADOW)],
    );
    {
        let mut state = peer.state();
        state.at_once = 1;
        state.hangs_after = Some(state.asked_for_documents + 1);
    }
    peer.offer(sealed(&next));
    let hangs = peer.state().hangs_after.unwrap();
    peer.until("a document is asked for", |state| {
        (state.asked_for_documents > hangs).then_some(())
    });
    started.kill();
    let started = point.start();
    assert!(started.stops(ATTACK) && started.counts("stopgap_bundle_number 1"));
    peer.state().hangs_after = None;
    peer.offer(sealed(&next));
    peer.attests(2);
    assert!(started.stops(ATTACK));
    started.kill();

    // Anywhere else: the bundle in use is one that was offered, and all of it.
    let mut newest = 2;
    for round in 0..5 {
        let started = point.start();
        newest += 1;
        let enforced = newest % 2 == 1;
        peer.offer(match enforced {
            true => of_traversal(&peer, newest, ENFORCE),
            false => sealed(&bundle(newest, &[])),
        });
        std::thread::sleep(Duration::from_millis(15 * round));
        started.kill();
        peer.state().offers.clear();
        let started = point.start();
        let metrics = get(started.admin, "/metrics");
        let line = metrics
            .lines()
            .find(|line| line.starts_with("stopgap_bundle_number "));
        let number: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(number >= 2 && number <= newest, "{number} {newest}");
        assert_eq!(
            started.stops(ATTACK),
            number == 2 || number % 2 == 1,
            "{number}"
        );
        started.kill();
    }
}

#[test]
fn keys_are_rotated_by_bundles_that_name_the_next() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    let digest = peer.document(&traversal());
    let named = |number, keys: &[u8], by: u8| {
        let mut bundle = bundle(number, &[(ID, &digest, ENFORCE)]);
        bundle.keys = keys.iter().map(|key| signer(*key).public()).collect();
        bundle.seal(&signer(by)).unwrap()
    };
    peer.offer(named(1, &[1, 2], 1));
    peer.attests(1);
    peer.offer(named(2, &[2], 2));
    peer.attests(2);
    let after = peer.state().attested.len();
    peer.offer(named(3, &[1], 1));
    let attested = peer.refuses("not-signed", after);
    assert_eq!(attested.bundle, 2);
    // Also after a restart.
    started.kill();
    let started = point.start();
    peer.offer(named(4, &[1], 1));
    started.gateway.told("no trusted key has signed the bundle");
    peer.offer(named(4, &[2], 2));
    peer.attests(4);
}

#[test]
fn a_bundle_that_is_past_its_time_stays_in_use_and_is_told() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    let digest = peer.document(&traversal());
    let mut short = bundle(1, &[(ID, &digest, ENFORCE)]);
    short.expires_ms = peer::now_ms() + 1_500;
    peer.offer(sealed(&short));
    peer.attests(1);
    let end = Instant::now() + PATIENCE;
    while !started.counts("stopgap_bundle_stale 1") {
        assert!(Instant::now() < end, "it is never past its time");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(peer::now_ms() >= short.expires_ms, "it is told too early");
    assert!(started.stops(ATTACK));
    started.kill();
    let started = point.start();
    started
        .gateway
        .told("bundle 1 is past its time and stays in use");
    assert!(started.stops(ATTACK) && started.counts("stopgap_bundle_stale 1"));
}

#[test]
fn bundles_are_taken_under_load_and_no_request_is_dropped() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) && asked.load(Ordering::Relaxed) < 800 {
                    let answer = get(started.address, "/static/site.css");
                    assert!(
                        answer.ends_with("GET /static/site.css HTTP/1.1"),
                        "{answer}"
                    );
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=12 {
            let mode = [ENFORCE, SHADOW][(number % 2) as usize];
            peer.offer(of_traversal(&peer, number, mode));
            peer.attests(number);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 12);
    assert!(started.stops(ATTACK));
}

#[test]
fn a_canary_stops_the_same_share_of_the_clients_and_records_the_others() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let file = point.folder.path().join("gateway.toml");
    let text = format!(
        "admin = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         [events]\nfile = \"events.jsonl\"\n\
         [control]\nurl = \"{}\"\nstate = \"state\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [[application]]\nname = \"a\"\nupstreams = [\"http://{}\"]\n",
        peer.url(),
        point.upstream
    );
    std::fs::write(&file, text).unwrap();
    let gateway = Running::start(&["--config", file.to_str().unwrap()]);
    let address = gateway.address("listening on ");
    let stopped = || -> Vec<bool> {
        let clients = (0..100).map(|at| {
            let header = format!("x\r\nX-Forwarded-For: 198.51.100.{at}");
            site::ask(address, ATTACK, &header).starts_with("HTTP/1.1 403")
        });
        clients.collect()
    };
    peer.offer(of_traversal(&peer, 1, BundleMode::Canary { percent: 30 }));
    peer.attests(1);
    let few = stopped();
    let count = few.iter().filter(|stopped| **stopped).count();
    assert!((13..48).contains(&count), "{count}");
    assert_eq!(stopped(), few, "the same clients");
    peer.offer(of_traversal(&peer, 2, BundleMode::Canary { percent: 60 }));
    peer.attests(2);
    let more = stopped();
    assert!(few.iter().zip(&more).all(|(few, more)| *more || !few));
    assert!(more.iter().filter(|stopped| **stopped).count() > count);

    // Whom it did not stop is told too, as not enforced.
    let told = peer.until("all are told", |state| {
        (state.events.len() == 300).then_some(state.events.len())
    });
    assert_eq!(told, 300);
    drop(gateway);
    let text = std::fs::read_to_string(point.folder.path().join("events.jsonl")).unwrap();
    let enforced = text
        .lines()
        .filter(|line| line.contains("\"enforced\":true"));
    let stopped = 2 * count + more.iter().filter(|stopped| **stopped).count();
    assert_eq!(enforced.count(), stopped);
}

#[test]
fn enrolment_and_addresses_are_refused_with_what_to_do() {
    let peer = Peer::start();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let says = |output: Output, words: &str| {
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && said.contains(words),
            "{said}"
        );
    };
    says(enrol(&peer.url(), "other", &state, &[]), "no such token");
    let gateway = |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
        command.args([
            "gateway",
            "--upstream",
            "http://127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
        ]);
        command.args(["--control", url, "--state"]).arg(&state);
        command.output().unwrap()
    };
    says(gateway(&peer.url()), "run `stopgap gateway enrol --control");
    says(gateway("http://control.example"), "by https:// alone");
    says(
        gateway("https://control.example/api"),
        "says more than where the control side is",
    );
    // The key that was made is the one that joins.
    let key = std::fs::read(state.join("key")).unwrap();
    assert!(enrol(&peer.url(), TOKEN, &state, &[]).status.success());
    assert_eq!(std::fs::read(state.join("key")).unwrap(), key);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(state.join("key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    says(
        enrol(&peer.url(), TOKEN, &state, &[]),
        "is enrolled already, as edge-1",
    );

    // One folder, one gateway; a damaged folder is told, not passed over.
    let arguments = [
        "--upstream",
        "http://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
    ];
    let (url, place) = (peer.url(), state.to_str().unwrap());
    let running =
        Running::start(&[&arguments[..], &["--control", &url, "--state", place]].concat());
    running.told("listening on ");
    says(gateway(&url), "is in use by another gateway");
    drop(running);
    std::fs::write(state.join("enforced.json"), "{\"version\":1,").unwrap();
    says(gateway(&url), "enforced.json is damaged");
}

#[test]
fn the_control_side_is_reached_by_tls_and_must_show_a_certificate_that_is_trusted() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.unwrap())
        .unwrap();
    let peer = Peer::encrypted(config);
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, certified.cert.pem()).unwrap();
    let url = format!("https://localhost:{}", peer.address.port());
    let output = enrol(&url, TOKEN, &folder.path().join("other"), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("certificate"),
        "{said}"
    );

    let more = [
        "--control-ca".to_owned(),
        authority.to_str().unwrap().to_owned(),
    ];
    let point = Point::of(&url, TOKEN, &more);
    let started = point.start();
    peer.offer(of_traversal(&peer, 1, ENFORCE));
    peer.attests(1);
    becomes(started.address, ATTACK, "HTTP/1.1 403");
}

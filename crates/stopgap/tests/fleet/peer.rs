//! A control side that does as it is told, also what a good one would not do.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::{
    Attestation, Bundle, BundleMode, BundlePatch, CallSignature, Delivery, Enrol, PrivateKey,
    PublicKey, SignedCall, Wanted,
};

use crate::support::PATIENCE;

pub(crate) const TOKEN: &str = "once";
/// How long a poll waits if there is nothing.
const POLL: Duration = Duration::from_millis(100);

/// What the control side does, and what it was told.
#[derive(Default)]
pub(crate) struct State {
    /// What the next polls get, one after the other.
    pub(crate) offers: VecDeque<Vec<u8>>,
    /// By their digests.
    pub(crate) documents: BTreeMap<String, String>,
    /// Documents that one answer holds.
    pub(crate) at_once: usize,
    /// The answers to calls for documents from this one on do not come.
    pub(crate) hangs_after: Option<usize>,
    /// Connections are closed without an answer.
    pub(crate) away: bool,
    /// Takes events, and does not say so.
    pub(crate) forgets_to_acknowledge: bool,
    pub(crate) key: Option<PublicKey>,
    pub(crate) attested: Vec<Attestation>,
    /// How often each event came, by its reference.
    pub(crate) events: BTreeMap<String, usize>,
    pub(crate) asked_for_documents: usize,
    /// Polls that got nothing.
    pub(crate) idle_polls: usize,
}

/// The control side.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Peer {
    pub(crate) fn start() -> Self {
        Self::listen(None)
    }

    /// The same, in TLS.
    pub(crate) fn encrypted(config: ServerConfig) -> Self {
        Self::listen(Some(Arc::new(config)))
    }

    fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        peer.state().at_once = 100;
        let serving = peer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (peer, tls) = (serving.clone(), tls.clone());
                std::thread::spawn(move || {
                    let stream: Box<dyn Stream> = match tls {
                        Some(tls) => {
                            let session = ServerConnection::new(tls).unwrap();
                            Box::new(StreamOwned::new(session, stream))
                        }
                        None => Box::new(stream),
                    };
                    peer.serve(stream)
                });
            }
        });
        peer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Gives it to the next poll.
    pub(crate) fn offer(&self, sealed: Vec<u8>) {
        self.state().offers.push_back(sealed);
    }

    /// Keeps a document; its digest.
    pub(crate) fn document(&self, text: &str) -> String {
        let digest = digest(text);
        self.state()
            .documents
            .insert(digest.clone(), text.to_owned());
        digest
    }

    /// Waits until something was told that is so.
    pub(crate) fn until<T>(&self, what: &str, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found(&self.state()) {
                return found;
            }
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until this bundle is attested.
    pub(crate) fn attests(&self, number: u64) -> Attestation {
        self.until(&format!("bundle {number} is attested"), |state| {
            let last = state.attested.last()?;
            (last.bundle == number).then(|| last.clone())
        })
    }

    /// Waits until a refusal for this reason is attested, after so many attestations.
    pub(crate) fn refuses(&self, reason: &str, after: usize) -> Attestation {
        self.until(&format!("{reason} is attested"), |state| {
            let last = state.attested.get(after..)?.last()?;
            let refused = last.refused.as_ref()?;
            (refused.reason == reason).then(|| last.clone())
        })
    }

    fn serve(&self, stream: Box<dyn Stream>) {
        let mut stream = BufReader::new(stream);
        while let Some((head, body)) = request(&mut stream) {
            if self.state().away {
                return;
            }
            let Some((status, answer)) = self.answer(&head, &body) else {
                return;
            };
            let length = answer.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            let whole = [head.as_bytes(), &answer].concat();
            if stream.get_mut().write_all(&whole).is_err() || stream.get_mut().flush().is_err() {
                return;
            }
        }
    }

    fn answer(&self, head: &[String], body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut words = head[0].split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        if target == "/api/v1/fleet/enrol" {
            if header(head, "authorization") != format!("Bearer {TOKEN}") {
                return Some((401, br#"{"detail":"no such token"}"#.to_vec()));
            }
            let enrol: Enrol = serde_json::from_slice(body).unwrap();
            let keys = json!([signer(1).public()]);
            self.state().key = Some(enrol.key);
            let enrolled =
                json!({ "ingress": "edge-1", "environment": "production", "keys": keys });
            return Some((200, enrolled.to_string().into_bytes()));
        }
        self.check(method, target, head, body);
        if let Some(after) = target.strip_prefix("/api/v1/fleet/bundle?after=") {
            let _: u64 = after.parse().unwrap();
            let end = Instant::now() + POLL;
            loop {
                if let Some(offer) = self.state().offers.pop_front() {
                    return Some((200, offer));
                }
                if Instant::now() > end {
                    self.state().idle_polls += 1;
                    return Some((304, Vec::new()));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        match target {
            "/api/v1/fleet/documents" => self.documents(&serde_json::from_slice(body).unwrap()),
            "/api/v1/fleet/attestations" => {
                let attestation = serde_json::from_slice(body).unwrap();
                self.state().attested.push(attestation);
                Some((204, Vec::new()))
            }
            "/api/v1/fleet/events" => {
                let delivery: Delivery = serde_json::from_slice(body).unwrap();
                let mut state = self.state();
                let mut new = 0;
                for event in delivery.events {
                    let count = state.events.entry(event.reference).or_default();
                    *count += 1;
                    new += u64::from(*count == 1);
                }
                if std::mem::take(&mut state.forgets_to_acknowledge) {
                    return None;
                }
                Some((200, format!(r#"{{"new":{new}}}"#).into_bytes()))
            }
            _ => Some((404, Vec::new())),
        }
    }

    fn documents(&self, wanted: &Wanted) -> Option<(u16, Vec<u8>)> {
        let hangs = {
            let mut state = self.state();
            state.asked_for_documents += 1;
            let asked = state.asked_for_documents;
            state.hangs_after.is_some_and(|after| asked > after)
        };
        if hangs {
            std::thread::sleep(PATIENCE);
            return None;
        }
        let state = self.state();
        let found = wanted
            .digests
            .iter()
            .filter_map(|it| state.documents.get(it));
        let found: Vec<Value> = found.take(state.at_once).map(|text| json!(text)).collect();
        Some((200, Value::from(found).to_string().into_bytes()))
    }

    /// Every call is signed by the key that has enrolled.
    fn check(&self, method: &str, target: &str, head: &[String], body: &[u8]) {
        let signature = CallSignature {
            content_digest: header(head, "content-digest"),
            input: header(head, "signature-input"),
            signature: header(head, "signature"),
        };
        assert_eq!(signature.name(), Some("edge-1"));
        let key = self.state().key.clone().unwrap();
        let call = SignedCall {
            method,
            target,
            body,
        };
        signature.check(&call, &key, now_ms() / 1000).unwrap();
    }
}

fn request(stream: &mut BufReader<Box<dyn Stream>>) -> Option<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = header(&head, "content-length");
    let mut body = vec![0; length.parse().unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn header(head: &[String], name: &str) -> String {
    let mut lines = head.iter().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map_or_else(String::new, |(_, value)| value.to_owned())
}

pub(crate) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}

/// The control side's keys, by a number.
pub(crate) fn signer(number: u8) -> PrivateKey {
    PrivateKey::of(&[number; 32])
}

/// Waits until no poll of a gateway that has gone is open: it would take the next offer.
pub(crate) fn forget_polls() {
    std::thread::sleep(2 * POLL);
}

/// A bundle for production, good for an hour.
pub(crate) fn bundle(number: u64, patches: &[(&str, &str, BundleMode)]) -> Bundle {
    let patch = |(id, digest, mode): &(&str, &str, BundleMode)| BundlePatch {
        id: (*id).to_owned(),
        digest: (*digest).to_owned(),
        mode: *mode,
    };
    Bundle {
        version: 1,
        environment: "production".to_owned(),
        number,
        made_ms: now_ms(),
        expires_ms: now_ms() + 3_600_000,
        keys: vec![signer(1).public()],
        patches: patches.iter().map(patch).collect(),
    }
}

pub(crate) fn sealed(bundle: &Bundle) -> Vec<u8> {
    bundle.seal(&signer(1)).unwrap()
}

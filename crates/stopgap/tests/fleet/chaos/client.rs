//! Somebody who uses the API and does not give up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::relay::Chance;

/// Longer than everything takes to come back.
const GIVES_UP: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    address: SocketAddr,
    secret: String,
    /// What was acknowledged: the kind of thing and its identifier.
    acknowledged: Mutex<Vec<(&'static str, String)>>,
    refused_for_room: AtomicUsize,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, secret: &str) -> Self {
        Self {
            address,
            secret: secret.to_owned(),
            acknowledged: Mutex::default(),
            refused_for_room: AtomicUsize::new(0),
        }
    }

    pub(crate) fn acknowledged(&self) -> Vec<(&'static str, String)> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// How often a call was answered that the disk is full.
    pub(crate) fn refused_for_room(&self) -> usize {
        self.refused_for_room.load(Ordering::Relaxed)
    }

    /// Makes a call until it is acknowledged. The key says that it is the same call.
    pub(crate) fn done(&self, call: &str, key: &str, body: &Value) -> Value {
        let head = format!("idempotency-key: {key}\r\nstopgap-why: a test\r\n");
        let answer = self.call(call, &head, &body.to_string());
        let kind = match call {
            "POST /patches" => Some("patches"),
            "POST /rollouts" => Some("rollouts"),
            _ => None,
        };
        if let Some(kind) = kind {
            let id = &answer["value"]["id"];
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            self.acknowledged.lock().unwrap().push((kind, id));
        }
        answer
    }

    /// Takes about as much room as a large change does; whatever comes of it is not tried again.
    pub(crate) fn crowd(&self, number: usize) {
        let mut chance = Chance::new(u64::try_from(number).unwrap());
        let cwe = (0..1000).map(|_| {
            let digits = (0..6).map(|_| format!("{:016x}", chance.below(u64::MAX)));
            format!("CWE-{}", digits.collect::<String>())
        });
        let id = format!("CROWD-{number}");
        let body =
            json!({ "id": id, "title": "x", "severity": "low", "cwe": cwe.collect::<Vec<_>>() });
        let head = "stopgap-why: a test\r\n";
        if let Ok((status, _)) = self.once("POST /advisories", head, &body.to_string()) {
            match status {
                201 => self.acknowledged.lock().unwrap().push(("advisories", id)),
                other => self.note_refusal(other),
            }
        }
    }

    pub(crate) fn read(&self, target: &str) -> Value {
        self.call(&format!("GET {target}"), "", "")
    }

    fn call(&self, call: &str, head: &str, body: &str) -> Value {
        let begun = Instant::now();
        loop {
            let last = match self.once(call, head, body) {
                Ok((status, answer)) if (200..300).contains(&status) => {
                    return serde_json::from_str(&answer).unwrap();
                }
                // Whatever goes wrong inside passes; what is refused would be refused again.
                Ok((status, answer)) => {
                    assert!(status >= 500, "{call}: {status} {answer}");
                    self.note_refusal(status);
                    answer
                }
                Err(why) => why.to_string(),
            };
            assert!(begun.elapsed() < GIVES_UP, "{call}: {last}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn note_refusal(&self, status: u16) {
        if status == 507 {
            self.refused_for_room.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn once(&self, call: &str, head: &str, body: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(GIVES_UP))?;
        let (method, target) = call.split_once(' ').unwrap();
        write!(
            stream,
            "{method} /api/v1{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {}\r\n{head}content-length: {}\r\n\r\n{body}",
            self.secret,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let lost = || std::io::Error::other("the answer was cut off");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(lost)?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        if length.is_some_and(|length| length != body.len().to_string()) {
            return Err(lost());
        }
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        Ok((status.ok_or_else(lost)?, body.to_owned()))
    }
}

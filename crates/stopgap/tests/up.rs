//! `stopgap up`: from nothing to an enforced patch and back, by commands alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/site.rs"]
mod site;

/// What the site's helpers expect beside them.
mod support {
    pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
}

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use site::{ATTACK, application, becomes, get, traversal};

/// Everything in one process, ended by its own process id.
struct Up {
    child: Child,
    told: Value,
}

impl Up {
    fn start(data: &Path, upstream: SocketAddr, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args([
                "up",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--gateway",
                "127.0.0.1:0",
            ])
            .args(["--upstream", &format!("http://{upstream}")])
            .args(more)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }

    fn place(&self, name: &str) -> SocketAddr {
        let url = self.told[name].as_str().unwrap();
        let place = url.strip_prefix("http://").unwrap();
        place.split('/').next().unwrap().parse().unwrap()
    }

    fn signal(&mut self, signal: Signal) -> bool {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().success()
    }

    /// The items of a list of the API.
    fn list(&self, what: &str) -> Vec<Value> {
        let token = self.told["token"].as_str().unwrap();
        let target = format!("/api/v1/{what}");
        let host = format!("x\r\nAuthorization: Bearer {token}");
        let answer = site::ask(self.place("api"), &target, &host);
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let list: Value = serde_json::from_str(body).unwrap();
        list["items"].as_array().unwrap().clone()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that goes well; what it prints.
fn run(words: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(words)
        .env_remove("STOPGAP_DATABASE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_patch_is_rolled_out_survives_a_crash_and_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let upstream = application();
    let mut up = Up::start(&data, upstream, &["--one-person"]);
    assert!(get(up.place("gateway"), ATTACK).starts_with("HTTP/1.1 200"));

    let (patch, proof) = (
        folder.path().join("patch.yaml"),
        folder.path().join("proof"),
    );
    let (patch, proof) = (patch.to_str().unwrap(), proof.to_str().unwrap());
    std::fs::write(patch, traversal()).unwrap();
    std::fs::write(proof, run(&["patch", "prove", "--json", patch])).unwrap();
    let ledger = [
        "--who",
        "op",
        "--why",
        "a test",
        "--data",
        data.to_str().unwrap(),
    ];
    let with = |words: &[&str]| run(&[words, &ledger].concat());
    let id = "CVE-2024-23334";
    let start = [
        "rollout",
        "start",
        id,
        "--document",
        patch,
        "--proof",
        proof,
    ];
    with(&[&start[..], &["--environment", "production"]].concat());
    for _ in ["shadow", "5 %", "25 %", "50 %", "enforce"] {
        with(&["rollout", "promote", "1", "--one-person"]);
    }
    becomes(up.place("gateway"), ATTACK, "HTTP/1.1 403");
    assert!(get(up.place("gateway"), "/static/site.css").starts_with("HTTP/1.1 200"));

    // What was enforced is enforced before the control side is asked anything.
    assert!(!up.signal(Signal::KILL));
    let mut up = Up::start(&data, upstream, &["--one-person"]);
    assert!(get(up.place("gateway"), ATTACK).starts_with("HTTP/1.1 403"));

    with(&["rollback", "--environment", "production"]);
    // How many steps the bundle before was behind depends on how fast they were made.
    assert_ne!(up.list("rollouts")[0]["value"]["stage"], "enforce");
    let gateways = up.list("gateways");
    assert_eq!(gateways[0]["value"]["gateway"]["id"], "local");
    assert!(up.signal(Signal::TERM), "it ends in good order");
}

#[test]
fn the_example_organisation_has_something_of_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let up = Up::start(&data, application(), &["--sample"]);
    for (list, least) in [
        ("assets", 6),
        ("applications", 2),
        ("findings", 5),
        ("patches", 4),
    ] {
        assert!(up.list(list).len() >= least, "{list}");
    }
    let rollouts = up.list("rollouts");
    let stages: Vec<_> = rollouts
        .iter()
        .map(|it| it["value"]["stage"].clone())
        .collect();
    assert_eq!(stages, ["enforce", "canary", "shadow", "test"]);
    // It is an example: a ledger that is in use is left alone.
    drop(up);
    let again = Up::start(&data, application(), &["--sample"]);
    assert_eq!(again.list("rollouts").len(), rollouts.len());
}

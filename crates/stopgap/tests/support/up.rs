//! Everything in one process, as `stopgap up` runs it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::site;
use crate::support::{PATIENCE, log_of};

/// Everything in one process, ended by its own process id.
pub(crate) struct Up {
    child: Child,
    told: Value,
    log: Receiver<String>,
}

impl Up {
    pub(crate) fn start(
        data: &Path,
        upstream: impl Into<Option<SocketAddr>>,
        more: &[&str],
    ) -> Self {
        let upstream = upstream.into().map(|it| format!("--upstream=http://{it}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args([
                "up",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--gateway",
                "127.0.0.1:0",
            ])
            .args(upstream)
            .args(more)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap();
        let log = log_of(&mut child);
        Self { child, told, log }
    }

    /// What follows the words in the next line of the log that holds them.
    pub(crate) fn logged(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap();
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn place(&self, name: &str) -> SocketAddr {
        let url = self.told[name].as_str().unwrap();
        let place = url.strip_prefix("http://").unwrap();
        place.split('/').next().unwrap().parse().unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        self.told["token"].as_str().unwrap()
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> bool {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().success()
    }

    /// The items of a list of the API.
    pub(crate) fn list(&self, what: &str) -> Vec<Value> {
        let token = self.token();
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
        let runs = |child: &mut Child| child.try_wait().is_ok_and(|ended| ended.is_none());
        if !runs(&mut self.child) {
            return;
        }
        // In good order: it takes the files of its shop with it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begun = Instant::now();
        while runs(&mut self.child) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that goes well; what it prints.
pub(crate) fn run(words: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(words)
        .env_remove("STOPGAP_DATABASE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

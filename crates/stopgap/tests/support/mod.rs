//! A gateway as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes; ends tests that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway, ended by its own process id.
pub(crate) struct Running {
    pub(crate) child: Child,
    log: Receiver<String>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::started(Command::new(env!("CARGO_BIN_EXE_stopgap")), arguments)
    }

    /// By this command, which becomes the program.
    pub(crate) fn started(mut by: Command, arguments: &[&str]) -> Self {
        let mut child = by
            .arg("gateway")
            .args(arguments)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let log = log_of(&mut child);
        Self { child, log }
    }

    /// The first log line that holds the words; what follows them.
    pub(crate) fn told(&self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap();
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn address(&self, words: &str) -> SocketAddr {
        let rest = self.told(words);
        rest.split(',').next().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }
}

/// The lines that a process writes to its standard error.
pub(crate) fn log_of(child: &mut Child) -> Receiver<String> {
    let (sender, log) = channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    log
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

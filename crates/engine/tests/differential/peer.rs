//! libmodsecurity as a process: `bench/peers/libmodsecurity/driver.c`, built by `cargo xtask test`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::requests::Request;

/// The peer, ended when dropped.
pub(crate) struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// None, said why, where it is not built; in CI it has to be.
    pub(crate) fn start() -> Option<Self> {
        let own = std::env::current_exe().unwrap();
        let driver = own
            .ancestors()
            .nth(3)
            .unwrap()
            .join("peers/libmodsecurity/driver");
        if !driver.is_file() {
            let why = "libmodsecurity is not there; `cargo xtask test` fetches and links it";
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("skipped: {why}");
            return None;
        }
        let mut child = Command::new(driver)
            .arg("match")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            orders: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        })
    }

    /// Takes these rules into use; otherwise why not.
    pub(crate) fn rules(&mut self, text: &str) -> Result<(), String> {
        match self.tell(b'R', text.as_bytes()) {
            said if said == "ok" => Ok(()),
            said => Err(said),
        }
    }

    /// The rules that match.
    pub(crate) fn matches(&mut self, request: &Request) -> BTreeSet<u64> {
        let said = self.tell(b'Q', &request.encoded());
        said.split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    }

    fn tell(&mut self, kind: u8, payload: &[u8]) -> String {
        let length = u32::try_from(payload.len() + 1).unwrap();
        self.orders.write_all(&length.to_le_bytes()).unwrap();
        self.orders.write_all(&[kind]).unwrap();
        self.orders.write_all(payload).unwrap();
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).unwrap();
        assert!(read > 0, "libmodsecurity ended: {:?}", self.child.wait());
        line.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

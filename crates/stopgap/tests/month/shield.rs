//! A server that nobody can patch, and the virtual patch that stands before it instead.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Month;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(60);
const FLAW: &str = "CVE-2024-23334";

/// The control side and a gateway before that server, until it is dropped.
pub(crate) struct Shield(Child);

impl Drop for Shield {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Shield {
    /// The virtual patch is proven and enforced, and somebody has approved an exception by it.
    pub(crate) fn start(month: &Month) -> Self {
        let up = "up --json --one-person --listen 127.0.0.1:0 --gateway 127.0.0.1:0 --upstream http://10.77.0.18:8000";
        let mut child = month
            .command(&up.split(' ').collect::<Vec<_>>())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut ready).unwrap();
        let shield = Self(child);
        let document = include_str!("../../../patch/testdata/patches/traversal.yaml");
        let document = document.replace("expires: 2027-01-31", "expires: 2999-01-31");
        let document = month.write("patch.yaml", &document);
        let proof = month.well_bare(&["patch", "prove", "--json", &document]);
        let proof = month.write("proof.json", &proof);
        let start = ["rollout", "start", FLAW, "--document", &document];
        let proven = ["--proof", &proof, "--environment", "production"];
        month.well(&[&start[..], &proven, &["--why", "it cannot be patched"]].concat());
        for _ in ["shadow", "5 %", "25 %", "50 %", "enforce"] {
            let words = [
                "rollout",
                "promote",
                "1",
                "--one-person",
                "--why",
                "it holds",
            ];
            month.well(&words);
        }
        let add =
            "exceptions add --subject asset/legacy --owner ops@example.org --expires 2999-01-31";
        let add: Vec<&str> = add.split(' ').collect();
        month.well(&[&add[..], &["--virtual-patch", FLAW, "--why", "no vendor"]].concat());
        // The gateway takes a moment to enforce it, and to say so.
        let words = [
            "exceptions",
            "approve",
            "1",
            "--who",
            "ann",
            "--why",
            "agreed",
        ];
        let begun = Instant::now();
        loop {
            let output = month.command(&words).output().unwrap();
            if output.status.success() {
                return shield;
            }
            let why = String::from_utf8_lossy(&output.stderr);
            assert!(begun.elapsed() < SOON, "{why}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The application itself is asked whether the flaw is still there, past the gateway.
    pub(crate) fn asks_the_application(month: &Month, holds: bool) {
        let list = ["findings", "--advisory", FLAW, "--subject", "asset/app"];
        let told = month.well(&list);
        let number = told.split_whitespace().next().unwrap();
        let probe = ["--probe", "http://10.77.0.13:8000", "--version", "1.1"];
        let words = [
            &["findings", "verify", number],
            &probe[..],
            &["--why", "is it mended?"],
        ];
        let output = month.command(&words.concat()).output().unwrap();
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        month.record(&words.concat(), &said);
        assert_eq!(output.status.code(), Some(i32::from(!holds)), "{said}");
        let closed = month.well(&list).contains(" closed ");
        assert_eq!(closed, holds, "{said}");
    }

    /// The virtual patch is taken back: the exception is void, and the finding is open.
    pub(crate) fn falls(&self, month: &Month) {
        assert_eq!(state(month), "excepted");
        month.well(&["rollout", "demote", "1", "--why", "it stops people"]);
        let begun = Instant::now();
        while state(month) != "open" {
            assert!(begun.elapsed() < SOON, "the finding is {}", state(month));
            std::thread::sleep(Duration::from_millis(200));
        }
        let told = month.well(&["exceptions", "show", "1", "--json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["standing"], "void");
        let why = format!("patch {FLAW} is not enforced at local");
        assert_eq!(told["value"]["ended"]["why"], why);
    }
}

/// Of what that server is affected by.
fn state(month: &Month) -> String {
    let words = ["findings", "--advisory", FLAW, "--subject", "asset/legacy"];
    let told = month.well(&words);
    told.split_whitespace().nth(2).unwrap().to_owned()
}

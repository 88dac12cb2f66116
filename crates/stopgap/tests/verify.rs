//! The contract of `stopgap findings verify`: an exploit that fails on the fixed version closes the
//! finding, and proposes that the patch be retired.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use ledger::{
    Advisory, Application, Attention, Environment, Finding, State, Subject, VirtualPatch,
};
use serde_json::{Value, json};
use store::{By, Limits, Location, Store};

const ID: &str = "CVE-2024-23334";

/// An application that answers what an attack gets with this, and all else with a page.
fn application(attack: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(100).map_while(Result::ok) {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let answer = match head.contains("..") {
                true => attack.to_owned(),
                false => "200 OK\r\n\r\nbody {}".to_owned(),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {}",
                answer.replacen("\r\n", "\r\nConnection: close\r\n", 1)
            );
        }
    });
    format!("http://{address}")
}

struct Ledger {
    folder: tempfile::TempDir,
    store: Store,
}

impl Ledger {
    /// The traversal patch, and a finding of its advisory for each of two applications.
    fn filled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::folder(folder.path()), Limits::default()).unwrap();
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../patch/testdata/patches/traversal.yaml"
        );
        let advisory: Advisory = serde_json::from_value(json!({
            "id": ID, "title": "Traversal", "severity": "high",
        }))
        .unwrap();
        let patch: VirtualPatch = serde_json::from_value(json!({
            "id": ID, "title": "Traversal", "advisories": [ID], "owner": "web",
            "reason": "third-party", "expires_ms": i64::MAX, "fix": { "link": "release 2" },
            "document": std::fs::read_to_string(path).unwrap(),
        }))
        .unwrap();
        let by = By {
            who: "op",
            why: "a test",
            now_ms: 1,
        };
        store
            .change(&by, |it| {
                it.add(&advisory)?;
                it.add(&patch)?;
                for id in ["shop", "wiki"] {
                    it.add(&Application {
                        id: id.to_owned(),
                        title: id.to_owned(),
                        environment: Environment::Production,
                        owner: "web".to_owned(),
                        hosts: Vec::new(),
                        assets: Vec::new(),
                    })?;
                    it.open_finding(ID, &Subject::Application(id.to_owned()))?;
                }
                Ok(())
            })
            .unwrap();
        Self { folder, store }
    }

    fn verify(&self, words: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(["findings", "verify"])
            .args(words)
            .args(["--who", "op", "--why", "a test", "--data"])
            .arg(self.folder.path())
            .env_remove("STOPGAP_DATABASE")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    fn finding(&self, id: i64) -> Finding {
        self.store.read(|it| it.finding(id)).unwrap().value
    }

    fn attention(&self) -> Attention {
        let patch = self
            .store
            .read(|it| it.get::<VirtualPatch>(ID))
            .unwrap()
            .value;
        patch.attention(1, 1)
    }
}

#[test]
fn an_exploit_that_fails_on_the_fixed_version_closes_the_finding_and_then_the_patch_may_go() {
    let ledger = Ledger::filled();
    let fixed = application("404 Not Found\r\n\r\nno");
    let (status, said, complaint) = ledger.verify(&["1", "--probe", &fixed, "--version", "3.9.2"]);
    assert_eq!(status, 0, "{complaint}");
    assert!(said.contains("finding 1 is closed"), "{said}");
    let finding = ledger.finding(1);
    assert_eq!(finding.state(), State::Closed);
    assert_eq!(finding.fixed_by.as_deref(), Some("3.9.2"));
    let evidence = finding.verified_by.unwrap();
    let begins =
        format!("1 exploit cases of {ID} fail at {fixed} without a patch between, 1 benign");
    assert!(evidence.starts_with(&begins), "{evidence}");
    // The other application still needs the patch.
    assert_eq!(ledger.attention(), Attention::None);
    assert!(!said.contains("may be retired"), "{said}");

    let words = ["2", "--probe", &fixed, "--version", "3.9.2", "--json"];
    let (_, said, _) = ledger.verify(&words);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["retire"], json!([ID]));
    assert_eq!(said["cases"].as_array().unwrap().len(), 2);
    assert_eq!(ledger.attention(), Attention::Retire);
    let (status, _, complaint) = ledger.verify(&words);
    assert_eq!(status, 2);
    assert!(
        complaint.contains("finding 2 is closed already"),
        "{complaint}"
    );
}

#[test]
fn a_finding_stays_where_the_exploit_works_or_nobody_can_tell() {
    let ledger = Ledger::filled();
    let vulnerable = application("200 OK\r\n\r\nroot:x:0:0");
    let words = ["1", "--probe", &vulnerable, "--version", "3.9.2"];
    let (status, said, _) = ledger.verify(&words);
    assert_eq!(status, 1);
    assert!(said.contains("the fix does not hold"), "{said}");
    let fixed = application("404 Not Found\r\n\r\nno");
    let page = "403 Forbidden\r\n\r\n<p>This request was not passed on. If you think that is wrong";
    let shielded = application(page);
    let absent = "http://127.0.0.1:9";
    for (words, wrong) in [
        (vec!["1", "--probe", &fixed], "say --version TEXT"),
        (
            vec!["1", "--probe", &shielded, "--version", "2"],
            "an ingress point has answered",
        ),
        (
            vec!["1", "--probe", absent, "--version", "2"],
            "cannot connect",
        ),
        (
            vec!["1", "--probe", "shop", "--version", "2"],
            "must begin with http://",
        ),
        (vec!["9", "--probe", &fixed, "--version", "2"], "finding 9"),
        (vec!["1", "--probe", &fixed, "--patch", "p"], "patch p"),
    ] {
        let (status, _, complaint) = ledger.verify(&words);
        assert_eq!(status, 2, "{words:?}");
        assert!(complaint.contains(wrong), "{complaint}");
    }
    assert_eq!(ledger.finding(1).state(), State::Open);
    assert_eq!(ledger.attention(), Attention::None);
}

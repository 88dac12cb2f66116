//! The contract of the commands on the ledger, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger::{Advisory, Asset, AssetKind, Criticality, Environment, Move, Severity, Subject};
use serde_json::Value;
use store::{By, Limits, Location, Store};

struct Ledger {
    folder: tempfile::TempDir,
}

impl Ledger {
    /// Four findings, one of them fixed.
    fn filled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::folder(&folder.path().join("data"));
        let store = Store::open(&location, Limits::default()).unwrap();
        let by = By {
            who: "alice",
            why: "a test",
            now_ms: 1,
        };
        store
            .change(&by, |it| {
                for id in ["a", "b"] {
                    it.add(&asset(id))?;
                }
                for (id, severity) in [("CVE-1", Severity::Low), ("CVE-2", Severity::Critical)] {
                    it.add(&advisory(id, severity))?;
                    for asset in ["a", "b"] {
                        it.open_finding(id, &Subject::Asset(asset.to_owned()))?;
                    }
                }
                let version = "2".to_owned();
                it.move_finding(1, &Move::Fix { version }, None)
            })
            .unwrap();
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The exit status, and what was written to both outputs.
    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        run(words, &self.data())
    }
}

fn run(words: &[&str], data: &Path) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(words)
        .arg("--data")
        .arg(data)
        .env_remove("STOPGAP_DATABASE")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said, complained)
}

fn asset(id: &str) -> Asset {
    Asset {
        title: id.to_owned(),
        environment: Some(Environment::Production),
        criticality: Some(Criticality::High),
        owner: Some("operations".to_owned()),
        ..Asset::new(id, AssetKind::Server)
    }
}

fn advisory(id: &str, severity: Severity) -> Advisory {
    Advisory {
        title: id.to_owned(),
        ..Advisory::new(id, severity)
    }
}

#[test]
fn findings_are_listed_the_most_urgent_first_and_page_by_page() {
    let ledger = Ledger::filled();
    let (status, said, _) = ledger.run(&["findings"]);
    assert_eq!(status, Some(0));
    let words: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        words,
        [
            ["3", "critical", "open", "CVE-2", "asset/a"],
            ["4", "critical", "open", "CVE-2", "asset/b"],
            ["1", "low", "fixed", "CVE-1", "asset/a"],
            ["2", "low", "open", "CVE-1", "asset/b"],
        ]
    );
    let (_, said, _) = ledger.run(&["findings", "--limit", "3", "--json"]);
    let page: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(page["findings"][2]["fixed_by"], "2");
    let next = page["next"].as_str().unwrap();
    let (_, said, _) = ledger.run(&["findings", "--after", next]);
    assert_eq!(said.lines().count(), 1);
    let (_, said, _) = ledger.run(&["findings", "--state", "open", "--subject", "asset/b"]);
    assert_eq!(said.lines().count(), 2);
    for faulty in [
        ["--state", "done"],
        ["--subject", "b"],
        ["--after", "x"],
        ["--limit", "201"],
    ] {
        let (status, _, complained) = ledger.run(&[&["findings"][..], &faulty].concat());
        assert_eq!(status, Some(2), "{faulty:?}: {complained}");
    }
}

#[test]
fn audit_verify_says_whether_the_log_holds_and_names_where_it_does_not() {
    let ledger = Ledger::filled();
    let (status, said, _) = ledger.run(&["audit", "verify"]);
    assert_eq!(status, Some(0));
    assert!(
        said.starts_with("the audit log holds: 9 entries\nlast 9:"),
        "{said}"
    );
    let last = said.lines().last().unwrap().strip_prefix("last ").unwrap();
    assert_eq!(ledger.run(&["audit", "verify", "--noted", last]).0, Some(0));
    let other = format!("9:{}", "0".repeat(64));
    let (status, said, _) = ledger.run(&["audit", "verify", "--noted", &other]);
    assert_eq!(status, Some(1));
    assert!(said.contains("entry 9 has another hash"), "{said}");

    let database = rusqlite::Connection::open(ledger.data().join("ledger.sqlite")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER audit_is_not_changed; UPDATE audit SET why = 'x' WHERE sequence = 4",
        )
        .unwrap();
    let (status, said, _) = ledger.run(&["audit", "verify"]);
    assert_eq!(status, Some(1));
    assert_eq!(
        said,
        "the audit log is broken: entry 4 was altered after it was written\n"
    );
    let (status, said, _) = ledger.run(&["audit", "verify", "--json"]);
    assert_eq!(status, Some(1));
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&told["holds"], &told["broken"]),
        (&false.into(), &4.into())
    );
}

#[test]
fn a_ledger_is_backed_up_and_restored() {
    let ledger = Ledger::filled();
    let file = ledger.folder.path().join("backup");
    let file = file.to_str().unwrap();
    assert_eq!(ledger.run(&["backup", file]).0, Some(0));
    let (status, _, complained) = ledger.run(&["backup", file]);
    assert_eq!(status, Some(2));
    assert!(complained.contains("already"), "{complained}");

    let other = ledger.folder.path().join("other");
    let restore = ["restore", file, "--who", "bob", "--why", "a new machine"];
    assert_eq!(run(&restore, &other).0, Some(0));
    assert_eq!(run(&["findings"], &other).1, ledger.run(&["findings"]).1);
    let (status, said, _) = run(&["audit", "verify"], &other);
    assert!(status == Some(0) && said.contains("10 entries"), "{said}");
    let (status, _, complained) = run(&restore, &other);
    assert_eq!(status, Some(2));
    assert!(
        complained.contains("there is a ledger already"),
        "{complained}"
    );
}

#[test]
fn a_ledger_that_is_not_there_is_told_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("typo");
    for words in [&["findings"][..], &["audit", "verify"], &["backup", "x"]] {
        let (status, _, complained) = run(words, &data);
        assert_eq!(status, Some(2));
        assert!(complained.contains("there is no ledger in"), "{complained}");
        assert!(complained.contains("stopgap token add"), "{complained}");
    }
    assert!(!data.exists());
}

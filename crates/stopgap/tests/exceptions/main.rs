//! Exceptions from being asked for to being told to others, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod vex;

use std::process::{Command, Output};

use ledger::{Advisory, Asset, AssetKind, Severity, Subject};
use serde_json::Value;
use store::{By, Limits, Location, Store};

struct Ledger {
    folder: tempfile::TempDir,
}

impl Ledger {
    /// Two assets, each with two findings.
    fn filled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::folder(folder.path()), Limits::default()).unwrap();
        let by = By {
            who: "alice",
            why: "a test",
            now_ms: 1,
        };
        let open = |it: &mut store::Change<'_>| {
            for id in ["CVE-2026-9001", "GHSA-aaaa-bbbb-cccc"] {
                let mut advisory = Advisory::new(id, Severity::High);
                advisory.title = format!("a flaw of {id}");
                // As sources repeat themselves.
                let aliases = ["EUVD-2026-1", id, "EUVD-2026-1"];
                advisory.aliases = aliases.map(str::to_owned).to_vec();
                it.add(&advisory)?;
            }
            for id in ["press", "saw"] {
                it.add(&Asset::new(id, AssetKind::Server))?;
                for advisory in ["CVE-2026-9001", "GHSA-aaaa-bbbb-cccc"] {
                    it.open_finding(advisory, &Subject::Asset(id.to_owned()))?;
                }
            }
            Ok(())
        };
        store.change(&by, open).unwrap();
        Self { folder }
    }

    /// The exit status, and what was written to both outputs.
    fn run(&self, line: &str, why: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stopgap"));
        command.arg("exceptions").args(line.split_whitespace());
        if !why.is_empty() {
            command.args(["--why", why]);
        }
        let output = command
            .arg("--data")
            .arg(self.folder.path())
            .env("USER", "ann")
            .env_remove("STOPGAP_DATABASE")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    fn well(&self, line: &str, why: &str) -> String {
        let (status, told) = self.run(line, why);
        assert_eq!(status, Some(0), "{line}: {told}");
        told
    }

    fn refused(&self, line: &str, why: &str, expected: &str) {
        let (status, told) = self.run(line, why);
        assert_eq!(status, Some(2), "{line}: {told}");
        assert!(told.contains(expected), "{line}: {told}");
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.well(line, "")).unwrap()
    }

    fn export(&self, format: &str) -> Value {
        let output = self.export_as(format, "https://acme.example/security/", "Acme „Süd“ & Co.");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn export_as(&self, format: &str, namespace: &str, author: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(["exceptions", "export", "--format", format])
            .args(["--namespace", namespace, "--author", author, "--data"])
            .arg(self.folder.path())
            .env_remove("STOPGAP_DATABASE")
            .output()
            .unwrap()
    }

    /// Both assets are protected: one by isolation, one otherwise.
    fn excepted() -> Self {
        let ledger = Self::filled();
        let press = "add --subject asset/press --network-isolation --evidence scanned --recheck 2999-01-31 --owner web --expires 2999-06-30";
        ledger.well(press, "the vendor is gone");
        let saw = "add --finding 3 --other-control guards --evidence seen --recheck 2999-02-28 --owner web --expires 2999-06-30";
        ledger.well(saw, "the vendor is slow");
        for id in [1, 2] {
            ledger.well(&format!("approve {id} --who bob"), "agreed");
        }
        ledger
    }
}

#[test]
fn an_exception_is_asked_for_approved_looked_at_again_and_taken_back() {
    let ledger = Ledger::filled();
    let protection = "--network-isolation --evidence scanned --recheck 2999-01-31";
    let terms = "--owner web --expires 2999-06-30";
    for (line, expected) in [
        (format!("add --finding 1 {terms}"), "--virtual-patch"),
        (format!("add {protection} {terms}"), "--finding"),
        (
            format!("add --finding 1 --network-isolation {terms}"),
            "--evidence",
        ),
        (
            format!("add --finding 1 --virtual-patch p {terms}"),
            "there is no patch p: add it first",
        ),
        (
            format!("add --finding 9 {protection} {terms}"),
            "there is no finding 9",
        ),
        (
            format!("add --finding 1 {protection} --owner web --expires 2020-01-31"),
            "expires_ms must be ahead",
        ),
        (
            format!("add --finding 1 {protection} --owner web --expires soon"),
            "soon",
        ),
    ] {
        ledger.refused(&line, "the vendor is gone", expected);
    }
    let asked = ledger.well(
        &format!("add --subject asset/press {protection} {terms}"),
        "the vendor is gone",
    );
    assert_eq!(
        asked,
        "     1  requested  until 2999-01-31  2 findings  network isolation: scanned\n"
    );
    ledger.refused(
        "approve 1",
        "agreed",
        "somebody other than who asked for it must approve it",
    );
    let approved = ledger.well("approve 1 --who bob", "agreed");
    assert!(approved.contains("in-force"), "{approved}");
    let list = ledger.json("list --standing in-force --finding 2 --json");
    assert_eq!(list["exceptions"][0]["value"]["approval"]["who"], "bob");
    assert_eq!(
        list["exceptions"][0]["value"]["findings"],
        serde_json::json!([1, 2])
    );
    let again = "recheck 1 --evidence rescanned --recheck 2999-03-31";
    let again = ledger.well(again, "the quarter");
    assert!(again.contains("until 2999-03-31"), "{again}");
    let revoked = ledger.well("revoke 1", "it is replaced");
    assert!(revoked.contains("revoked"), "{revoked}");
    let shown = ledger.well("show 1", "");
    assert!(shown.contains("approved   by bob"), "{shown}");
    assert!(shown.contains(": it is replaced"), "{shown}");
    ledger.refused("approve 1 --who bob", "again", "ask for another");
    ledger.refused("show 7", "", "exception 7");
    let nothing = "export --format csaf --author Acme --namespace https://acme.example";
    ledger.refused(nothing, "", "no finding is excepted now");
}

//! Exceptions from being asked for to being told to others, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::process::Command;

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
        self.json(&format!(
            "export --format {format} --author Acme --namespace https://acme.example/security/"
        ))
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

/// No format may say that what an exception is about is not affected, or fixed.
#[test]
fn what_is_told_to_others_claims_no_more_than_is_true() {
    let ledger = Ledger::excepted();
    for format in ["openvex", "csaf", "cyclonedx"] {
        let text = ledger.export(format).to_string();
        for claim in [
            "not_affected",
            "fixed\"",
            "inline_mitigations",
            "resolved",
            "false_positive",
            "protected_at_perimeter",
            "vendor_fix",
        ] {
            assert!(!text.contains(claim), "{format} says {claim}: {text}");
        }
        assert!(
            text.contains("the software itself stays vulnerable"),
            "{text}"
        );
        assert!(
            text.contains("until 2999-06-30: the vendor is gone"),
            "{text}"
        );
        assert!(
            text.contains("to be looked at again by 2999-02-28"),
            "{text}"
        );
    }
}

/// What the specification of OpenVEX 0.2.0 demands of documents and of statements `affected`.
#[test]
fn openvex_is_as_its_specification_says() {
    let document = Ledger::excepted().export("openvex");
    assert_eq!(document["@context"], "https://openvex.dev/ns/v0.2.0");
    for name in ["@id", "author", "timestamp"] {
        assert!(!document[name].as_str().unwrap().is_empty(), "{name}");
    }
    assert_eq!(document["version"], 1);
    let statements = document["statements"].as_array().unwrap();
    let said = |it: &Value| {
        let products = it["products"].as_array().unwrap().iter();
        let products: Vec<String> = products
            .map(|it| it["@id"].as_str().unwrap().to_owned())
            .collect();
        (
            it["vulnerability"]["name"].as_str().unwrap().to_owned(),
            products,
        )
    };
    let asset = |id: &str| format!("https://acme.example/security/asset/{id}");
    let expected = [
        ("CVE-2026-9001".to_owned(), vec![asset("press")]),
        ("CVE-2026-9001".to_owned(), vec![asset("saw")]),
        ("GHSA-aaaa-bbbb-cccc".to_owned(), vec![asset("press")]),
    ];
    assert_eq!(statements.iter().map(said).collect::<Vec<_>>(), expected);
    for statement in statements {
        assert_eq!(statement["status"], "affected");
        assert!(
            statement["action_statement"].is_string(),
            "it is a must for `affected`"
        );
        assert!(
            statement.get("justification").is_none(),
            "it is for `not_affected` alone"
        );
    }
}

/// What CSAF 2.0 demands of all documents (3.2, 4.1) and of the profile VEX (4.5).
#[test]
fn csaf_is_of_its_profile() {
    let document = Ledger::excepted().export("csaf");
    let head = &document["document"];
    assert_eq!(
        (&head["category"], &head["csaf_version"]),
        (&"csaf_vex".into(), &"2.0".into())
    );
    assert_eq!(head["publisher"]["category"], "user");
    let tracking = &head["tracking"];
    assert_eq!(tracking["status"], "final");
    let history = tracking["revision_history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["number"], tracking["version"]);
    assert_eq!(
        history.last().unwrap()["date"],
        tracking["current_release_date"]
    );
    let products = document["product_tree"]["full_product_names"]
        .as_array()
        .unwrap();
    let defined: BTreeSet<&str> = products
        .iter()
        .map(|it| it["product_id"].as_str().unwrap())
        .collect();
    assert_eq!(defined.len(), products.len(), "no product is defined twice");
    let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
    let name = |it: &Value| {
        it["cve"]
            .as_str()
            .or(it["ids"][0]["text"].as_str())
            .unwrap()
            .to_owned()
    };
    let names: Vec<String> = vulnerabilities.iter().map(name).collect();
    assert_eq!(
        names,
        ["CVE-2026-9001", "GHSA-aaaa-bbbb-cccc"],
        "none comes twice"
    );
    assert_eq!(vulnerabilities[1]["ids"][0]["system_name"], "GHSA");
    for vulnerability in vulnerabilities {
        assert!(!vulnerability["notes"].as_array().unwrap().is_empty());
        let affected = vulnerability["product_status"]["known_affected"]
            .as_array()
            .unwrap();
        let affected: BTreeSet<&str> = affected.iter().map(|it| it.as_str().unwrap()).collect();
        assert!(affected.is_subset(&defined));
        // Each that is affected needs an action statement of its own.
        let actions = vulnerability["remediations"].as_array().unwrap();
        let told = actions
            .iter()
            .flat_map(|it| it["product_ids"].as_array().unwrap());
        let told: BTreeSet<&str> = told.map(|it| it.as_str().unwrap()).collect();
        assert_eq!(told, affected);
        assert!(actions.iter().all(|it| it["category"] == "mitigation"));
    }
}

/// What the schema of CycloneDX 1.5 allows, and that each reference leads to something.
#[test]
fn cyclonedx_refers_to_what_is_there() {
    let document = Ledger::excepted().export("cyclonedx");
    assert_eq!(
        (&document["bomFormat"], &document["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    let components = document["components"].as_array().unwrap().iter();
    let there: BTreeSet<&str> = components
        .map(|it| it["bom-ref"].as_str().unwrap())
        .collect();
    let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(vulnerabilities.len(), 3);
    let mut named = BTreeSet::new();
    for vulnerability in vulnerabilities {
        assert!(named.insert(vulnerability["bom-ref"].as_str().unwrap()));
        let analysis = &vulnerability["analysis"];
        assert_eq!(analysis["state"], "exploitable");
        assert_eq!(
            analysis["response"],
            serde_json::json!(["workaround_available"])
        );
        let affects = vulnerability["affects"].as_array().unwrap();
        assert!(
            affects
                .iter()
                .all(|it| there.contains(it["ref"].as_str().unwrap()))
        );
    }
}

//! The contract of `stopgap discover` and `stopgap coverage`, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use store::{Limits, Location, Paging, Store};

struct Ledger {
    folder: tempfile::TempDir,
}

impl Ledger {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Self { folder };
        ledger.store();
        ledger
    }

    fn store(&self) -> Store {
        Store::open(&Location::folder(self.folder.path()), Limits::default()).unwrap()
    }

    /// The exit status, and what was written to both outputs.
    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut words = words.to_vec();
        words.extend(["--data", self.folder.path().to_str().unwrap()]);
        run(&words)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

fn run(words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(words)
        .env_remove("STOPGAP_DATABASE")
        .env("USER", "ann")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn source(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../discovery/testdata/sources");
    let file: PathBuf = folder.join(name);
    file.to_str().unwrap().to_owned()
}

const GATEWAY: &str = r#"
ingress = "edge"
[[listen]]
address = "127.0.0.1:8080"
[[application]]
name = "shop"
hosts = ["shop.example", "*.shop.example"]
upstreams = ["http://10.0.1.1:3000"]
[[application]]
name = "wiki"
hosts = ["wiki.example"]
upstreams = ["https://wiki.internal"]
"#;

#[test]
fn what_is_found_is_shown_then_brought_and_then_known() {
    let ledger = Ledger::new();
    let file = ledger.file("gateway.toml", GATEWAY);
    let (status, said, _) = ledger.run(&["discover", "gateway", &file]);
    assert_eq!(status, 0);
    for line in [
        "+ ingress point edge (gateway, production), listens on 127.0.0.1:8080",
        "+   shop.example/ -> shop at 10.0.1.1:3000",
        "+   wiki.example/ -> wiki at wiki.internal:443",
        "+ application shop, asked for by shop.example, *.shop.example",
        "nothing was written: --apply --why TEXT does it",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let (status, _, complaint) = ledger.run(&["discover", "gateway", &file, "--apply"]);
    assert_eq!(status, 2);
    assert!(complaint.contains("--why"), "{complaint}");
    let apply = ["discover", "gateway", &file, "--apply", "--why", "a test"];
    let (_, said, _) = ledger.run(&apply);
    assert!(said.ends_with("brought into the ledger\n"), "{said}");
    let (_, said, _) = ledger.run(&apply);
    assert!(said.ends_with("the ledger has all of it\n"), "{said}");
    assert!(!said.contains('+'), "{said}");
    // Both changes of the first time, by name, and none of the second.
    let log = ledger.store().read(|it| it.audit(None, Paging::default()));
    let entries = log.unwrap().items;
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert!(
        entries
            .iter()
            .all(|it| it.who == "ann" && it.why == "a test")
    );
}

#[test]
fn what_vanished_is_told_and_forgotten_only_if_asked() {
    let ledger = Ledger::new();
    let file = ledger.file("gateway.toml", GATEWAY);
    let apply = ["discover", "gateway", &file, "--apply", "--why", "a test"];
    ledger.run(&apply);
    let shorter = GATEWAY
        .split("[[application]]\nname = \"wiki\"")
        .next()
        .unwrap();
    std::fs::write(&file, shorter).unwrap();
    for _ in 0..2 {
        let (_, said, _) = ledger.run(&apply);
        assert!(said.contains("-   wiki.example/ -> wiki"), "{said}");
        let vanished = "application wiki vanished: edge does not lead to it any more";
        assert!(said.contains(vanished), "{said}");
    }
    let (_, said, _) = ledger.run(&[&apply[..], &["--forget", "--json"]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["points"][0]["lost"][0], "wiki");
    assert_eq!(
        said["points"][0]["value"]["applications"],
        serde_json::json!(["shop"])
    );
    let (_, said, _) = ledger.run(&apply);
    assert!(!said.contains("wiki"), "{said}");
    // The application itself stays.
    let store = Store::open(&Location::folder(ledger.folder.path()), Limits::default()).unwrap();
    assert!(
        store
            .read(|it| it.get::<ledger::Application>("wiki"))
            .is_ok()
    );
}

#[test]
fn applications_are_known_by_their_hosts_across_sources() {
    let ledger = Ledger::new();
    let file = ledger.file("gateway.toml", GATEWAY);
    ledger.run(&["discover", "gateway", &file, "--apply", "--why", "a test"]);
    let (_, said, _) = ledger.run(&["discover", "envoy", &source("envoy.yaml"), "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let paths = said["points"][0]["value"]["paths"].as_array().unwrap();
    let of = |host: &str, prefix: &str| {
        let fits = |it: &&Value| it["host"] == host && it["prefix"] == prefix;
        let found = paths
            .iter()
            .filter(fits)
            .map(|it| it["application"].as_str().unwrap());
        found.collect::<Vec<_>>()
    };
    // Both versions behind the host are the shop, whatever their clusters are called.
    assert_eq!(of("shop.example", "/"), ["shop", "shop"]);
    assert_eq!(said["points"][0]["value"]["kind"], "envoy");
    let (_, said, _) = ledger.run(&["discover", "dns", &source("zone.db"), "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let unknown = said["unknown_hosts"].as_array().unwrap();
    assert!(unknown.is_empty(), "{unknown:?}");
    let (_, said, _) = ledger.run(&["discover", "openapi", &source("api.yaml"), "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let shop = said["applications"].as_array().unwrap();
    let shop = shop.iter().find(|it| it["value"]["id"] == "shop").unwrap();
    assert_eq!(shop["new_hosts"], serde_json::json!(["eu.shop.example"]));
}

#[test]
fn wrong_use_is_told() {
    let ledger = Ledger::new();
    let file = ledger.file("gateway.toml", GATEWAY);
    ledger.run(&["discover", "gateway", &file, "--apply", "--why", "a test"]);
    let envoy = source("envoy.yaml");
    ledger.run(&["discover", "envoy", &envoy, "--apply", "--why", "a test"]);
    let hosts = ledger.file("list", "shop.example x\n");
    for (words, complaint) in [
        (
            vec!["apache", &file],
            "no kind of source: it is one of envoy",
        ),
        (
            vec!["gateway", &file, &file],
            "each is an ingress point of its own",
        ),
        (vec!["gateway", "absent.toml"], "absent.toml"),
        (
            vec!["nginx", "absent.conf"],
            "absent.conf: cannot be opened",
        ),
        (vec!["hosts", &hosts], "list:1: `x` is no IP address"),
        (
            vec!["gateway", &file, "--environment", "test"],
            "ingress point edge is in the environment production",
        ),
        (
            vec!["gateway", &file, "--ingress", "envoy"],
            "ingress point envoy is of the kind envoy",
        ),
    ] {
        let (status, _, said) = ledger.run(&[&["discover"][..], &words].concat());
        assert_eq!(status, 2, "{words:?}");
        assert!(said.contains(complaint), "{said}");
    }
}

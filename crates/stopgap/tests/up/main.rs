//! `stopgap up`: from nothing to an enforced patch and back by commands alone, and what people do in its console.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod legitimate;
#[path = "../support/site.rs"]
mod site;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod support;
#[path = "../support/up.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod up;

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use site::{ATTACK, application, becomes, get, traversal};
use up::{Up, run};

/// How long something may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);

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
    let up = Up::start(&data, None, &["--sample"]);
    for (list, least) in [
        ("assets", 6),
        ("applications", 2),
        ("findings", 5),
        ("patches", 4),
        ("campaigns", 1),
        ("exceptions", 2),
    ] {
        assert!(up.list(list).len() >= least, "{list}");
    }
    let rollouts = up.list("rollouts");
    let stages: Vec<_> = rollouts
        .iter()
        .map(|it| it["value"]["stage"].clone())
        .collect();
    assert_eq!(
        stages,
        ["enforce", "canary", "shadow", "test", "enforce", "shadow"]
    );
    // Its shop is real: people visit it, and those who attack it are stopped.
    becomes(up.place("gateway"), "/search?q=honey", "HTTP/1.1 200");
    let end = Instant::now() + PATIENCE;
    while !up.list("events").iter().any(|it| it["action"] == "block") {
        assert!(Instant::now() < end, "nobody is stopped");
        std::thread::sleep(Duration::from_millis(100));
    }
    // It is an example: a ledger that is in use is left alone.
    drop(up);
    let again = Up::start(&data, application(), &["--sample"]);
    assert_eq!(again.list("rollouts").len(), rollouts.len());
}

#[test]
fn the_shop_is_shown_in_the_example_and_on_this_machine_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(Up::start(&data, application(), &[]));
    let up = Up::start(&data, None, &["--sample"]);
    let answer = get(up.place("gateway"), "/").to_ascii_lowercase();
    assert!(!answer.contains("x-shop-version"), "{answer}");
    drop(up);
    let refused = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args([
            "up",
            "--sample",
            "--listen",
            "127.0.0.1:0",
            "--gateway",
            "0.0.0.0:0",
        ])
        .arg("--data")
        .arg(&data)
        .output()
        .unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && why.contains("vulnerable on purpose"),
        "{why}"
    );
}

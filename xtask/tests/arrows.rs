//! Dependencies point one way: the arrows of ARCHITECTURE.md, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of them may import.
const MAY: &[(&str, &[&str])] = &[
    ("seclang", &[]),
    ("engine", &["seclang"]),
    ("patch", &["engine", "seclang"]),
    ("factory", &["engine", "patch", "seclang"]),
    ("shop", &[]),
    ("wire", &[]),
    ("discovery", &[]),
    ("gateway", &["engine", "wire"]),
    ("ledger", &[]),
    ("inventory", &["ledger"]),
    ("advisories", &["ledger"]),
    ("campaign", &["ledger"]),
    ("store", &["campaign", "ledger", "wire"]),
    (
        "control",
        &["campaign", "inventory", "ledger", "store", "wire"],
    ),
    (
        "stopgap",
        &[
            "advisories",
            "campaign",
            "control",
            "discovery",
            "engine",
            "executor",
            "factory",
            "gateway",
            "inventory",
            "ledger",
            "patch",
            "seclang",
            "shop",
            "store",
            "wire",
        ],
    ),
    ("bench", &["engine", "patch", "seclang"]),
    ("score", &["engine", "factory", "patch"]),
    (
        "promises",
        &[
            "advisories",
            "discovery",
            "engine",
            "factory",
            "gateway",
            "inventory",
            "ledger",
            "patch",
            "seclang",
        ],
    ),
    ("executor", &["campaign", "ledger"]),
    ("testbed", &[]),
    ("xtask", &[]),
];

/// Crates that do no I/O, and what they must not build on.
const PURE: &[&str] = &[
    "seclang",
    "engine",
    "ledger",
    "inventory",
    "advisories",
    "campaign",
    "discovery",
];
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "axum",
    "notify",
    "reqwest",
    "ureq",
    "lettre",
    "time",
    "jiff",
    "chrono",
    "rusqlite",
    "postgres",
    "tokio-postgres",
];
/// Calendars need time zones, and sources write days; clippy refuses these crates the clock.
const RECKON: (&[&str], &str) = (&["campaign", "inventory", "advisories"], "jiff");

#[test]
fn every_crate_imports_only_what_the_map_allows() {
    let imports = imports();
    let allowed: BTreeMap<_, _> = MAY.iter().copied().collect();
    for (name, dependencies) in &imports {
        let may = allowed.get(name.as_str());
        assert!(
            may.is_some(),
            "{name} is not on the map: add it to ARCHITECTURE.md and here"
        );
        for dependency in dependencies
            .iter()
            .filter(|name| imports.contains_key(*name))
        {
            assert!(
                may.is_some_and(|may| may.contains(&dependency.as_str())),
                "{name} must not import {dependency}"
            );
        }
    }
}

#[test]
fn crates_that_decide_do_no_input_and_output() {
    let imports = imports();
    for name in PURE {
        for impure in IMPURE {
            let found = imports
                .get(*name)
                .is_some_and(|names| names.contains(*impure));
            assert!(
                !found || RECKON.0.contains(name) && RECKON.1 == *impure,
                "{name} must not import {impure}: bytes come in, decisions go out"
            );
        }
    }
}

/// `cargo deny` is not installed everywhere; it also sees who builds on these crates outside of ours.
#[test]
fn only_those_that_deny_toml_names_build_on_what_it_bans() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rules: toml::Table = text.parse().unwrap_or_default();
    let banned = rules.get("bans").and_then(|bans| bans.get("deny"));
    let banned = banned.and_then(toml::Value::as_array).cloned();
    let banned = banned.unwrap_or_default();
    assert!(banned.len() > 3, "deny.toml bans {} crates", banned.len());
    let all = imports_of(|_| true);
    for ban in banned {
        let name = ban.get("crate").and_then(toml::Value::as_str);
        let name = name.unwrap_or_default();
        let wrappers = ban.get("wrappers").and_then(toml::Value::as_array);
        let may: Vec<&str> = wrappers
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        for (crate_name, dependencies) in &all {
            assert!(
                !dependencies.contains(name) || may.contains(&crate_name.as_str()),
                "{crate_name} must not build on {name}, says deny.toml: {ban}"
            );
        }
    }
}

#[test]
fn cargo_run_means_the_program() {
    let metadata = metadata();
    let default = &metadata["workspace_default_members"];
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let targets = packages
        .iter()
        .filter(|package| {
            let mut ids = default.as_array().into_iter().flatten();
            ids.any(|id| *id == package["id"])
        })
        .flat_map(|package| package["targets"].as_array().cloned().unwrap_or_default());
    let programs: Vec<Value> = targets
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].clone())
        .collect();
    assert_eq!(
        programs,
        ["stopgap"],
        "the README says `cargo run --release -- demo`"
    );
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    serde_json::from_slice(&output).unwrap_or_default()
}

/// The direct dependencies of each workspace member, those of tests left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    imports_of(|kind| kind != "dev")
}

/// The same, of the kinds that are asked for: `null`, `"dev"` or `"build"`.
fn imports_of(is_wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let found: BTreeMap<_, _> = list(&metadata["packages"])
        .iter()
        .map(|package| {
            let dependencies = list(&package["dependencies"]);
            let direct = dependencies
                .iter()
                .filter(|each| is_wanted(&each["kind"]))
                .map(name);
            (name(package), direct.collect())
        })
        .collect();
    assert!(!found.is_empty(), "cargo metadata names no packages");
    found
}

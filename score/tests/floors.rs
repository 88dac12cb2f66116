//! What imported patches have reached on the corpora is not lost.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Floors {
    floor: Vec<Floor>,
}

#[derive(Deserialize)]
struct Floor {
    of: String,
    what: String,
    least: Option<f64>,
    most: Option<f64>,
}

#[derive(Deserialize)]
struct Row {
    of: String,
    what: String,
    value: Option<f64>,
}

#[test]
fn imported_patches_stop_and_let_pass_what_they_did() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora");
    let told = std::env::var_os("STOPGAP_CORPORA");
    if told.is_none() && !Path::new(beside).is_dir() {
        eprintln!("skipped: there are no corpora; name their folder in STOPGAP_CORPORA");
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_score"))
        .args(["--quick", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Row> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    let floors: Floors = toml::from_str(include_str!("../testdata/floors.toml")).unwrap();
    for floor in floors.floor {
        let is = |row: &&Row| row.of == floor.of && row.what == floor.what;
        let value = rows.iter().find(is).and_then(|row| row.value);
        let holds = value.is_some_and(|value| {
            floor.least.is_none_or(|least| value >= least)
                && floor.most.is_none_or(|most| value <= most)
        });
        assert!(
            holds,
            "{}, {}: {value:?}, not {:?} to {:?}; see `cargo xtask score --misses`\n{errors}",
            floor.of, floor.what, floor.least, floor.most
        );
    }
}

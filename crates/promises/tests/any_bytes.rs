//! The promises on bytes that look a little like what is parsed, and on all that fuzzing found.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use promises::ALL;
use proptest::prelude::*;

/// Pieces of each format, by promise.
static PIECES: LazyLock<BTreeMap<String, Vec<String>>> =
    LazyLock::new(|| toml::from_str(include_str!("../testdata/pieces.toml")).unwrap());

/// Pieces in any order with other bytes between, or some of them in the order of a whole source.
fn bytes(name: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let pieces = &PIECES[name];
    let piece = prop::sample::select(pieces.as_slice()).prop_map(String::into_bytes);
    let part = prop_oneof![4 => piece, 1 => any::<u8>().prop_map(|byte| vec![byte])];
    let parts = prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat());
    let ordered = prop::sample::subsequence(pieces.as_slice(), 0..=pieces.len());
    prop_oneof![parts, ordered.prop_map(|parts| parts.concat().into_bytes())]
}

#[test]
fn every_promise_holds_on_bytes_of_its_kind() {
    for (name, promise) in ALL {
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        };
        proptest!(config, |(bytes in bytes(name))| promise(&bytes));
    }
}

#[test]
fn every_promise_holds_on_what_fuzzing_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for (name, promise) in ALL {
        let Ok(finds) = std::fs::read_dir(folder.join(name)) else {
            continue;
        };
        for find in finds {
            let find = find.unwrap().path();
            eprintln!("{}", find.display());
            promise(&std::fs::read(&find).unwrap());
        }
    }
}

#[test]
fn every_promise_has_a_fuzz_target_and_every_target_a_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (name, _) in ALL {
        let target = folder.join(format!("fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(&target).unwrap();
        assert!(
            text.contains(&format!("promises::check(\"{name}\", bytes)")),
            "{name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(
        std::fs::read_dir(folder.join("fuzz_targets"))
            .unwrap()
            .count(),
        ALL.len()
    );
}

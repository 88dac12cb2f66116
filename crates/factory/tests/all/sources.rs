//! What is found in recordings, reports and contracts, and what the patches of it stop.

use crate::support::{Patch, imports, options};
use factory::{Outcome, importers};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    kind: String,
    file: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    source: String,
    found: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    /// A part of the reason where it is no patch.
    rejected: Option<String>,
    needless: Option<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    stops: Vec<String>,
    #[serde(default)]
    passes: Vec<String>,
}

/// Everything of a table that is not as it says.
fn wrong(table: &str) -> Vec<String> {
    let table: Table = toml::from_str(table).unwrap();
    let mut wrong = Vec::new();
    for case in &table.case {
        let found = imports(&table.kind, &case.source, &table.file, false);
        let ids = |ids: Vec<&str>| ids.join(", ");
        let told = ids(found.iter().map(|found| found.id.as_str()).collect());
        let expected = ids(case.found.iter().map(|found| found.id.as_str()).collect());
        if told != expected {
            wrong.push(format!(
                "{}: found {told}, not {expected}: {found:?}",
                case.name
            ));
            continue;
        }
        for (found, expected) in found.iter().zip(&case.found) {
            let name = format!("{}, {}", case.name, found.id);
            let why = match (&found.outcome, &expected.rejected, &expected.needless) {
                (Outcome::Patch(made), None, None) => as_expected(&made.yaml, expected),
                (Outcome::Rejected(why), Some(part), _) if why.contains(part) => continue,
                (Outcome::Needless(why), _, Some(part)) if why.contains(part) => continue,
                (outcome, ..) => vec![format!("{outcome:?}")],
            };
            wrong.extend(why.into_iter().map(|why| format!("{name}: {why}")));
        }
    }
    wrong
}

fn as_expected(yaml: &str, expected: &Found) -> Vec<String> {
    let patch = Patch::of(yaml);
    let mut wrong = Vec::new();
    for (requests, stopped) in [(&expected.stops, true), (&expected.passes, false)] {
        for request in requests {
            if patch.stops(request) != stopped {
                wrong.push(format!("{request:?} should be stopped: {stopped}\n{yaml}"));
            }
        }
    }
    let lacks = expected.says.iter().filter(|text| !yaml.contains(*text));
    wrong.extend(lacks.map(|text| format!("{text:?} is not in\n{yaml}")));
    wrong
}

/// One test a table.
macro_rules! tables {
    ($($test:ident $file:literal;)*) => {
        $(#[test]
        fn $test() {
            let wrong = wrong(include_str!(concat!("../../testdata/import/", $file)));
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        })*
    };
}

tables! {
    raw_requests_are_exploits_also_as_editors_write_them "http.toml";
    a_recording_is_one_exploit "har.toml";
    alerts_of_zap_become_patches_by_path "zap.toml";
    issues_of_burp_become_patches "burp.toml";
    results_of_code_scanners_become_patches_where_they_tell_enough "sarif.toml";
    contracts_become_patches_of_what_they_allow "openapi.toml";
}

#[test]
fn a_source_that_was_cut_off_is_answered() {
    for table in [
        include_str!("../../testdata/import/har.toml"),
        include_str!("../../testdata/import/http.toml"),
        include_str!("../../testdata/import/zap.toml"),
        include_str!("../../testdata/import/burp.toml"),
        include_str!("../../testdata/import/openapi.toml"),
        include_str!("../../testdata/import/sarif.toml"),
    ] {
        let table: Table = toml::from_str(table).unwrap();
        for importer in importers() {
            for case in &table.case {
                let step = case.source.len() / 7 + 1;
                for at in (0..case.source.len()).step_by(step) {
                    let Some(cut) = case.source.get(..at) else {
                        continue;
                    };
                    let found = importer.import(cut, &table.file, &options(false));
                    assert!(!found.is_empty(), "{}: {}: {cut}", importer.kind, case.name);
                }
            }
        }
    }
}

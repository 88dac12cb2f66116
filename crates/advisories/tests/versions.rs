//! The order of versions, against what defines it, and against the tools that are there.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::process::Command;

use advisories::Limits;
use advisories::version::{SCHEMES, Scheme};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    ascending: Vec<String>,
    #[serde(default)]
    same: Vec<String>,
    #[serde(default)]
    unknown: Vec<String>,
}

fn table() -> BTreeMap<String, Vec<Row>> {
    toml::from_str(include_str!("../testdata/versions.toml")).unwrap()
}

fn compare(scheme: Scheme, left: &str, right: &str) -> Option<Ordering> {
    scheme.compare(left, right, &Limits::default())
}

/// Every pair that the table says something of.
fn pairs(rows: &[Row]) -> Vec<(&str, &str, Ordering)> {
    let mut pairs = Vec::new();
    for row in rows {
        for (at, left) in row.ascending.iter().enumerate() {
            for (other, right) in row.ascending.iter().enumerate() {
                pairs.push((left.as_str(), right.as_str(), at.cmp(&other)));
            }
        }
        for left in &row.same {
            for right in &row.same {
                pairs.push((left, right, Ordering::Equal));
            }
        }
    }
    pairs
}

#[test]
fn versions_are_ordered_as_their_ecosystem_says() {
    let table = table();
    for (name, scheme) in SCHEMES {
        let rows = &table[*name];
        for (left, right, expected) in pairs(rows) {
            let found = compare(*scheme, left, right);
            assert_eq!(found, Some(expected), "{name}: {left} and {right}");
        }
        for version in rows.iter().flat_map(|row| &row.unknown) {
            assert_eq!(compare(*scheme, version, "1"), None, "{name}: {version}");
            assert_eq!(compare(*scheme, "1", version), None, "{name}: {version}");
        }
    }
    assert_eq!(table.len(), SCHEMES.len());
}

#[test]
fn a_version_beyond_the_limit_is_unknown() {
    let long = "1.".repeat(200) + "0";
    for (name, scheme) in SCHEMES {
        assert_eq!(compare(*scheme, &long, "1"), None, "{name}");
        assert_eq!(compare(*scheme, "1", "1\u{e9}"), None, "{name}");
    }
}

/// On systems without dpkg there is nothing to compare with.
#[test]
fn dpkg_agrees() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        return;
    }
    for (left, right, _) in pairs(&table()["dpkg"]) {
        let operator = match compare(Scheme::Dpkg, left, right).unwrap() {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        let arguments = ["--compare-versions", left, operator, right];
        let status = Command::new("dpkg").args(arguments).status().unwrap();
        assert!(status.success(), "dpkg: {left} is not {operator} {right}");
    }
}

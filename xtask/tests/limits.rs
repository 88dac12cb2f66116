//! docs/limits.md says what the source says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The rows of the table under a heading: the name, its number, the last cell.
fn rows(page: &str, heading: &str) -> BTreeMap<String, (u64, String)> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            let last = cells.get(cells.len().checked_sub(2)?)?;
            Some((
                name.to_owned(),
                (cells.get(2)?.parse().ok()?, (*last).to_owned()),
            ))
        })
        .collect()
}

/// `64 * 1024` and the like.
fn product(expression: &str) -> u64 {
    let factors = expression
        .split('*')
        .map(|factor| factor.trim().replace('_', ""));
    factors
        .map(|factor| factor.parse::<u64>().unwrap())
        .product()
}

/// The fields of a `Default` implementation: all that the type has, as the compiler sees to.
fn defaults(path: &str) -> BTreeMap<String, u64> {
    let text = read(path);
    let (_, body) = text
        .split_once("fn default() -> Self {\n        Self {\n")
        .unwrap();
    let body = body.split("\n        }").next().unwrap();
    body.lines()
        .map(|line| {
            let (name, value) = line.trim().trim_end_matches(',').split_once(": ").unwrap();
            (name.to_owned(), product(value))
        })
        .collect()
}

#[test]
fn every_limit_is_on_the_page_with_its_default() {
    let page = read("docs/limits.md");
    for (heading, path) in [
        ("Of the gateway", "crates/gateway/src/limits.rs"),
        ("Of inspection", "crates/engine/src/limits.rs"),
        ("Of rules and documents", "crates/seclang/src/limits.rs"),
        ("Of sources of patches", "crates/factory/src/limits.rs"),
        (
            "Of sources of ingress paths",
            "crates/discovery/src/limits.rs",
        ),
        ("Of sources of assets", "crates/inventory/src/limits.rs"),
        (
            "Of sources of advisories",
            "crates/advisories/src/limits.rs",
        ),
        ("Of what the ledger keeps", "crates/ledger/src/limits.rs"),
        (
            "Of the ledger's API and console",
            "crates/control/src/limits.rs",
        ),
        ("Of the ledger's database", "crates/store/src/limits.rs"),
    ] {
        let told: BTreeMap<String, u64> = rows(&page, heading)
            .into_iter()
            .map(|(name, (number, _))| (name, number))
            .collect();
        assert_eq!(
            told,
            defaults(path),
            "docs/limits.md, {heading}, and {path}"
        );
    }
}

#[test]
fn fixed_bounds_are_as_the_page_says() {
    let page = read("docs/limits.md");
    let fixed = rows(&page, "Fixed");
    assert!(fixed.len() > 5, "the table of fixed bounds is not read");
    for (name, (number, path)) in fixed {
        let text = read(&path);
        let line = text
            .lines()
            .find(|line| line.contains(&format!("const {name}: ")))
            .unwrap_or_else(|| panic!("{path} has no {name}"));
        let value = line.split(" = ").nth(1).unwrap().trim_end_matches(';');
        assert_eq!(product(value), number, "{name} in {path}");
    }
}

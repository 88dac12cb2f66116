//! Variants of exploits are what their names say, and `docs/evasions.md` names all of them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeSet, HashSet};

use patch::{Request, Variant};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    request: Vec<Row>,
    value: Vec<ValueRow>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    raw: String,
    variants: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct ValueRow {
    is: String,
    becomes: Vec<(String, String)>,
}

fn table() -> Table {
    toml::from_str(include_str!("../testdata/evasions.toml")).unwrap()
}

/// A value in a body that is not encoded in any way.
fn plain(value: &str) -> Request {
    let head = b"POST / HTTP/1.1\nHost: app\nContent-Type: application/octet-stream\n\n";
    Request::from_raw(&[head, value.as_bytes()].concat()).unwrap()
}

fn requests() -> Vec<Request> {
    let table = table();
    let raw = table.request.iter().map(|row| &row.raw);
    raw.map(|raw| Request::from_raw(raw.as_bytes()).unwrap())
        .chain(table.value.iter().map(|row| plain(&row.is)))
        .collect()
}

fn named<'v>(variants: &'v [Variant], name: &str) -> &'v Variant {
    let names: Vec<&str> = variants.iter().map(|each| each.name.as_str()).collect();
    let variant = variants.iter().find(|each| each.name == name);
    variant.unwrap_or_else(|| panic!("{name} is none of {names:#?}"))
}

#[test]
fn every_variant_is_what_its_name_says() {
    let table = table();
    for row in &table.request {
        let request = Request::from_raw(row.raw.as_bytes()).unwrap();
        let variants = patch::evasions(&request);
        for (name, shown) in &row.variants {
            let wire = named(&variants, name).request.wire();
            let wire = String::from_utf8_lossy(&wire);
            assert!(
                wire.contains(shown.as_str()),
                "{}, {name}:\n{wire}",
                row.name
            );
        }
    }
    for row in &table.value {
        let variants = patch::evasions(&plain(&row.is));
        for (name, expected) in &row.becomes {
            let body = &named(&variants, name).request.body;
            assert_eq!(String::from_utf8_lossy(body), *expected, "{name}");
        }
    }
}

#[test]
fn every_evasion_has_its_own_name_and_something_that_it_changes() {
    let requests = requests();
    let mut names = HashSet::new();
    for evasion in patch::catalogue() {
        assert!(names.insert(evasion.name), "{} comes twice", evasion.name);
    }
    let idle: Vec<&str> = patch::catalogue()
        .filter(|evasion| requests.iter().all(|each| evasion.apply(each).is_none()))
        .map(|evasion| evasion.name)
        .collect();
    assert!(idle.is_empty(), "change no request of the table: {idle:#?}");
}

#[test]
fn no_variant_comes_twice_and_none_is_the_exploit_itself() {
    for request in requests() {
        let mut seen = HashSet::from([request.wire()]);
        let variants = patch::evasions(&request);
        for variant in &variants {
            assert!(seen.insert(variant.request.wire()), "{}", variant.name);
        }
        let some: Vec<Variant> = variants.into_iter().take(5).collect();
        for variant in patch::compositions(&request, &some) {
            assert!(seen.insert(variant.request.wire()), "{}", variant.name);
        }
    }
}

#[test]
fn compositions_change_what_is_changed_within_the_bound() {
    let request = requests().remove(0);
    let variants = patch::evasions(&request);
    let composed: Vec<Variant> = patch::compositions(&request, &variants).collect();
    assert!(
        (1000..=5000).contains(&composed.len()),
        "{}",
        composed.len()
    );
    let kinds: BTreeSet<&str> = composed
        .iter()
        .filter_map(|variant| Some(variant.name.split_once(", then ")?.0))
        .collect();
    let missing: Vec<&Variant> = variants
        .iter()
        .filter(|variant| !kinds.contains(variant.name.as_str()))
        .collect();
    assert!(missing.is_empty(), "the bound leaves whole evasions out");
    let few = [named(&variants, "parameters moved to JSON").clone()];
    let composed: Vec<Variant> = patch::compositions(&request, &few).collect();
    let escaped = named(
        &composed,
        "parameters moved to JSON, then JSON strings as \\u escapes",
    );
    let body = String::from_utf8_lossy(&escaped.request.body);
    assert!(body.contains("\\u004f\\u0027\\u0072"), "{body}");
}

#[test]
fn the_reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evasions.md");
    let page = patch::reference();
    if std::env::var_os("STOPGAP_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/evasions.md is not current; run STOPGAP_WRITE_DOCS=1 cargo test -p patch --test evasions"
    );
}

//! What is found in recordings, reports and contracts, and what the patches of it stop.

use std::collections::BTreeMap;

use crate::support::{Patch, importer, options};
use factory::{Beside, Options, Outcome, importers};
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
    /// Another than the table's.
    kind: Option<String>,
    file: Option<String>,
    /// Beside it, by their paths from its folder on.
    #[serde(default)]
    files: BTreeMap<String, String>,
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

/// What stands for a folder.
struct Files(BTreeMap<String, String>);

impl engine::Resources for Files {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        let text = self.0.get(name).ok_or("it is not there")?;
        Ok(text.clone().into_bytes())
    }
}

/// Everything of a table that is not as it says.
fn wrong(table: &str) -> Vec<String> {
    let table: Table = toml::from_str(table).unwrap();
    let mut wrong = Vec::new();
    for case in &table.case {
        let kind = case.kind.as_ref().unwrap_or(&table.kind);
        let file = case.file.as_ref().unwrap_or(&table.file);
        let options = Options {
            beside: Beside::new(Files(case.files.clone())),
            ..options(false)
        };
        let found = importer(kind).import(&case.source, file, &options);
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
    files_beside_a_source_are_part_of_it "beside.toml";
    raw_requests_are_exploits_also_as_editors_write_them "http.toml";
    a_recording_is_one_exploit "har.toml";
    alerts_of_zap_become_patches_by_path "zap.toml";
    issues_of_burp_become_patches "burp.toml";
    results_of_code_scanners_become_patches_where_they_tell_enough "sarif.toml";
    contracts_become_patches_of_what_they_allow "openapi.toml";
}

#[test]
fn a_fault_behind_very_many_requests_is_told_with_its_line() {
    // Each part would take as long as all before it, if their lines were counted again.
    let parts = 700_000;
    let source = "###\n# no\n".repeat(parts) + "###\n\nGET\n";
    let found = importer("http").import(&source, "many.http", &options(false));
    let [only] = &found[..] else {
        panic!("{found:?}");
    };
    let place = format!("many.http:{}: ", parts * 2 + 3);
    assert!(
        matches!(&only.outcome, Outcome::Rejected(why) if why.starts_with(&place)),
        "{only:?}"
    );
}

#[test]
fn a_source_that_was_cut_off_is_answered() {
    for table in [
        include_str!("../../testdata/import/har.toml"),
        include_str!("../../testdata/import/beside.toml"),
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

#[test]
fn a_request_whose_body_is_no_text_becomes_a_patch() {
    let head = b"# mailed by a friend\n@host = app.example\n\nPOST https://{{host}}/session?a=b HTTP/1.1\nContent-Type: application/octet-stream\n\n";
    let body = b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap\n\n\xff";
    let source = [&head[..], body].concat();
    let found = importer("http").import_bytes(&source, "mailed.http", &options(false));
    let Outcome::Patch(made) = &found[0].outcome else {
        panic!("{found:?}");
    };
    assert!(made.yaml.contains("deserialization"), "{}", made.yaml);
    let parsed = patch::Source::parse("p", &made.yaml).unwrap();
    let case = &parsed.document.cases.exploit[0];
    let request = patch::Request::of(&case.request).unwrap();
    assert_eq!(request.body, body);
    assert_eq!(request.target, b"/session?a=b");

    let second = b"###\n\nPOST /other HTTP/1.1\nHost: app.example\n\n";
    let both = [&source[..], b"\n", second, &body[..]].concat();
    let found = importer("http").import_bytes(&both, "mailed.http", &options(false));
    let Outcome::Patch(made) = &found[0].outcome else {
        panic!("{found:?}");
    };
    let parsed = patch::Source::parse("p", &made.yaml).unwrap();
    let cases = parsed.document.cases.exploit.iter();
    let targets: Vec<Vec<u8>> = cases
        .map(|case| patch::Request::of(&case.request).unwrap().target)
        .collect();
    assert_eq!(targets, [&b"/session?a=b"[..], b"/other"]);
    let broken = [&source[..], b"\n###\nPOST"].concat();
    let found = importer("http").import_bytes(&broken, "mailed.http", &options(false));
    let Outcome::Rejected(why) = &found[0].outcome else {
        panic!("{found:?}");
    };
    assert!(why.starts_with("mailed.http:11: "), "{why}");

    // `{"cmd":"ping; cat /etc/passwd"}`, by gzip.
    let head = b"POST /import HTTP/1.1\nHost: app.example\nContent-Type: application/json\nContent-Encoding: gzip\n\n";
    let body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xabVJ\xceMQ\xb2R*\xc8\xccK\xb7VHN,Q\xd0O-I\xd6/H,..OQ\xaa\x05\x00\xab5I\x9f\x1f\x00\x00\x00";
    let source = [&head[..], body].concat();
    let found = importer("http").import_bytes(&source, "mailed.http", &options(false));
    let Outcome::Patch(made) = &found[0].outcome else {
        panic!("{found:?}");
    };
    let patch = Patch::of(&made.yaml);
    let sent = |value: &str| {
        let request = "POST /import\nContent-Type: application/json\n\n";
        patch.stops(&format!("{request}{{\"cmd\":\"{value}\"}}"))
    };
    assert!(sent("ping;id") && !sent("ping"), "{}", made.yaml);

    // Each is 31 bytes, and all share what a source may inflate to.
    let twice = [&source[..], b"\n###\n", &source].concat();
    let within = |bytes| {
        let mut options = options(false);
        options.limits.inflated_bytes = bytes;
        let found = importer("http").import_bytes(&twice, "mailed.http", &options);
        found[0].outcome.clone()
    };
    assert!(matches!(within(62), Outcome::Patch(_)));
    let Outcome::Rejected(why) = within(61) else {
        panic!("more than a source may have");
    };
    assert!(why.contains("inflate"), "{why}");

    let found = importer("curl").import_bytes(b"curl\n\xff", "a.curl", &options(false));
    let Outcome::Rejected(why) = &found[0].outcome else {
        panic!("{found:?}");
    };
    assert_eq!(why, "a.curl:2: it is no UTF-8");
}

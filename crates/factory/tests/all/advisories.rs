//! What records know goes into patches, and nothing else of a patch changes.

use factory::import::advisory::merge;
use patch::Source;
use patch::document::Vulnerability;
use serde::Deserialize;

const KEV: &str = r#"{"vulnerabilities": [{"cveID": "CVE-2026-1000"}, {"cveID": "CVE-1999-1"}]}"#;

const PATCH: &str = "\
# why it is there
stopgap: 1
id: ID
title: a title
severity: low # for now
vulnerability:
  aliases:
  - OLD-1
  cwe: [CWE-79]
owner: team@example.org
# what it looks for
rules:
- deny: { where: [query.q], when: xss }
";

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    id: String,
    record: String,
    severity: Option<String>,
    error: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    cwe: Vec<String>,
    #[serde(default)]
    affects: Vec<String>,
    fixed_in: Option<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    known_exploited: bool,
}

#[test]
fn what_a_record_knows_goes_into_the_patch() {
    let table: Table = toml::from_str(include_str!("../../testdata/import/advisory.toml")).unwrap();
    for case in table.case {
        let patch = PATCH.replace("id: ID", &format!("id: {}", case.id));
        let record = ("record.json", case.record.as_str());
        let merged = merge(("patch.yaml", &patch), record, Some(("kev.json", KEV)));
        let name = &case.name;
        let text = match (merged, case.error) {
            (Ok(text), None) => text,
            (Err(why), Some(part)) => {
                assert!(why.contains(&part), "{name}: {why}");
                continue;
            }
            (merged, _) => panic!("{name}: {merged:?}"),
        };
        let document = Source::parse("patch.yaml", &text).unwrap().document;
        let expected = Vulnerability {
            aliases: case.aliases,
            cwe: case.cwe,
            affects: case.affects,
            fixed_in: case.fixed_in,
            references: case.references,
            known_exploited: case.known_exploited,
        };
        assert_eq!(document.vulnerability, expected, "{name}");
        let severity = format!("severity: {}\n", case.severity.unwrap());
        assert!(text.contains(&severity), "{name}: {text}");
        for kept in [
            "# why it is there",
            "# what it looks for\nrules:\n- deny: { where: [query.q], when: xss }\n",
        ] {
            assert!(text.contains(kept), "{name}: {text}");
        }
    }
}

#[test]
fn a_patch_without_a_number_takes_the_only_record() {
    let patch = PATCH.replace("id: ID", "id: shop-search");
    let record = r#"{"id": "OSV-1", "modified": "x", "aliases": ["CVE-2026-9"]}"#;
    let text = merge(("p.yaml", &patch), ("r.json", record), None).unwrap();
    let document = Source::parse("p.yaml", &text).unwrap().document;
    assert_eq!(
        document.vulnerability.aliases,
        ["OLD-1", "CVE-2026-9", "OSV-1"]
    );
}

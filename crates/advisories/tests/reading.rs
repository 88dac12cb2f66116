//! What sources tell, and which software it concerns.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use advisories::read::{KINDS, Told};
use advisories::{Index, Limits, News, assess};
use ledger::ssvc::{Decision, Exploitation};
use ledger::{Advisory, Asset, AssetKind, Criticality, Severity, Software};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    source: [String; 2],
    affected: Vec<[String; 2]>,
    unaffected: Vec<[String; 2]>,
    #[serde(default)]
    unclear: Vec<[String; 2]>,
}

fn read_text(kind: &str, text: &str, name: &str) -> Result<Told, String> {
    let kind = KINDS.iter().find(|it| it.name == kind).unwrap();
    kind.read(text, name, &Limits::default())
}

fn read(kind: &str, name: &str) -> Told {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    read_text(kind, &text, name).unwrap()
}

fn first(kind: &str, name: &str) -> Advisory {
    read(kind, name).news.first().unwrap().after(None).unwrap()
}

#[test]
fn advisories_concern_the_software_that_the_table_says() {
    let table: Table = toml::from_str(include_str!("../testdata/matches.toml")).unwrap();
    for case in table.case {
        let [kind, name] = case.source;
        let told = read(&kind, &name);
        let advisories: Vec<_> = told.news.iter().filter_map(|it| it.after(None)).collect();
        let mut index = Index::new(&advisories, &Limits::default());
        let mut found = |[what, version]: &[String; 2]| {
            let is_cpe = what.starts_with("cpe:");
            let software = Software {
                name: "s".to_owned(),
                version: version.clone(),
                purl: (!is_cpe).then(|| what.clone()),
                cpe: is_cpe.then(|| what.clone()),
                ..Software::default()
            };
            let verdict = index.look_up(&software);
            (verdict.matched.len(), verdict.unclear.len())
        };
        for software in &case.affected {
            assert_eq!(found(software), (1, 0), "{software:?}");
        }
        for software in &case.unaffected {
            assert_eq!(found(software), (0, 0), "{software:?}");
        }
        for software in &case.unclear {
            assert_eq!(found(software), (0, 1), "{software:?}");
        }
    }
}

#[test]
fn a_vulnerability_has_one_name_whichever_source_tells_of_it() {
    let osv = first("osv", "osv-npm.json");
    assert_eq!(osv.id, "CVE-2026-1111");
    assert_eq!(osv.aliases, ["GHSA-aaaa-bbbb-cccc"]);
    assert_eq!(osv.severity, Severity::Critical, "the vector counts");
    assert_eq!(osv.cwe, ["CWE-1321"]);
    let kev = &read("kev", "kev.json").news[0];
    let known = kev.after(Some(&osv)).unwrap();
    assert!(known.exploited && known.affected == osv.affected);
    let entry = known.known_exploited.as_ref().unwrap();
    assert!(entry.ransomware && entry.due_ms.unwrap() - entry.added_ms == 21 * 86_400_000);
    let epss = read("epss", "epss.csv");
    let News::Probability { .. } = &epss.news[0] else {
        unreachable!("a row is a probability");
    };
    let known = epss.news[0].after(Some(&known)).unwrap();
    assert_eq!(known.epss_millionths, Some(943_210));
    let again = News::Advisory(Box::new(osv)).after(Some(&known)).unwrap();
    assert!(again.exploited && again.epss_millionths == Some(943_210));
    assert_eq!(epss.news[1].after(None), None, "of what is not known");
}

#[test]
fn a_product_may_have_a_colon_in_its_name() {
    let text = r#"{"document": {"csaf_version": "2.0"}, "product_tree": {"branches": [
        {"category": "vendor", "name": "Acme", "branches": [
            {"category": "product_name", "name": "Net: Guard", "branches": [
                {"category": "product_version", "name": "1.2", "product": {"product_id": "P"}}]}]}]},
        "vulnerabilities": [{"cve": "CVE-2026-2222", "product_status": {"fixed": ["P"]}}]}"#;
    let told = read_text("csaf", text, "s").unwrap();
    let advisories: Vec<_> = told.news.iter().filter_map(|it| it.after(None)).collect();
    let mut index = Index::new(&advisories, &Limits::default());
    let mut concerns = |version: &str| {
        let software = Software {
            cpe: Some(format!(
                "cpe:2.3:a:acme:net\\:_guard:{version}:*:*:*:*:*:*:*"
            )),
            version: version.to_owned(),
            ..Software::default()
        };
        index.look_up(&software).matched.len()
    };
    assert_eq!((concerns("1.1"), concerns("1.2")), (1, 0));
}

#[test]
fn an_exception_from_a_range_of_csaf_is_no_range() {
    let text = r#"{"document": {"csaf_version": "2.0"}, "product_tree": {"branches": [
        {"category": "product_version_range", "name": "vers:npm/>=1.0.0|!=1.5.0|<2.0.0", "product": {
            "product_id": "P", "product_identification_helper": {"purl": "pkg:npm/guard"}}}]},
        "vulnerabilities": [{"cve": "CVE-2026-3333", "product_status": {"known_affected": ["P"]}}]}"#;
    let told = read_text("csaf", text, "s").unwrap();
    let advisories: Vec<_> = told.news.iter().filter_map(|it| it.after(None)).collect();
    let mut index = Index::new(&advisories, &Limits::default());
    let mut concerns = |version: &str| {
        let software = Software {
            purl: Some(format!("pkg:npm/guard@{version}")),
            ..Software::default()
        };
        let verdict = index.look_up(&software);
        (verdict.matched.len(), verdict.unclear.len())
    };
    assert_eq!(concerns("1.4.0"), (1, 0));
    assert_eq!(concerns("3.0.0"), (0, 0), "nor is it unclear");
}

#[test]
fn what_cannot_be_matched_is_told() {
    let told = read("osv", "osv-npm.json");
    assert_eq!(told.notes.len(), 1);
    assert!(told.notes[0].contains("`Elsewhere`"), "{:?}", told.notes);
}

#[test]
fn the_decision_follows_from_advisory_and_asset() {
    let cve = first("cve", "cve.json");
    assert_eq!(cve.exploitation, Some(Exploitation::Active));
    let mut asset = Asset::new("fw-1", AssetKind::Appliance);
    let decide = |asset: &Asset| assess::inputs(&cve, Some(asset)).decision();
    assert_eq!(
        decide(&asset),
        Decision::Act,
        "what is not known counts as the worse"
    );
    asset.criticality = Some(Criticality::Low);
    assert_eq!(decide(&asset), Decision::Attend);
    let inputs = assess::inputs(&cve, Some(&asset));
    assert!(
        inputs
            .because
            .contains("technical impact: as its source says")
    );
}

#[test]
fn a_source_that_cannot_be_read_says_where_and_what_to_give() {
    for (kind, text, why) in [
        ("osv", "{\n\"id\": }", "s:2: it is no JSON"),
        ("osv", "{}", "s: a record has no id; give OSV"),
        ("osv", "", "s: it is empty"),
        ("csaf", "{}", "s: a document has no document.csaf_version"),
        ("cve", "{}", "s: a document is no CVE record"),
        ("kev", "[]", "s: it is empty"),
        ("kev", "{}", "s: it has no list of vulnerabilities"),
        ("epss", "cve,epss\nCVE-2026-1,2\n", "s:2: a row must be"),
        ("epss", "a,b\n", "s:1: the first row must be"),
    ] {
        let found = read_text(kind, text, "s").unwrap_err();
        assert!(found.starts_with(why), "{kind}: {found}");
    }
}

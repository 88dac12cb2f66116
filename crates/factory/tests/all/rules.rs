//! Rules of others become patches that stop what the rules stop, and prove it by themselves.

use factory::{Imported, Outcome};
use jiff::civil::date;

use patch::{Level, Source};

use serde::Deserialize;

use crate::support::{imports, request};

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
    wrong: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    rules: String,
    effect: Option<String>,
    stops: Vec<String>,
    passes: Vec<String>,
}

#[derive(Deserialize)]
struct Wrong {
    name: String,
    rules: String,
    error: String,
}

#[derive(Deserialize)]
struct Files {
    file: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    text: String,
    #[serde(default)]
    patch: Vec<Expected>,
    #[serde(default)]
    rejected: Vec<Rejected>,
    needless: Option<String>,
}

#[derive(Deserialize)]
struct Expected {
    id: String,
    title: String,
    /// In the comments above the document.
    #[serde(default)]
    told: String,
    stops: Vec<String>,
    passes: Vec<String>,
}

#[derive(Deserialize)]
struct Rejected {
    id: String,
    reason: String,
}

/// A rule file with these rules.
fn crowdsec(rules: &str) -> Outcome {
    let text = format!("name: someone/rule\nrules:\n{rules}");
    imports("crowdsec", &text, "rule.yaml", false)
        .remove(0)
        .outcome
}

/// Whether a patch's rules stop each request as expected.
fn holds(name: &str, yaml: &str, stops: &[String], passes: &[String]) {
    let source = Source::parse(name, yaml).unwrap();
    let compiled = patch::compile(&source).unwrap();
    let plan = patch::prove::plan(&source, &compiled).unwrap();
    for (texts, expected) in [(stops, true), (passes, false)] {
        for text in texts {
            let verdict = request(text).exchange("app").inspect(&plan);
            assert_eq!(
                verdict.decision.is_some(),
                expected,
                "{name}: {text}\n{yaml}"
            );
        }
    }
    let problems = patch::lint(&source, date(2027, 1, 1));
    let errors: Vec<_> = problems
        .iter()
        .filter(|problem| problem.level == Level::Error)
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
}

fn table() -> Table {
    toml::from_str(include_str!("../../testdata/crowdsec.toml")).unwrap()
}

#[test]
fn patches_of_crowdsec_rules_stop_what_the_rules_stop() {
    for case in table().case {
        match crowdsec(&case.rules) {
            Outcome::Patch(made) => {
                holds(&case.name, &made.yaml, &case.stops, &case.passes);
                let effect = made
                    .yaml
                    .lines()
                    .find_map(|line| line.strip_prefix("effect: "));
                assert_eq!(effect, case.effect.as_deref(), "{}", case.name);
            }
            other => panic!("{}: {other:?}", case.name),
        }
    }
}

#[test]
fn crowdsec_rules_that_cannot_be_kept_are_rejected_with_their_line() {
    for case in table().wrong {
        match crowdsec(&case.rules) {
            Outcome::Rejected(why) => assert!(why.contains(&case.error), "{}: {why}", case.name),
            other => panic!("{}: {other:?}", case.name),
        }
    }
}

#[test]
fn what_a_crowdsec_file_says_of_the_vulnerability_is_kept() {
    let text = "name: someone/vpatch-CVE-2026-0001\ndescription: A flaw\nrules:\n- zones: [URI]\n  match: { type: equals, value: /a }\n\
        labels:\n  type: exploit\n  classification: [cve.CVE-2026-0001, attack.T1190, cwe.CWE-22]\n  references: [https://example.org/1]\n";
    let Outcome::Patch(made) = imports("crowdsec", text, "a.yaml", false).remove(0).outcome else {
        panic!("no patch");
    };
    let document = Source::parse("a", &made.yaml).unwrap().document;
    assert_eq!(document.id.value, "vpatch-CVE-2026-0001");
    assert_eq!(document.title.value, "A flaw");
    assert_eq!(document.vulnerability.aliases, ["CVE-2026-0001"]);
    assert_eq!(document.vulnerability.cwe, ["CWE-22"]);
    assert_eq!(document.vulnerability.references, ["https://example.org/1"]);
}

#[test]
fn files_that_stop_nothing_are_told_and_are_no_fault() {
    for (text, why) in [
        (
            "name: a/config\nseclang_rules:\n- SecRule REQUEST_HEADERS:Content-Type \"@rx ^application/json\" \"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n",
            "only sets how bodies are parsed",
        ),
        (
            "name: a/core\nseclang_files_rules: [crs-setup.conf, REQUEST-901-INITIALIZATION.conf]\n",
            "core rule set",
        ),
        (
            "name: a/plugin\ndata:\n- dest_file: x-before.conf\n",
            "has no rule",
        ),
    ] {
        match imports("crowdsec", text, "a.yaml", false).remove(0).outcome {
            Outcome::Needless(said) => assert!(said.contains(why), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn seclang_in_a_crowdsec_file_is_kept() {
    let text = "name: a/b\nseclang_rules:\n- SecRule ARGS:ip \"@contains ;\" \"id:2,phase:2,deny,msg:'semicolon'\"\n";
    let Outcome::Patch(made) = imports("crowdsec", text, "a.yaml", false).remove(0).outcome else {
        panic!("no patch");
    };
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    holds(
        "seclang",
        &made.yaml,
        &texts(&["GET /?ip=1;2"]),
        &texts(&["GET /?ip=1", "GET /?id=1;2"]),
    );
}

#[test]
fn seclang_files_become_patches_by_vulnerability() {
    let files: Files = toml::from_str(include_str!("../../testdata/seclang.toml")).unwrap();
    for file in files.file {
        let found = imports("seclang", &file.text, "rules/vendor.conf", false);
        let (mut patches, mut rejected, mut needless) = (Vec::new(), Vec::new(), None);
        for Imported { id, outcome } in found {
            match outcome {
                Outcome::Patch(made) => patches.push((id, made)),
                Outcome::Rejected(why) => rejected.push((id, why)),
                Outcome::Needless(why) => needless = Some(why),
            }
        }
        let ids = |all: &[String]| all.join(" ");
        let name = &file.name;
        assert_eq!(
            ids(&patches.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>()),
            ids(&file
                .patch
                .iter()
                .map(|patch| patch.id.clone())
                .collect::<Vec<_>>()),
            "{name}: {rejected:?}"
        );
        for ((id, made), expected) in patches.iter().zip(&file.patch) {
            let document = Source::parse(id, &made.yaml).unwrap().document;
            assert_eq!(document.title.value, expected.title, "{name}");
            assert!(made.yaml.contains(&expected.told), "{name}: {}", made.yaml);
            holds(name, &made.yaml, &expected.stops, &expected.passes);
        }
        assert_eq!(rejected.len(), file.rejected.len(), "{name}: {rejected:?}");
        for ((id, why), expected) in rejected.iter().zip(&file.rejected) {
            assert_eq!(*id, expected.id, "{name}");
            assert!(why.contains(&expected.reason), "{name}: {why}");
        }
        let said = needless.unwrap_or_default();
        let expected = file.needless.unwrap_or_default();
        assert!(
            said.contains(&expected) && said.is_empty() == expected.is_empty(),
            "{name}: {said}"
        );
    }
}

//! What is told to others of exceptions: by its specification, and by those who read it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Ledger;

/// No format may say that what an exception is about is not affected, or fixed.
#[test]
fn what_is_told_to_others_claims_no_more_than_is_true() {
    let ledger = Ledger::excepted();
    for format in ["openvex", "csaf", "cyclonedx"] {
        let text = ledger.export(format).to_string();
        for claim in [
            "not_affected",
            "fixed\"",
            "inline_mitigations",
            "resolved",
            "false_positive",
            "protected_at_perimeter",
            "vendor_fix",
        ] {
            assert!(!text.contains(claim), "{format} says {claim}: {text}");
        }
        assert!(
            text.contains("the software itself stays vulnerable"),
            "{text}"
        );
        assert!(
            text.contains("until 2999-06-30: the vendor is gone"),
            "{text}"
        );
        assert!(
            text.contains("to be looked at again by 2999-02-28"),
            "{text}"
        );
    }
}

/// What the specification of OpenVEX 0.2.0 demands of documents and of statements `affected`.
#[test]
fn openvex_is_as_its_specification_says() {
    let document = Ledger::excepted().export("openvex");
    assert_eq!(document["@context"], "https://openvex.dev/ns/v0.2.0");
    for name in ["@id", "author", "timestamp"] {
        assert!(!document[name].as_str().unwrap().is_empty(), "{name}");
    }
    assert_eq!(document["version"], 1);
    let statements = document["statements"].as_array().unwrap();
    let said = |it: &Value| {
        let products = it["products"].as_array().unwrap().iter();
        let products: Vec<String> = products
            .map(|it| it["@id"].as_str().unwrap().to_owned())
            .collect();
        (
            it["vulnerability"]["name"].as_str().unwrap().to_owned(),
            products,
        )
    };
    let asset = |id: &str| format!("https://acme.example/security/asset/{id}");
    let expected = [
        ("CVE-2026-9001".to_owned(), vec![asset("press")]),
        ("CVE-2026-9001".to_owned(), vec![asset("saw")]),
        ("GHSA-aaaa-bbbb-cccc".to_owned(), vec![asset("press")]),
    ];
    assert_eq!(statements.iter().map(said).collect::<Vec<_>>(), expected);
    for statement in statements {
        assert_eq!(statement["status"], "affected");
        assert!(
            statement["action_statement"].is_string(),
            "it is a must for `affected`"
        );
        assert!(
            statement.get("justification").is_none(),
            "it is for `not_affected` alone"
        );
    }
}

/// What CSAF 2.0 demands of all documents (3.2, 4.1) and of the profile VEX (4.5).
#[test]
fn csaf_is_of_its_profile() {
    let document = Ledger::excepted().export("csaf");
    let head = &document["document"];
    assert_eq!(
        (&head["category"], &head["csaf_version"]),
        (&"csaf_vex".into(), &"2.0".into())
    );
    assert_eq!(head["publisher"]["category"], "user");
    let tracking = &head["tracking"];
    assert_eq!(tracking["status"], "final");
    let history = tracking["revision_history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["number"], tracking["version"]);
    assert_eq!(
        history.last().unwrap()["date"],
        tracking["current_release_date"]
    );
    let products = document["product_tree"]["full_product_names"]
        .as_array()
        .unwrap();
    let defined: BTreeSet<&str> = products
        .iter()
        .map(|it| it["product_id"].as_str().unwrap())
        .collect();
    assert_eq!(defined.len(), products.len(), "no product is defined twice");
    let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
    let name = |it: &Value| {
        it["cve"]
            .as_str()
            .or(it["ids"][0]["text"].as_str())
            .unwrap()
            .to_owned()
    };
    let names: Vec<String> = vulnerabilities.iter().map(name).collect();
    assert_eq!(
        names,
        ["CVE-2026-9001", "GHSA-aaaa-bbbb-cccc"],
        "none comes twice"
    );
    assert_eq!(vulnerabilities[1]["ids"][0]["system_name"], "GHSA");
    for vulnerability in vulnerabilities {
        assert!(!vulnerability["notes"].as_array().unwrap().is_empty());
        let affected = vulnerability["product_status"]["known_affected"]
            .as_array()
            .unwrap();
        let affected: BTreeSet<&str> = affected.iter().map(|it| it.as_str().unwrap()).collect();
        assert!(affected.is_subset(&defined));
        // Each that is affected needs an action statement of its own.
        let actions = vulnerability["remediations"].as_array().unwrap();
        let told = actions
            .iter()
            .flat_map(|it| it["product_ids"].as_array().unwrap());
        let told: BTreeSet<&str> = told.map(|it| it.as_str().unwrap()).collect();
        assert_eq!(told, affected);
        assert!(actions.iter().all(|it| it["category"] == "mitigation"));
    }
}

/// What the schema of CycloneDX 1.5 allows, and that each reference leads to something.
#[test]
fn cyclonedx_refers_to_what_is_there() {
    let document = Ledger::excepted().export("cyclonedx");
    assert_eq!(
        (&document["bomFormat"], &document["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    let components = document["components"].as_array().unwrap().iter();
    let there: BTreeSet<&str> = components
        .map(|it| it["bom-ref"].as_str().unwrap())
        .collect();
    let vulnerabilities = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(vulnerabilities.len(), 3);
    let mut named = BTreeSet::new();
    for vulnerability in vulnerabilities {
        assert!(named.insert(vulnerability["bom-ref"].as_str().unwrap()));
        let analysis = &vulnerability["analysis"];
        assert_eq!(analysis["state"], "exploitable");
        assert_eq!(
            analysis["response"],
            serde_json::json!(["workaround_available"])
        );
        let affects = vulnerability["affects"].as_array().unwrap();
        assert!(
            affects
                .iter()
                .all(|it| there.contains(it["ref"].as_str().unwrap()))
        );
    }
}

/// Everything that a format wants is there, and nothing else: other people's readers take the document, and would not
/// take it otherwise.
#[test]
fn openvex_is_read_by_another_reader() {
    let broken: [(&str, Value); 6] = [
        ("/statements/0/products/0/@id", "not an identifier".into()),
        ("/statements/0/status", "excepted".into()),
        ("/statements/0/action_statement", Value::Null),
        ("/statements/0/vulnerability/severity", "high".into()),
        ("/timestamp", "now".into()),
        ("/publisher", "Acme".into()),
    ];
    held("openvex", broken, python("vexipy", "openvex.py"));
}

#[test]
fn csaf_passes_its_schema_and_its_mandatory_tests() {
    let broken: [(&str, Value); 6] = [
        ("/document/publisher/name", "".into()),
        ("/document/tracking/version", "2".into()),
        ("/document/notes", json!([])),
        ("/vulnerabilities/0/remediations", json!([])),
        (
            "/vulnerabilities/0/product_status/known_affected/0",
            "asset/nobody".into(),
        ),
        ("/vulnerabilities/1/cve", "GHSA-aaaa-bbbb-cccc".into()),
    ];
    let library = tool("node/node_modules/@secvisogram/csaf-validator-lib");
    let mut node = Command::new("node");
    node.arg(data("csaf.mjs")).arg(library);
    held("csaf", broken, node);
}

#[test]
fn cyclonedx_passes_its_strict_schema() {
    let broken: [(&str, Value); 5] = [
        ("/components/0/type", "server".into()),
        ("/vulnerabilities/0/analysis/state", "excepted".into()),
        ("/vulnerabilities/0/analysis/response/0", "shield".into()),
        ("/vulnerabilities/0/protection", "isolation".into()),
        ("/metadata/timestamp", "now".into()),
    ];
    let checker = python("cyclonedx-python-lib", "cyclonedx.py");
    held("cyclonedx", broken, checker);
}

#[test]
fn what_would_make_a_document_that_others_refuse_is_refused_first() {
    let ledger = Ledger::excepted();
    for (namespace, author, expected) in [
        ("https://acme.example/<security>", "Acme", "say such as"),
        ("https://acme.example/a?b", "Acme", "say such as"),
        ("https://acme.example", " ", "the organisation's name"),
    ] {
        let output = ledger.export_as("csaf", namespace, author);
        assert_eq!(output.status.code(), Some(2), "{namespace} {author}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(expected), "{told}");
    }
}

/// A checker finds nothing wrong with what is exported, and something when one value is another.
fn held<const N: usize>(format: &str, broken: [(&str, Value); N], checker: Command) {
    let document = Ledger::excepted().export(format);
    let mut documents = vec![document.clone()];
    for (place, value) in &broken {
        let mut other = document.clone();
        let (object, name) = place.rsplit_once('/').unwrap();
        match other.pointer_mut(object).unwrap() {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.clone(),
            object => object[name] = value.clone(),
        }
        documents.push(other);
    }
    let faults = check(checker, &Value::Array(documents));
    assert_eq!(faults[0], json!([]), "{format}");
    for (faults, (place, _)) in faults[1..].iter().zip(&broken) {
        assert_ne!(*faults, json!([]), "{format} with another {place} is taken");
    }
    assert_eq!(faults.len(), broken.len() + 1);
}

fn check(mut checker: Command, documents: &Value) -> Vec<Value> {
    let mut child = checker
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(documents.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let lines = told.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn python(tool: &str, script: &str) -> Command {
    let mut python = Command::new(self::tool(&format!("{tool}/bin/python")));
    // Isolated: what stands beside the script is no module.
    python.arg("-I").arg(data(script));
    python
}

fn data(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/vex")
        .join(script)
}

fn tool(path: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let tool = target.join("tools").join(path);
    assert!(
        tool.exists(),
        "`cargo xtask test` installs {}",
        tool.display()
    );
    tool
}

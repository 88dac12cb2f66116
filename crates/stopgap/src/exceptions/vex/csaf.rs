//! CSAF 2.0, of the profile VEX.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Said, Statement, list};

pub(super) fn document(said: &Said<'_>) -> Value {
    let now = said.time();
    // The profile wants a vulnerability once, whatever number of exceptions is about it.
    let mut of_advisory: BTreeMap<&str, Vec<&Statement>> = BTreeMap::new();
    for statement in &said.statements {
        let there = of_advisory.entry(&statement.advisory.id).or_default();
        there.push(statement);
    }
    let products = said.subjects().into_iter();
    let products = products.map(|it| {
        let id = it.to_string();
        json!({ "product_id": id, "name": id })
    });
    json!({
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "lang": "en",
            "title": format!("What {} has not fixed, and what protects meanwhile", said.author),
            "publisher": {
                "category": "user",
                "name": said.author,
                "namespace": said.namespace,
            },
            "tracking": {
                "id": format!("vex-{}", said.now_ms),
                "status": "final",
                "version": "1",
                "initial_release_date": now,
                "current_release_date": now,
                "generator": {
                    "engine": { "name": "stopgap", "version": env!("CARGO_PKG_VERSION") },
                },
                "revision_history": [{ "number": "1", "date": now, "summary": "As it is now" }],
            },
        },
        "product_tree": { "full_product_names": list(products) },
        "vulnerabilities": list(of_advisory.values().filter_map(|it| vulnerability(it))),
    })
}

fn vulnerability(statements: &[&Statement]) -> Option<Value> {
    let first = statements.first()?;
    let ids = |statement: &Statement| -> Vec<String> {
        statement.subjects.iter().map(ToString::to_string).collect()
    };
    let remediations = statements.iter().map(|it| {
        json!({
            "category": "mitigation",
            "date": it.since(),
            "details": it.action(),
            "product_ids": ids(it),
        })
    });
    // A finding has one exception, so no product is named twice.
    let affected: Vec<String> = statements.iter().flat_map(|it| ids(it)).collect();
    let title = match first.advisory.title.trim() {
        "" => &first.advisory.id,
        title => title,
    };
    let mut vulnerability = json!({
        "notes": [{ "category": "summary", "title": "What it is", "text": title }],
        "product_status": { "known_affected": affected },
        "remediations": list(remediations),
    });
    match first.cve() {
        Some(cve) => vulnerability["cve"] = cve.into(),
        None => {
            let name = first.advisory.id.split('-').next().unwrap_or_default();
            vulnerability["ids"] = json!([{ "system_name": name, "text": first.advisory.id }]);
        }
    }
    Some(vulnerability)
}

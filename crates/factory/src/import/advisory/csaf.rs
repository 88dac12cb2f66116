//! CSAF 2.0 (OASIS standard of 18 November 2022): security advisories and VEX documents.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Record, add, add_cwe, all, of_score, texts};

/// Branches within branches of a product tree.
const BRANCH_DEPTH: usize = 32;

pub(super) fn records(root: &Value) -> Vec<Record> {
    let mut products = BTreeMap::new();
    if let Some(tree) = root.get("product_tree") {
        branches(tree, 0, &mut products);
        for product in all(tree, "/full_product_names") {
            named(product, &mut products);
        }
        for related in all(tree, "/relationships") {
            related
                .get("full_product_name")
                .into_iter()
                .for_each(|product| named(product, &mut products));
        }
    }
    let common = texts(root, "/document/references", "/url");
    all(root, "/vulnerabilities")
        .map(|vulnerability| record(vulnerability, &products, &common))
        .collect()
}

fn record(vulnerability: &Value, products: &BTreeMap<String, String>, common: &[&str]) -> Record {
    let mut record = Record::default();
    let of = |pointer: &str| {
        vulnerability
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    add(&mut record.ids, of("/cve"));
    for id in texts(vulnerability, "/ids", "/text") {
        add(&mut record.ids, id);
    }
    add_cwe(&mut record.cwe, of("/cwe/id"));
    let own = texts(vulnerability, "/references", "/url");
    for url in own.iter().chain(common) {
        add(&mut record.references, url);
    }
    let mut scores = all(vulnerability, "/scores").filter_map(|score| {
        let versions = ["/cvss_v4/baseScore", "/cvss_v3/baseScore"];
        versions
            .iter()
            .find_map(|pointer| score.pointer(pointer)?.as_f64())
    });
    record.severity = scores.next().map(of_score);
    let status = |name: &str| {
        let ids = all(vulnerability, &format!("/product_status/{name}"));
        let ids: Vec<&str> = ids.filter_map(Value::as_str).collect();
        ids
    };
    for id in status("known_affected") {
        if let Some(product) = products.get(id) {
            add(&mut record.affects, product);
        }
    }
    let fixed = status("first_fixed")
        .into_iter()
        .chain(status("fixed"))
        .next();
    let version = fixed.and_then(|id| products.get(id)?.rsplit_once('@'));
    record.fixed_in = version.map(|(_, version)| version.to_owned());
    record
}

fn branches(tree: &Value, depth: usize, products: &mut BTreeMap<String, String>) {
    if depth > BRANCH_DEPTH {
        return;
    }
    for branch in all(tree, "/branches") {
        branch
            .get("product")
            .into_iter()
            .for_each(|product| named(product, products));
        branches(branch, depth + 1, products);
    }
}

/// The package URL of a product, else its name.
fn named(product: &Value, products: &mut BTreeMap<String, String>) {
    let of = |pointer: &str| product.pointer(pointer).and_then(Value::as_str);
    let Some(id) = of("/product_id") else {
        return;
    };
    let purl = of("/product_identification_helper/purl");
    if let Some(name) = purl
        .or(of("/product_identification_helper/cpe"))
        .or(of("/name"))
    {
        let name = name.split('?').next().unwrap_or(name);
        products.insert(id.to_owned(), name.to_owned());
    }
}

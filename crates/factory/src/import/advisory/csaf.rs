//! CSAF 2.0 (OASIS standard of 18 November 2022): security advisories and VEX documents.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Record, add, add_cwe, all, of_score, texts};

/// Branches within branches of a product tree.
const BRANCH_DEPTH: usize = 32;

pub(super) fn records(root: &Value) -> Vec<Record> {
    let mut products = Products::default();
    if let Some(tree) = root.get("product_tree") {
        products.branches(tree, Above::default());
        for product in all(tree, "/full_product_names") {
            products.named(product);
        }
        for related in all(tree, "/relationships") {
            let product = related.get("full_product_name").into_iter();
            product.for_each(|product| products.named(product));
        }
    }
    let common = texts(root, "/document/references", "/url");
    all(root, "/vulnerabilities")
        .map(|vulnerability| record(vulnerability, &products, &common))
        .collect()
}

fn record(vulnerability: &Value, products: &Products, common: &[&str]) -> Record {
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
        if let Some(product) = products.names.get(id) {
            add(&mut record.affects, product);
        }
    }
    let fixed = status("first_fixed")
        .into_iter()
        .chain(status("fixed"))
        .next();
    record.fixed_in = fixed.and_then(|id| {
        let of_purl = products
            .names
            .get(id)
            .and_then(|name| name.rsplit_once('@'));
        let version = of_purl.map(|(_, version)| version.to_owned());
        version.or_else(|| products.versions.get(id).cloned())
    });
    record
}

/// What a product tree says of its products, by their ids.
#[derive(Default)]
struct Products {
    /// Package URLs, else other names.
    names: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
}

/// What the branches above one say.
#[derive(Clone, Copy, Default)]
struct Above<'t> {
    depth: usize,
    vendor: Option<&'t str>,
    product: Option<&'t str>,
}

impl Products {
    fn branches<'t>(&mut self, tree: &'t Value, above: Above<'t>) {
        if above.depth > BRANCH_DEPTH {
            return;
        }
        for branch in all(tree, "/branches") {
            let of = |field: &str| branch.get(field).and_then(Value::as_str);
            let mut here = Above {
                depth: above.depth + 1,
                ..above
            };
            match of("category") {
                Some("vendor") => here.vendor = of("name"),
                Some("product_name") => here.product = of("name"),
                _ => {}
            }
            if let Some(product) = branch.get("product") {
                self.named(product);
                match (of("category"), of("name")) {
                    (Some("product_version"), Some(name)) => self.version(product, name),
                    (Some("product_version_range"), Some(name)) => self.range(product, name, here),
                    _ => {}
                }
            }
            self.branches(branch, here);
        }
    }

    /// The package URL of a product, else its name.
    fn named(&mut self, product: &Value) {
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
            self.names.insert(id.to_owned(), name.to_owned());
        }
    }

    fn version(&mut self, product: &Value, version: &str) {
        if let Some(id) = product.get("product_id").and_then(Value::as_str) {
            self.versions.insert(id.to_owned(), version.to_owned());
        }
    }

    /// The versions of a product, where its name says them for more than one (`vers:generic/<1.2`
    /// or `<1.2`).
    fn range(&mut self, product: &Value, range: &str, above: Above<'_>) {
        let Some(id) = product.get("product_id").and_then(Value::as_str) else {
            return;
        };
        let bounds = match range.strip_prefix("vers:") {
            Some(range) => range.split_once('/').map_or("", |(_, bounds)| bounds),
            None => range,
        };
        let bounds = bounds.replace('|', ",").replace(' ', "");
        let known = self.names.get(id).filter(|name| name.starts_with("pkg:"));
        let package = known.cloned().or_else(|| {
            let plain = |text: &str| patch::percent_encoded(text.to_ascii_lowercase().as_bytes());
            let vendor = above
                .vendor
                .map_or_else(String::new, |vendor| plain(vendor) + "/");
            Some(format!("pkg:generic/{vendor}{}", plain(above.product?)))
        });
        let package = package.filter(|package| !package.contains('@'));
        if let Some(package) = package
            && bounds.starts_with(['<', '>'])
        {
            self.names
                .insert(id.to_owned(), format!("{package}@{bounds}"));
        }
    }
}

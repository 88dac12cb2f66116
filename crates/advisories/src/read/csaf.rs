//! CSAF 2.0: products are a tree, vulnerabilities name leaves of it.

use std::collections::{BTreeMap, HashMap};

use ledger::{Advisory, Affected, Severity, VersionRange};
use serde_json::Value;

use super::{Fault, Gravity, Told, add, add_cwe, documents, list, text, time_ms, title};
use crate::{Limits, News};

/// Branches within branches; CSAF itself stops at 30.
const BRANCHES: usize = 30;

pub(super) fn read(source: &str, limits: &Limits) -> Result<Told, Fault> {
    let mut told = Told::default();
    for document in documents(source, limits)? {
        match text(&document, "/document/csaf_version") {
            Some("2.0") => {}
            Some(other) => return Err(Fault::new(format!("CSAF {other} is not known"))),
            None => return Err(Fault::new("a document has no document.csaf_version")),
        }
        let mut products = Products::default();
        for branch in list(&document, "/product_tree/branches") {
            products.branch(branch, &Path::default(), BRANCHES)?;
        }
        for product in list(&document, "/product_tree/full_product_names") {
            products.product(product, &Path::default());
        }
        products.relationships(&document);
        let id = text(&document, "/document/tracking/id")
            .unwrap_or("the document")
            .to_owned();
        let any = told.news.len();
        for vulnerability in list(&document, "/vulnerabilities") {
            let advisory = advisory(&document, vulnerability, &products, &mut told.notes);
            told.news
                .extend(advisory.map(|it| News::Advisory(Box::new(it))));
        }
        if told.news.len() == any {
            told.notes.push(format!("{id}: it names no vulnerability"));
        }
    }
    Ok(told)
}

/// What the branches above a product say.
#[derive(Debug, Clone, Default)]
struct Path<'v> {
    vendor: Option<&'v str>,
    name: Option<&'v str>,
    version: Option<&'v str>,
    range: Option<&'v str>,
}

#[derive(Debug, Clone, Default)]
struct Product {
    what: Option<String>,
    version: Option<String>,
    range: Option<String>,
}

#[derive(Default)]
struct Products(HashMap<String, Product>);

impl Products {
    fn branch<'v>(
        &mut self,
        branch: &'v Value,
        above: &Path<'v>,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth == 0 {
            return Err(Fault::new(format!(
                "more than {BRANCHES} branches within each other"
            )));
        }
        let mut path = above.clone();
        let name = text(branch, "/name");
        match text(branch, "/category") {
            Some("vendor") => path.vendor = name,
            Some("product_name") => path.name = name,
            Some("product_version") => path.version = name,
            Some("product_version_range") => path.range = name,
            _ => {}
        }
        if let Some(product) = branch.get("product") {
            self.product(product, &path);
        }
        for inner in list(branch, "/branches") {
            self.branch(inner, &path, depth - 1)?;
        }
        Ok(())
    }

    fn product(&mut self, product: &Value, path: &Path<'_>) {
        let Some(id) = text(product, "/product_id") else {
            return;
        };
        let helper = |field: &str| {
            text(product, &format!("/product_identification_helper/{field}")).map(str::to_owned)
        };
        let named = || Some(super::cpe_of(path.vendor?, path.name?));
        let what = helper("purl").or_else(|| helper("cpe")).or_else(named);
        self.0.insert(
            id.to_owned(),
            Product {
                what,
                version: path.version.map(str::to_owned),
                range: path.range.map(str::to_owned),
            },
        );
    }

    /// A package as a part of a distribution is still that package.
    fn relationships(&mut self, document: &Value) {
        for relationship in list(document, "/product_tree/relationships") {
            let part = text(relationship, "/product_reference").unwrap_or_default();
            let whole = text(relationship, "/full_product_name/product_id");
            if let (Some(part), Some(whole)) = (self.0.get(part).cloned(), whole) {
                self.0.insert(whole.to_owned(), part);
            }
        }
    }
}

fn advisory(
    document: &Value,
    vulnerability: &Value,
    products: &Products,
    notes: &mut Vec<String>,
) -> Option<Advisory> {
    let ids = list(vulnerability, "/ids").find_map(|id| text(id, "/text"));
    let id = text(vulnerability, "/cve").or(ids)?;
    let mut advisory = Advisory::new(id, Severity::Medium);
    if let Some(told) = text(vulnerability, "/title").or(text(document, "/document/title")) {
        advisory.title = title(told);
    }
    if let Some(document_id) = text(document, "/document/tracking/id") {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "._:@-".contains(letter);
        add(
            &mut advisory.aliases,
            &document_id.replace(|it| !fits(it), "-"),
        );
    }
    let released = text(vulnerability, "/release_date");
    let released = released.or(text(document, "/document/tracking/initial_release_date"));
    advisory.published_ms = released.and_then(time_ms);
    let current = text(document, "/document/tracking/current_release_date");
    advisory.modified_ms = current.and_then(time_ms);
    add_cwe(
        &mut advisory.cwe,
        text(vulnerability, "/cwe/id").unwrap_or_default(),
    );
    let references =
        list(document, "/document/references").chain(list(vulnerability, "/references"));
    for reference in references {
        add(
            &mut advisory.references,
            text(reference, "/url").unwrap_or_default(),
        );
    }
    let mut gravity = Gravity::default();
    for score in list(vulnerability, "/scores") {
        for version in ["cvss_v4", "cvss_v3"] {
            let of = |field: &str| text(score, &format!("/{version}/{field}"));
            gravity.add_vector(of("vectorString").unwrap_or_default());
            gravity.add_word(of("baseSeverity").unwrap_or_default());
        }
    }
    gravity.add_word(text(document, "/document/aggregate_severity/text").unwrap_or_default());
    gravity.tell(&mut advisory);
    for threat in list(vulnerability, "/threats") {
        let says = text(threat, "/details")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let exploited = text(threat, "/category") == Some("exploit_status");
        advisory.exploited |= exploited && says.contains("exploited:yes");
    }
    advisory.affected = affected(id, vulnerability, products, notes);
    Some(advisory)
}

/// Products by what they are; of a fixed version, all before it are affected.
fn affected(
    id: &str,
    vulnerability: &Value,
    products: &Products,
    notes: &mut Vec<String>,
) -> Vec<Affected> {
    let mut all: BTreeMap<String, Vec<VersionRange>> = BTreeMap::new();
    let statuses = [
        "known_affected",
        "first_affected",
        "last_affected",
        "fixed",
        "first_fixed",
    ];
    for status in statuses {
        for product in list(vulnerability, &format!("/product_status/{status}")) {
            let product_id = product.as_str().unwrap_or_default();
            let Some(product) = products.0.get(product_id) else {
                notes.push(format!(
                    "{id}: product `{product_id}` is not in the product tree"
                ));
                continue;
            };
            let Some((what, version)) = product.named() else {
                notes.push(format!(
                    "{id}: product `{product_id}` has no purl, CPE, vendor or name"
                ));
                continue;
            };
            let ranges = match (status, version, &product.range) {
                ("fixed" | "first_fixed", Some(fixed), _) => vec![VersionRange {
                    fixed: Some(fixed),
                    ..VersionRange::default()
                }],
                ("fixed" | "first_fixed", None, _) => continue,
                ("last_affected", Some(last), _) => vec![VersionRange {
                    last_affected: Some(last),
                    ..VersionRange::default()
                }],
                (_, Some(one), _) => vec![VersionRange {
                    introduced: Some(one.clone()),
                    fixed: None,
                    last_affected: Some(one),
                }],
                (_, None, Some(range)) => match vers(range) {
                    Some(ranges) => ranges,
                    None => {
                        notes.push(format!("{id}: the range `{range}` cannot be read"));
                        continue;
                    }
                },
                (_, None, None) => vec![VersionRange::default()],
            };
            all.entry(what).or_default().extend(ranges);
        }
    }
    let all = all.into_iter().map(|(what, ranges)| Affected {
        what,
        ranges,
        ..Affected::default()
    });
    all.collect()
}

impl Product {
    /// What it is without its version, and the version.
    fn named(&self) -> Option<(String, Option<String>)> {
        let what = self.what.as_deref()?;
        let (what, own) = super::apart(what);
        Some((what, own.or_else(|| self.version.clone())))
    }
}

/// `vers:npm/>=1.0.0|<1.2.3`, or the constraints alone, as some write.
fn vers(text: &str) -> Option<Vec<VersionRange>> {
    let constraints = match text.strip_prefix("vers:") {
        Some(rest) => rest.split_once('/')?.1,
        None => text,
    };
    if constraints.trim() == "*" {
        return Some(vec![VersionRange::default()]);
    }
    let mut ranges = Vec::new();
    let mut open: Option<VersionRange> = None;
    for constraint in constraints.split('|') {
        let constraint = constraint.trim();
        let signs = constraint.trim_start_matches(['<', '>', '=', '!']);
        let sign = constraint.get(..constraint.len() - signs.len())?;
        let version = signs.trim();
        if version.is_empty() || version.contains(char::is_whitespace) {
            return None;
        }
        let version = Some(version.to_owned());
        match sign {
            ">=" => {
                ranges.extend(open.take());
                open = Some(VersionRange {
                    introduced: version,
                    ..VersionRange::default()
                });
            }
            "<" => ranges.push(VersionRange {
                fixed: version,
                ..open.take().unwrap_or_default()
            }),
            "<=" => ranges.push(VersionRange {
                last_affected: version,
                ..open.take().unwrap_or_default()
            }),
            "" | "=" => ranges.push(VersionRange {
                introduced: version.clone(),
                fixed: None,
                last_affected: version,
            }),
            // One version that is excepted counts as affected: that is the worse.
            "!=" => {}
            _ => return None,
        }
    }
    ranges.extend(open);
    Some(ranges)
}

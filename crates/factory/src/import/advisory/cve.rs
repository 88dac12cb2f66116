//! CVE JSON record format 5.x: what the numbering authority and others say of a CVE.

use serde_json::Value;

use super::{Record, add, add_cwe, all, of_score, range};

pub(super) fn record(root: &Value) -> Record {
    let mut record = Record::default();
    let id = root.pointer("/cveMetadata/cveId").and_then(Value::as_str);
    add(&mut record.ids, id.unwrap_or_default());
    let authority = root.pointer("/containers/cna").into_iter();
    for container in authority.chain(all(root, "/containers/adp")) {
        read(container, &mut record);
    }
    record
}

fn read(container: &Value, record: &mut Record) {
    for problem in all(container, "/problemTypes") {
        for cwe in super::texts(problem, "/descriptions", "/cweId") {
            add_cwe(&mut record.cwe, cwe);
        }
    }
    for url in super::texts(container, "/references", "/url") {
        add(&mut record.references, url);
    }
    for metric in all(container, "/metrics") {
        let versions = ["cvssV4_0", "cvssV3_1", "cvssV3_0"];
        let score = versions
            .iter()
            .find_map(|version| metric.get(version)?.get("baseScore")?.as_f64());
        record.severity = record.severity.or(score.map(of_score));
        let other = metric.pointer("/other/type").and_then(Value::as_str);
        record.known_exploited |= other == Some("kev");
    }
    for affected in all(container, "/affected") {
        versions(affected, record);
    }
}

fn versions(affected: &Value, record: &mut Record) {
    let Some(package) = package(affected) else {
        return;
    };
    let mut any = false;
    for version in all(affected, "/versions") {
        let of = |field: &str| version.get(field).and_then(Value::as_str);
        if of("status") != Some("affected") || of("versionType") == Some("git") {
            continue;
        }
        any = true;
        let from = of("version").unwrap_or_default();
        let text = match (of("lessThan"), of("lessThanOrEqual")) {
            (Some("*"), _) | (_, Some("*")) => range(from, None),
            (Some(end), _) => {
                record.fixed_in = Some(end.to_owned());
                range(from, Some(("<", end)))
            }
            (None, Some(end)) => range(from, Some(("<=", end))),
            // Some write the range as a text.
            (None, None) => format!("@{}", from.replace(' ', "")),
        };
        add(&mut record.affects, &format!("{package}{text}"));
    }
    let all_of_it = affected.get("defaultStatus").and_then(Value::as_str) == Some("affected");
    if !any && all_of_it {
        add(&mut record.affects, &package);
    }
}

/// The package URL where there is one, else vendor and product.
fn package(affected: &Value) -> Option<String> {
    let of = |field: &str| affected.get(field).and_then(Value::as_str);
    if let Some(purl) = of("packageURL") {
        return Some(purl.split(['@', '?']).next().unwrap_or(purl).to_owned());
    }
    let plain = |text: &str| patch::percent_encoded(text.trim().to_ascii_lowercase().as_bytes());
    let product = of("product")
        .or(of("packageName"))
        .filter(|name| *name != "n/a")?;
    Some(match of("vendor").filter(|name| *name != "n/a") {
        Some(vendor) => format!("pkg:generic/{}/{}", plain(vendor), plain(product)),
        None => format!("pkg:generic/{}", plain(product)),
    })
}

//! OSV schema 1.x (ossf.github.io/osv-schema).

use patch::document::Severity;
use serde_json::Value;

use super::{Record, add, add_cwe, all, of_vector, range, texts};

pub(super) fn record(root: &Value) -> Record {
    let text = |field: &str| root.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut record = Record::default();
    add(&mut record.ids, text("id"));
    for alias in all(root, "/aliases").filter_map(Value::as_str) {
        add(&mut record.ids, alias);
    }
    record.ids.sort_by_key(|id| !id.starts_with("CVE-"));
    for url in texts(root, "/references", "/url") {
        add(&mut record.references, url);
    }
    for cwe in all(root, "/database_specific/cwe_ids").filter_map(Value::as_str) {
        add_cwe(&mut record.cwe, cwe);
    }
    let vectors = texts(root, "/severity", "/score");
    record.severity = vectors
        .into_iter()
        .find_map(of_vector)
        .or_else(|| word(root.pointer("/database_specific/severity")?.as_str()?));
    for affected in all(root, "/affected") {
        let Some(package) = package(affected) else {
            continue;
        };
        for ranges in all(affected, "/ranges") {
            if ranges.get("type").and_then(Value::as_str) != Some("GIT") {
                events(ranges, &package, &mut record);
            }
        }
        if all(affected, "/ranges").next().is_none() {
            for version in all(affected, "/versions").filter_map(Value::as_str) {
                add(&mut record.affects, &format!("{package}@{version}"));
            }
        }
    }
    record
}

/// Introduced, then fixed or last affected, again and again.
fn events(ranges: &Value, package: &str, record: &mut Record) {
    let mut from = None;
    for event in all(ranges, "/events") {
        let of = |field: &str| event.get(field).and_then(Value::as_str);
        if let Some(version) = of("introduced") {
            from = Some(version);
        } else if let Some(version) = of("fixed") {
            let range = range(from.take().unwrap_or("0"), Some(("<", version)));
            add(&mut record.affects, &format!("{package}{range}"));
            record.fixed_in = Some(version.to_owned());
        } else if let Some(version) = of("last_affected") {
            let range = range(from.take().unwrap_or("0"), Some(("<=", version)));
            add(&mut record.affects, &format!("{package}{range}"));
        }
    }
    if let Some(from) = from {
        add(
            &mut record.affects,
            &format!("{package}{}", range(from, None)),
        );
    }
}

/// The package URL, or one made of the ecosystem's name.
fn package(affected: &Value) -> Option<String> {
    let of = |field: &str| affected.pointer(field).and_then(Value::as_str);
    if let Some(purl) = of("/package/purl") {
        return Some(purl.split(['@', '?']).next().unwrap_or(purl).to_owned());
    }
    let name = of("/package/name")?;
    let ecosystem = of("/package/ecosystem")?
        .split(':')
        .next()
        .unwrap_or_default();
    let kind = match ecosystem {
        "crates.io" => "cargo",
        "RubyGems" => "gem",
        "Go" => "golang",
        "Packagist" => "composer",
        "Debian" => "deb/debian",
        "Ubuntu" => "deb/ubuntu",
        "Alpine" => "apk/alpine",
        other => &other.to_ascii_lowercase().replace(' ', "-"),
    };
    Some(format!("pkg:{kind}/{}", name.replace(':', "/")))
}

/// As GitHub's advisories say it.
fn word(text: &str) -> Option<Severity> {
    match text.to_ascii_uppercase().as_str() {
        "CRITICAL" => Some(Severity::Critical),
        "HIGH" => Some(Severity::High),
        "MODERATE" | "MEDIUM" => Some(Severity::Medium),
        "LOW" => Some(Severity::Low),
        _ => None,
    }
}

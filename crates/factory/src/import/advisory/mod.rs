//! Records of vulnerabilities: OSV 1.x, CVE JSON 5.x, CSAF 2.0. They hold no request, so no
//! patch can be made of them; what they know goes into a patch that is there.

mod csaf;
mod cve;
mod merge;
mod osv;

use std::str::FromStr;

use patch::document::Severity;
use serde_json::Value;

use super::{Imported, Importer, Options, stem};

pub use merge::merge;

/// `advisory`
pub(super) const IMPORTER: Importer = Importer {
    kind: "advisory",
    summary: "OSV 1, CVE JSON 5 and CSAF 2.0 records, merged with --into PATCH",
    suffixes: &["json"],
    read,
    read_bytes: None,
};

/// What a record knows.
#[derive(Debug, Clone, PartialEq, Default)]
struct Record {
    /// All its names; a CVE first where there is one.
    ids: Vec<String>,
    cwe: Vec<String>,
    /// Package URLs with ranges.
    affects: Vec<String>,
    fixed_in: Option<String>,
    severity: Option<Severity>,
    references: Vec<String>,
    known_exploited: bool,
}

fn read(text: &str, name: &str, _: &Options) -> Vec<Imported> {
    let records = match records(text, name) {
        Ok(records) => records,
        Err(why) => return vec![Imported::rejected(stem(name), why)],
    };
    let rejected = records.into_iter().map(|record| {
        let id = record.ids.first().cloned().unwrap_or_else(|| stem(name));
        let why = format!(
            "{name}: {id} is known by its record alone, and there is no request in it; import an exploit, or give --into PATCH"
        );
        Imported::rejected(super::identifier(&id), why)
    });
    rejected.collect()
}

/// The vulnerabilities of a file; at least one.
fn records(text: &str, name: &str) -> Result<Vec<Record>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let root: Value = serde_json::from_str(text)
        .map_err(|error| format!("{name}:{}: this is no record: {error}", error.line()))?;
    let of = |pointer: &str| root.pointer(pointer).and_then(Value::as_str);
    // What was published by mistake, or twice.
    if let Some(day) = of("/withdrawn") {
        return Err(format!(
            "{name}: it was withdrawn on {day} and says nothing of a vulnerability any more"
        ));
    }
    if of("/cveMetadata/state") == Some("REJECTED") {
        let why = of("/containers/cna/rejectedReasons/0/value").unwrap_or("without a reason");
        return Err(format!("{name}: its number was rejected: {why}"));
    }
    let mut records = if let Some(version) = of("/document/csaf_version") {
        known(version, "2.0", "CSAF", name)?;
        csaf::records(&root)
    } else if of("/dataType") == Some("CVE_RECORD") {
        known(of("/dataVersion").unwrap_or("5"), "5", "CVE JSON", name)?;
        vec![cve::record(&root)]
    } else if root.get("id").is_some() && root.get("modified").is_some() {
        known(of("/schema_version").unwrap_or("1"), "1", "OSV", name)?;
        vec![osv::record(&root)]
    } else {
        return Err(format!(
            "{name}: it is none of an OSV record (id, modified), a CVE record (dataType: CVE_RECORD) and a CSAF document (document.csaf_version)"
        ));
    };
    records.retain(|record| !record.ids.is_empty());
    match records.is_empty() {
        true => Err(format!("{name}: it names no vulnerability")),
        false => Ok(records),
    }
}

fn known(version: &str, begin: &str, what: &str, name: &str) -> Result<(), String> {
    match version.starts_with(begin) {
        true => Ok(()),
        false => Err(format!("{name}: {what} {version} is not known; {begin} is")),
    }
}

/// The texts of a field, in objects of a list.
fn texts<'v>(value: &'v Value, list: &str, field: &str) -> Vec<&'v str> {
    let all = value.pointer(list).and_then(Value::as_array);
    let all = all.into_iter().flatten();
    all.filter_map(|item| item.pointer(field)?.as_str())
        .collect()
}

/// A list of objects or texts.
fn all<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn add(texts: &mut Vec<String>, text: &str) {
    if !text.is_empty() && !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
}

/// `CWE-22` in its usual form.
fn add_cwe(texts: &mut Vec<String>, text: &str) {
    let text = text.trim().to_ascii_uppercase();
    if text
        .strip_prefix("CWE-")
        .is_some_and(|digits| digits.parse::<u32>().is_ok())
    {
        add(texts, &text);
    }
}

/// Of a CVSS vector of version 3 or 4.
fn of_vector(vector: &str) -> Option<Severity> {
    cvss::Cvss::from_str(vector)
        .ok()
        .map(|cvss| of_score(cvss.score()))
}

/// CVSS 3.1 section 5 and 4.0 section 6.
fn of_score(score: f64) -> Severity {
    match score {
        9.0.. => Severity::Critical,
        7.0.. => Severity::High,
        4.0.. => Severity::Medium,
        _ => Severity::Low,
    }
}

/// A range as package URLs have it: `>=1.0,<2.3`.
fn range(from: &str, end: Option<(&str, &str)>) -> String {
    let from = match from {
        "" | "0" | "*" | "0.0.0" | "unspecified" | "n/a" => None,
        from => Some(format!(">={from}")),
    };
    let end = end.map(|(sign, version)| format!("{sign}{version}"));
    let bounds: Vec<String> = from.into_iter().chain(end).collect();
    match bounds.is_empty() {
        true => String::new(),
        false => format!("@{}", bounds.join(",")),
    }
}

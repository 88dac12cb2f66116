//! CVE JSON record format 5.x.

use ledger::ssvc::{Exploitation, TechnicalImpact};
use ledger::{Advisory, Affected, Severity, VersionRange};
use serde_json::Value;

use super::{Fault, Gravity, Told, add, add_cwe, documents, is_cve, list, text, time_ms, title};
use crate::{Limits, News};

pub(super) fn read(source: &str, limits: &Limits) -> Result<Told, Fault> {
    let mut told = Told::default();
    for record in documents(source, limits)? {
        if text(&record, "/dataType") != Some("CVE_RECORD") {
            return Err(Fault::new(
                "a document is no CVE record (dataType: CVE_RECORD)",
            ));
        }
        let version = text(&record, "/dataVersion").unwrap_or_default();
        if !version.starts_with("5.") {
            return Err(Fault::new(format!(
                "version {version} of CVE records is not known"
            )));
        }
        let id = text(&record, "/cveMetadata/cveId").unwrap_or_default();
        if !is_cve(id) {
            return Err(Fault::new("a record has no cveMetadata.cveId"));
        }
        if text(&record, "/cveMetadata/state") == Some("REJECTED") {
            told.notes.push(format!("{id}: rejected, left out"));
            continue;
        }
        let advisory = advisory(id, &record, &mut told.notes);
        told.news.push(News::Advisory(Box::new(advisory)));
    }
    Ok(told)
}

fn advisory(id: &str, record: &Value, notes: &mut Vec<String>) -> Advisory {
    let mut advisory = Advisory::new(id, Severity::Medium);
    advisory.published_ms = text(record, "/cveMetadata/datePublished").and_then(time_ms);
    advisory.modified_ms = text(record, "/cveMetadata/dateUpdated").and_then(time_ms);
    let mut gravity = Gravity::default();
    let authority = record.pointer("/containers/cna").into_iter();
    for container in authority.chain(list(record, "/containers/adp")) {
        let mut descriptions = list(container, "/descriptions");
        let told = text(container, "/title");
        let told = told.or_else(|| descriptions.find_map(|it| text(it, "/value")));
        if let (true, Some(told)) = (advisory.title == id, told) {
            advisory.title = title(told);
        }
        for problem in list(container, "/problemTypes") {
            for description in list(problem, "/descriptions") {
                add_cwe(
                    &mut advisory.cwe,
                    text(description, "/cweId").unwrap_or_default(),
                );
            }
        }
        for reference in list(container, "/references") {
            add(
                &mut advisory.references,
                text(reference, "/url").unwrap_or_default(),
            );
        }
        for metric in list(container, "/metrics") {
            for version in ["cvssV4_0", "cvssV3_1", "cvssV3_0"] {
                let of = |field: &str| text(metric, &format!("/{version}/{field}"));
                gravity.add_vector(of("vectorString").unwrap_or_default());
                gravity.add_word(of("baseSeverity").unwrap_or_default());
            }
            match text(metric, "/other/type") {
                Some("ssvc") => ssvc(metric, &mut advisory),
                Some("kev") => advisory.exploited = true,
                _ => {}
            }
        }
        for product in list(container, "/affected") {
            affected(id, product, &mut advisory.affected, notes);
        }
    }
    let fixes = advisory
        .affected
        .iter()
        .flat_map(|affected| &affected.ranges);
    let mut fixes: Vec<_> = fixes.filter_map(|range| range.fixed.clone()).collect();
    fixes.dedup();
    if let [only] = fixes.as_slice() {
        advisory.fixed_in = Some(only.clone());
    }
    gravity.tell(&mut advisory);
    advisory
}

/// What CISA's enrichment says; it leaves the mission to whoever deploys.
fn ssvc(metric: &Value, advisory: &mut Advisory) {
    for option in list(metric, "/other/content/options") {
        let of = |field: &str| text(option, &format!("/{field}")).map(str::to_ascii_lowercase);
        match of("Exploitation").as_deref() {
            Some("none") => advisory.exploitation = Some(Exploitation::None),
            Some("poc" | "public poc") => advisory.exploitation = Some(Exploitation::PublicPoc),
            Some("active") => advisory.exploitation = Some(Exploitation::Active),
            _ => {}
        }
        match of("Automatable").as_deref() {
            Some("yes") => advisory.automatable = Some(true),
            Some("no") => advisory.automatable = Some(false),
            _ => {}
        }
        match of("Technical Impact").as_deref() {
            Some("partial") => advisory.technical_impact = Some(TechnicalImpact::Partial),
            Some("total") => advisory.technical_impact = Some(TechnicalImpact::Total),
            _ => {}
        }
    }
}

fn affected(id: &str, product: &Value, all: &mut Vec<Affected>, notes: &mut Vec<String>) {
    let mut ranges = Vec::new();
    let mut unaffected = Vec::new();
    let mut git_alone = false;
    for version in list(product, "/versions") {
        if text(version, "/versionType") == Some("git") {
            git_alone = true;
            continue;
        }
        let Some(range) = range(version) else {
            continue;
        };
        match text(version, "/status") {
            Some("affected") => ranges.push(range),
            Some("unaffected") => unaffected.push(range),
            _ => {}
        }
    }
    let by_default = text(product, "/defaultStatus") == Some("affected");
    // An entry of which nothing is said to be affected, or only commits are, says nothing here.
    if ranges.is_empty() && (!by_default || git_alone) {
        return;
    }
    // What is unaffected by default needs no exceptions.
    if !by_default {
        unaffected.clear();
    } else if !unaffected.is_empty() {
        ranges = vec![VersionRange::default()];
    }
    let names = names(product);
    if names.is_empty() {
        notes.push(format!(
            "{id}: an affected product has no name, it is left out"
        ));
    }
    all.extend(names.into_iter().map(|what| Affected {
        what,
        ranges: ranges.clone(),
        versions: Vec::new(),
        unaffected: unaffected.clone(),
    }));
}

fn range(version: &Value) -> Option<VersionRange> {
    let first = text(version, "/version")?;
    let any = |it: &&str| !matches!(*it, "*" | "0" | "unspecified" | "n/a" | "");
    let fixed = text(version, "/lessThan");
    let last = text(version, "/lessThanOrEqual");
    if fixed.is_none() && last.is_none() {
        // One version, or all of them.
        let one = Some(first).filter(any).map(str::to_owned);
        return Some(VersionRange {
            introduced: one.clone(),
            fixed: None,
            last_affected: one,
        });
    }
    Some(VersionRange {
        introduced: Some(first).filter(any).map(str::to_owned),
        fixed: fixed.filter(any).map(str::to_owned),
        last_affected: last.filter(any).map(str::to_owned),
    })
}

/// The package URL, else the CPEs, else vendor and product as a CPE would write them.
fn names(product: &Value) -> Vec<String> {
    if let Some(purl) = text(product, "/packageURL") {
        return vec![purl.to_owned()];
    }
    let cpes = list(product, "/cpes").filter_map(Value::as_str);
    let cpes = cpes.filter(|cpe| cpe.starts_with("cpe:"));
    let cpes: Vec<String> = cpes.map(|cpe| super::apart(cpe).0).collect();
    if !cpes.is_empty() {
        return cpes;
    }
    let known = |field: &str| text(product, field).filter(|name| *name != "n/a");
    let (Some(vendor), Some(name)) = (known("/vendor"), known("/product")) else {
        return Vec::new();
    };
    vec![super::cpe_of(vendor, name)]
}

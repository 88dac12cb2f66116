//! OSV schema 1.x.

use ledger::{Advisory, Affected, Severity, VersionRange};
use packageurl::PackageUrl;
use serde_json::Value;

use super::{
    Fault, Gravity, Told, add, add_cwe, documents, first_name, list, text, time_ms, title,
};
use crate::{Limits, News};

pub(super) fn read(source: &str, limits: &Limits) -> Result<Told, Fault> {
    let mut told = Told::default();
    for record in documents(source, limits)? {
        let Some(id) = text(&record, "/id") else {
            return Err(Fault::new("a record has no id"));
        };
        if text(&record, "/withdrawn").is_some() {
            told.notes.push(format!("{id}: withdrawn, left out"));
            continue;
        }
        let (advisory, notes) = advisory(id, &record);
        told.notes.extend(notes);
        told.news.push(News::Advisory(Box::new(advisory)));
    }
    Ok(told)
}

fn advisory(id: &str, record: &Value) -> (Advisory, Vec<String>) {
    let mut names = Vec::new();
    for other in list(record, "/aliases").chain(list(record, "/upstream")) {
        add(&mut names, other.as_str().unwrap_or_default());
    }
    let first = first_name(id, &names);
    let mut advisory = Advisory::new(&first, Severity::Medium);
    add(&mut names, id);
    names.retain(|name| *name != first);
    advisory.aliases = names;
    if let Some(summary) = text(record, "/summary").or(text(record, "/details")) {
        advisory.title = title(summary);
    }
    advisory.published_ms = text(record, "/published").and_then(time_ms);
    advisory.modified_ms = text(record, "/modified").and_then(time_ms);
    let mut gravity = Gravity::default();
    for severity in list(record, "/severity") {
        gravity.add_vector(text(severity, "/score").unwrap_or_default());
    }
    gravity.add_word(text(record, "/database_specific/severity").unwrap_or_default());
    for cwe in list(record, "/database_specific/cwe_ids") {
        add_cwe(&mut advisory.cwe, cwe.as_str().unwrap_or_default());
    }
    for reference in list(record, "/references") {
        add(
            &mut advisory.references,
            text(reference, "/url").unwrap_or_default(),
        );
    }
    let mut notes = Vec::new();
    for affected in list(record, "/affected") {
        for severity in list(affected, "/severity") {
            gravity.add_vector(text(severity, "/score").unwrap_or_default());
        }
        match self::affected(affected) {
            Ok(affected) => advisory.affected.push(affected),
            Err(why) => notes.push(format!("{id}: {why}")),
        }
    }
    let fixes = advisory
        .affected
        .iter()
        .flat_map(|affected| &affected.ranges);
    let mut fixes = fixes.filter_map(|range| range.fixed.as_ref());
    if let (Some(only), None) = (fixes.next(), fixes.next()) {
        advisory.fixed_in = Some(only.clone());
    }
    gravity.tell(&mut advisory);
    (advisory, notes)
}

fn affected(value: &Value) -> Result<Affected, String> {
    let ecosystem = text(value, "/package/ecosystem").unwrap_or_default();
    let name = text(value, "/package/name").unwrap_or_default();
    let what = purl(ecosystem, name).ok_or_else(|| {
        format!("packages of `{ecosystem}` are not known here: `{name}` is left out")
    })?;
    let mut affected = Affected {
        what,
        ..Affected::default()
    };
    for range in list(value, "/ranges") {
        if text(range, "/type") != Some("GIT") {
            events(range, &mut affected.ranges);
        }
    }
    for version in list(value, "/versions") {
        add_version(&mut affected.versions, version.as_str().unwrap_or_default());
    }
    if affected.ranges.is_empty() && affected.versions.is_empty() {
        return Err(format!(
            "`{name}` has no versions that can be compared, it is left out"
        ));
    }
    Ok(affected)
}

/// As [`add`], for lists in which nothing comes twice.
fn add_version(list: &mut Vec<String>, version: &str) {
    if !version.trim().is_empty() {
        list.push(version.trim().to_owned());
    }
}

/// An event ends the range that the one before began.
fn events(range: &Value, ranges: &mut Vec<VersionRange>) {
    let mut open: Option<VersionRange> = None;
    for event in list(range, "/events") {
        if let Some(first) = text(event, "/introduced") {
            ranges.extend(open.take());
            open = Some(VersionRange {
                introduced: Some(first.to_owned()).filter(|first| first != "0"),
                ..VersionRange::default()
            });
        } else if let Some(fixed) = text(event, "/fixed") {
            let range = open.take().unwrap_or_default();
            ranges.push(VersionRange {
                fixed: Some(fixed.to_owned()),
                ..range
            });
        } else if let Some(last) = text(event, "/last_affected") {
            let range = open.take().unwrap_or_default();
            ranges.push(VersionRange {
                last_affected: Some(last.to_owned()),
                ..range
            });
        }
    }
    ranges.extend(open);
}

/// The package URL of a package of an ecosystem of OSV.
fn purl(ecosystem: &str, name: &str) -> Option<String> {
    let (system, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let simple = |kind: &str| build(kind, None, name, None);
    let slashed = |kind: &str| match name.rsplit_once('/') {
        Some((namespace, name)) => build(kind, Some(namespace), name, None),
        None => build(kind, None, name, None),
    };
    let distribution = |kind: &str, id: &str| {
        let number = release
            .split([':', ' '])
            .rfind(|part| starts_with_digit(part));
        let release = number.map(|number| format!("{id}-{}", number.trim_start_matches('v')));
        build(kind, Some(id), name, release.as_deref())
    };
    match system {
        "npm" => slashed("npm"),
        "PyPI" => simple("pypi"),
        "crates.io" => simple("cargo"),
        "Go" => slashed("golang"),
        "NuGet" => simple("nuget"),
        "RubyGems" => simple("gem"),
        "Hex" => simple("hex"),
        "Pub" => simple("pub"),
        "Packagist" => slashed("composer"),
        "SwiftURL" => slashed("swift"),
        "Bitnami" => simple("bitnami"),
        "Maven" => {
            let (group, artifact) = name.split_once(':')?;
            build("maven", Some(group), artifact, None)
        }
        "Debian" => distribution("deb", "debian"),
        "Ubuntu" => distribution("deb", "ubuntu"),
        "Alpine" => distribution("apk", "alpine"),
        "Wolfi" => distribution("apk", "wolfi"),
        "Chainguard" => distribution("apk", "chainguard"),
        "Red Hat" => distribution("rpm", "rhel"),
        "Rocky Linux" => distribution("rpm", "rocky"),
        "AlmaLinux" => distribution("rpm", "almalinux"),
        "openSUSE" if release.starts_with("Leap") => distribution("rpm", "opensuse-leap"),
        "openSUSE" => distribution("rpm", "opensuse"),
        "SUSE" => distribution("rpm", "sles"),
        _ => None,
    }
}

fn starts_with_digit(part: &str) -> bool {
    let part = part.trim_start_matches('v');
    part.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit())
}

fn build(kind: &str, namespace: Option<&str>, name: &str, release: Option<&str>) -> Option<String> {
    let mut purl = PackageUrl::new(kind, name).ok()?;
    if let Some(namespace) = namespace {
        purl.with_namespace(namespace).ok()?;
    }
    if let Some(release) = release {
        purl.add_qualifier("distro", release).ok()?;
    }
    Some(purl.to_string())
}

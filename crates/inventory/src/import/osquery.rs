//! Results of osquery: an object of tables, or the snapshots that it logs.

use std::collections::BTreeMap;

use ledger::{AssetKind, OperatingSystem, Software, SoftwareKind};
use serde_json::Value;

use super::purl::{Package, of_language, rpm_version};
use super::{Fault, Found, Importer, Part, Source, list, short, text, windows};

pub(super) const IMPORTER: Importer = Importer {
    kind: "osquery",
    summary: "results of osquery as JSON: an object of tables by name, or the log of snapshots, one a line",
    read,
};

type Tables = BTreeMap<String, Vec<Value>>;

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let mut hosts: BTreeMap<String, Tables> = BTreeMap::new();
    let documents = serde_json::Deserializer::from_str(source.text).into_iter::<Value>();
    for (at, document) in documents.enumerate() {
        let document = document.map_err(|error| Fault::json(&error))?;
        match text(&document, "/name") {
            Some(name) => {
                let host = text(&document, "/hostIdentifier")
                    .unwrap_or_default()
                    .to_owned();
                let tables = hosts.entry(host).or_default();
                if let Some(table) = TABLES.iter().find(|known| name.ends_with(**known)) {
                    let rows = list(&document, "/snapshot").cloned().collect();
                    tables.insert((*table).to_owned(), rows);
                }
            }
            None => {
                let tables = document.as_object().into_iter().flatten();
                let tables =
                    tables.map(|(name, rows)| (name.clone(), list(rows, "").cloned().collect()));
                // Each object is a host of its own.
                hosts.insert(format!("\0{at}"), tables.collect());
            }
        }
    }
    if hosts
        .values()
        .all(|tables| !TABLES.iter().any(|known| tables.contains_key(*known)))
    {
        return Err(Fault::new(format!(
            "it has none of the tables {}",
            TABLES.join(", ")
        )));
    }
    Ok(hosts
        .iter()
        .map(|(host, tables)| found(source, host, tables))
        .collect())
}

const TABLES: &[&str] = &[
    "system_info",
    "os_version",
    "deb_packages",
    "rpm_packages",
    "python_packages",
    "npm_packages",
    "programs",
    "apps",
    "kernel_info",
    "registry",
    "services",
];

fn found(source: &Source<'_>, host: &str, tables: &Tables) -> Found {
    let rows = |name: &str| tables.get(name).map(Vec::as_slice).unwrap_or_default();
    let cell = |table: &str, column: &str| {
        rows(table)
            .first()
            .and_then(|row| text(row, &format!("/{column}")))
    };
    let told =
        cell("system_info", "hostname").or(Some(host).filter(|host| !host.starts_with('\0')));
    let mut found = Found::new(
        &source.name_of(told),
        source.kind_or(AssetKind::Workstation),
    );
    let system = cell("os_version", "platform").or(cell("os_version", "name"));
    let os = system.map(|system| OperatingSystem {
        id: short(&system.to_ascii_lowercase()),
        version: cell("os_version", "version").map(|version| {
            // `12 (bookworm)`
            short(version.split_whitespace().next().unwrap_or(version))
        }),
        title: cell("os_version", "name").map(short),
        kernel: cell("kernel_info", "version").map(short),
        architecture: cell("os_version", "arch").map(short),
    });
    let mut software = Vec::new();
    for (table, kind) in [("deb_packages", "deb"), ("rpm_packages", "rpm")] {
        software.extend(
            rows(table)
                .iter()
                .filter_map(|row| package(row, kind, os.as_ref())),
        );
    }
    for (table, kind) in [("python_packages", "pypi"), ("npm_packages", "npm")] {
        software.extend(rows(table).iter().filter_map(|row| {
            let (name, version) = (text(row, "/name")?, text(row, "/version")?);
            Some(Software {
                name: short(name),
                version: short(version),
                purl: of_language(kind, name, version),
                ..Software::default()
            })
        }));
    }
    for (table, column) in [("programs", "/version"), ("apps", "/bundle_short_version")] {
        software.extend(rows(table).iter().filter_map(|row| {
            Some(Software {
                name: short(text(row, "/name")?),
                version: short(text(row, column).unwrap_or("unknown")),
                kind: SoftwareKind::Application,
                ..Software::default()
            })
        }));
    }
    if !software.is_empty() {
        found.tells.push(Part::Software);
    }
    found.asset.software = software;
    if os.as_ref().is_some_and(|os| os.id == windows::ID) {
        let values = rows("registry").iter().filter_map(|row| {
            let path = text(row, "/path")?.to_ascii_lowercase();
            let (key, name) = path.rsplit_once('\\')?;
            let is_policy = key.ends_with(windows::POLICY);
            is_policy.then_some((name.to_owned(), text(row, "/data")?.parse().ok()?))
        });
        let service = rows("services")
            .iter()
            .find(|row| text(row, "/name") == Some("wuauserv"));
        let is_disabled = service.map(|row| text(row, "/start_type") == Some("DISABLED"));
        if let Some(update) = windows::update(values, is_disabled) {
            found.asset.auto_updates.push(update);
            found.tells.push(Part::AutoUpdates);
        }
    }
    found.asset.os = os;
    found
}

fn package(row: &Value, kind: &'static str, os: Option<&OperatingSystem>) -> Option<Software> {
    let of = |column: &str| text(row, &format!("/{column}"));
    let (name, version) = (of("name")?, of("version")?);
    let whole = match kind {
        "rpm" => rpm_version(of("epoch"), version, of("release")),
        _ => version.to_owned(),
    };
    let package = Package {
        kind,
        name,
        version: whole.into(),
        architecture: of("arch").unwrap_or_default(),
        source: of("source")
            .filter(|it| kind == "deb" || it.ends_with(".src.rpm"))
            .map(|it| {
                // `openssl (3.0.11-1)`
                match it.split_once(" (") {
                    Some((name, version)) => (name, Some(version.trim_end_matches(')'))),
                    None => (it, None),
                }
            }),
    };
    Some(package.software(os))
}

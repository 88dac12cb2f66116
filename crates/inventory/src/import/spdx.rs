//! Software bills of materials in SPDX 2.2 and 2.3: JSON and tag-value.

use std::str::FromStr;

use ledger::{AssetKind, Software};
use packageurl::PackageUrl;

use super::{Fault, Found, Importer, Part, Source, list, short, text};

pub(super) const IMPORTER: Importer = Importer {
    kind: "spdx",
    summary: "an SPDX 2.2 or 2.3 bill of materials, JSON or tag-value",
    read,
};

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let (name, software) = match source.text.trim_start().starts_with('{') {
        true => json(source)?,
        false => tags(source.text)?,
    };
    let name = source.name_of(name.as_deref());
    let mut found = Found::new(&name, source.kind_or(AssetKind::Server));
    found.asset.software = software
        .into_iter()
        .filter(|it| !it.name.is_empty())
        .collect();
    found.tells.push(Part::Software);
    Ok(vec![found])
}

fn known(version: &str) -> Result<(), Fault> {
    match version {
        "SPDX-2.2" | "SPDX-2.3" => Ok(()),
        "" => Err(Fault::new("it is no SPDX document (spdxVersion)")),
        other => Err(Fault::new(format!("version {other} is not known"))),
    }
}

fn json(source: &Source<'_>) -> Result<(Option<String>, Vec<Software>), Fault> {
    let root = source.json()?;
    known(text(&root, "/spdxVersion").unwrap_or_default())?;
    let packages = list(&root, "/packages").map(|package| {
        let of = |field: &str| text(package, &format!("/{field}"));
        let mut software = named(of("name").unwrap_or_default());
        version(&mut software, of("versionInfo").unwrap_or_default());
        for reference in list(package, "/externalRefs") {
            let of = |field: &str| text(reference, &format!("/{field}")).unwrap_or_default();
            refer(&mut software, of("referenceType"), of("referenceLocator"));
        }
        software
    });
    Ok((text(&root, "/name").map(str::to_owned), packages.collect()))
}

fn tags(text: &str) -> Result<(Option<String>, Vec<Software>), Fault> {
    let (mut spdx, mut name) = ("", None);
    let mut software: Vec<Software> = Vec::new();
    let mut within = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        // Texts over several lines tell nothing that is read here.
        if within || line.contains("<text>") {
            within = !line.contains("</text>");
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else {
            return Err(Fault::at(
                at + 1,
                format!("`{}` is no tag and value", short(line)),
            ));
        };
        let value = value.trim();
        match (tag, software.last_mut()) {
            ("SPDXVersion", _) => spdx = value,
            ("DocumentName", _) => name = Some(value.to_owned()),
            ("PackageName", _) => software.push(named(value)),
            ("PackageVersion", Some(last)) => version(last, value),
            ("ExternalRef", Some(last)) => {
                let mut words = value.split_whitespace().skip(1);
                if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                    refer(last, kind, locator);
                }
            }
            _ => {}
        }
    }
    known(spdx)?;
    Ok((name, software))
}

fn named(name: &str) -> Software {
    Software {
        name: short(name),
        version: "unknown".to_owned(),
        ..Software::default()
    }
}

fn version(software: &mut Software, version: &str) {
    if !version.is_empty() && version != "NOASSERTION" {
        software.version = short(version);
    }
}

fn refer(software: &mut Software, kind: &str, locator: &str) {
    match kind {
        "purl" => {
            let purl = PackageUrl::from_str(locator).ok();
            let told = purl.and_then(|purl| purl.version().map(str::to_owned));
            if let (Some(told), "unknown") = (told, software.version.as_str()) {
                software.version = told;
            }
            software.purl = Some(short(locator));
        }
        "cpe23Type" | "cpe22Type" if software.cpe.is_none() => software.cpe = Some(short(locator)),
        _ => {}
    }
}

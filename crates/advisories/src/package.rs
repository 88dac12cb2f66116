//! What names software: package URLs and CPEs, and by which names an advisory of it is found.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::FromStr;

use packageurl::PackageUrl;

use crate::version::Scheme;

/// Software that has a version and names by which it can be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// What is compared with an advisory: names and versions, the best first.
    pub(crate) names: Vec<Named>,
    pub(crate) scheme: Scheme,
    /// The release of the distribution that it belongs to.
    pub(crate) release: Option<String>,
}

/// One name of a package. Packages that are built of one source share the source's name, by
/// which distributions publish advisories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

impl Package {
    /// Reads a package URL or a CPE; nothing if it is neither, or its versions have no order.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match text.starts_with("cpe:") {
            true => of_cpe(text),
            false => of_purl(text),
        }
    }

    /// Whether an advisory for one release of a distribution is about this one's.
    pub(crate) fn is_of_release(&self, wanted: Option<&str>) -> bool {
        match (&self.release, wanted) {
            (Some(release), Some(wanted)) => release == wanted,
            _ => true,
        }
    }
}

fn of_purl(text: &str) -> Option<Package> {
    let purl = PackageUrl::from_str(text).ok()?;
    let scheme = Scheme::of_type(purl.ty())?;
    let namespace = namespace(purl.ty(), purl.namespace());
    let key = |name: &str| {
        let name = match purl.ty() {
            "pypi" => Cow::Owned(python_name(name)),
            "nuget" => Cow::Owned(name.to_ascii_lowercase()),
            _ => Cow::Borrowed(name),
        };
        format!("{}/{namespace}/{name}", purl.ty())
    };
    let version = purl.version().map(str::to_owned);
    let epoch = qualifier(&purl, "epoch").filter(|epoch| *epoch != "0");
    let version = match (version, epoch) {
        (Some(version), Some(epoch)) if !version.contains(':') => {
            Some(format!("{epoch}:{version}"))
        }
        (version, _) => version,
    };
    let mut names = vec![Named {
        key: key(purl.name()),
        version: version.clone(),
    }];
    if let Some(source) = qualifier(&purl, "upstream") {
        let (name, source_version) = source_of(purl.ty(), source);
        let source = Named {
            key: key(name),
            version: source_version.map(str::to_owned).or(version),
        };
        // Advisories of Debian and Alpine name sources alone; those of RPM both.
        match purl.ty() {
            "rpm" => names.push(source),
            _ => names = vec![source],
        }
        names.dedup_by(|left, right| left.key == right.key);
    }
    let distribution = qualifier(&purl, "distro");
    Some(Package {
        names,
        scheme,
        release: distribution.map(release),
    })
}

fn qualifier<'a>(purl: &'a PackageUrl<'_>, name: &str) -> Option<&'a str> {
    let qualifiers: &HashMap<_, _> = purl.qualifiers();
    qualifiers.get(name).map(AsRef::as_ref)
}

/// `openssl@3.0.11-1`, or the file name of a source package of RPM.
fn source_of<'a>(kind: &str, text: &'a str) -> (&'a str, Option<&'a str>) {
    if let Some((name, version)) = text.split_once('@') {
        return (name, Some(version));
    }
    if let (true, Some(stem)) = (kind == "rpm", text.strip_suffix(".src.rpm")) {
        let mut dashes = stem.rmatch_indices('-').map(|(at, _)| at);
        let (_release, version) = (dashes.next(), dashes.next());
        return (version.and_then(|at| stem.get(..at)).unwrap_or(stem), None);
    }
    (text, None)
}

/// Distributions have one name here, whatever a source calls them.
fn namespace(kind: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.unwrap_or_default();
    match (kind, namespace.to_ascii_lowercase().as_str()) {
        ("rpm", "redhat") => "rhel".to_owned(),
        ("rpm", "alma") => "almalinux".to_owned(),
        ("rpm", "rockylinux") => "rocky".to_owned(),
        ("deb" | "rpm" | "apk" | "npm" | "composer" | "golang", lower) => lower.to_owned(),
        _ => namespace.to_owned(),
    }
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`.
fn python_name(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// A release of a distribution, as exactly as advisories tell it: `debian-12`, `ubuntu-22.04`,
/// `rhel-9`, `alpine-3.18`.
pub(crate) fn release(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let Some((id, version)) = text.rsplit_once('-') else {
        return text;
    };
    let id = match id {
        "redhat" => "rhel",
        "alma" => "almalinux",
        "rockylinux" => "rocky",
        id => id,
    };
    let version = version.trim_start_matches('v');
    let parts: Vec<&str> = version.split('.').collect();
    let exact = match id {
        "debian" | "rhel" | "rocky" | "almalinux" | "centos" | "ol" | "fedora" | "amzn" => 1,
        _ => 2,
    };
    format!("{id}-{}", parts.get(..exact).unwrap_or(&parts).join("."))
}

fn of_cpe(text: &str) -> Option<Package> {
    let fields = cpe_fields(text)?;
    let at = |place: usize| fields.get(place).map(String::as_str).unwrap_or_default();
    let version = Some(at(3)).filter(|version| !matches!(*version, "" | "*" | "-"));
    let update = Some(at(4)).filter(|update| !matches!(*update, "" | "*" | "-"));
    let version = version.map(|version| match update {
        Some(update) => format!("{version} {update}"),
        None => version.to_owned(),
    });
    Some(Package {
        names: vec![Named {
            key: format!("cpe/{}/{}", at(1), at(2)),
            version,
        }],
        scheme: Scheme::Dotted,
        release: None,
    })
}

/// The part, the vendor, the product, the version, the update of either form of a CPE.
fn cpe_fields(text: &str) -> Option<Vec<String>> {
    let (text, old) = match text.strip_prefix("cpe:2.3:") {
        Some(rest) => (rest, false),
        None => (text.strip_prefix("cpe:/")?, true),
    };
    let mut fields = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut()?;
        match letter {
            ':' => fields.push(String::new()),
            '\\' if !old => field.extend(letters.next()),
            letter => field.push(letter.to_ascii_lowercase()),
        }
    }
    let named = fields.len() >= 3
        && fields
            .iter()
            .take(3)
            .skip(1)
            .all(|it| !it.is_empty() && it != "*");
    named.then_some(fields)
}

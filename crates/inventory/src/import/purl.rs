//! Package URLs of what package managers list.

use std::borrow::Cow;

use ledger::{OperatingSystem, Software};
use packageurl::PackageUrl;

/// A package of a distribution. `source` is the package that it is built of, and that one's
/// version, by which the distribution publishes advisories.
pub(super) struct Package<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) version: Cow<'a, str>,
    pub(super) architecture: &'a str,
    pub(super) source: Option<(&'a str, Option<&'a str>)>,
}

impl Package<'_> {
    pub(super) fn software(&self, os: Option<&OperatingSystem>) -> Software {
        Software {
            name: self.name.to_owned(),
            version: self.version.clone().into_owned(),
            purl: self.purl(os),
            ..Software::default()
        }
    }

    fn purl(&self, os: Option<&OperatingSystem>) -> Option<String> {
        let mut purl = PackageUrl::new(self.kind, self.name).ok()?;
        purl.with_version(self.version.as_ref()).ok()?;
        if let Some(os) = os {
            purl.with_namespace(os.id.as_str()).ok()?;
            if let Some(release) = &os.version {
                purl.add_qualifier("distro", format!("{}-{release}", os.id))
                    .ok()?;
            }
        }
        if !self.architecture.is_empty() {
            purl.add_qualifier("arch", self.architecture).ok()?;
        }
        if let Some((name, version)) = self.source {
            let version = version.filter(|version| *version != self.version.as_ref());
            let source = match version {
                Some(version) => format!("{name}@{version}"),
                None => name.to_owned(),
            };
            if source != self.name {
                purl.add_qualifier("upstream", source).ok()?;
            }
        }
        Some(purl.to_string())
    }
}

/// A version of RPM as it is compared; without an epoch it is of epoch 0.
pub(super) fn rpm_version(epoch: Option<&str>, version: &str, release: Option<&str>) -> String {
    let epoch = epoch.filter(|epoch| !matches!(*epoch, "0" | "(none)"));
    let epoch = epoch.map(|epoch| format!("{epoch}:"));
    let release = release.map(|release| format!("-{release}"));
    let [epoch, release] = [epoch, release].map(Option::unwrap_or_default);
    format!("{epoch}{version}{release}")
}

/// A package of a language.
pub(super) fn of_language(kind: &str, name: &str, version: &str) -> Option<String> {
    let (namespace, name) = match (kind, name.rsplit_once('/')) {
        ("npm", Some((namespace, name))) => (Some(namespace), name),
        _ => (None, name),
    };
    let mut purl = PackageUrl::new(kind.to_owned(), name.to_owned()).ok()?;
    if let Some(namespace) = namespace {
        purl.with_namespace(namespace).ok()?;
    }
    purl.with_version(version).ok()?;
    Some(purl.to_string())
}

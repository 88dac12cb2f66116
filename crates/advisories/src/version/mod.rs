//! The order of versions, as each ecosystem defines it.

mod apk;
mod dotted;
mod dpkg;
mod gem;
mod maven;
mod semantic;

use std::cmp::Ordering;
use std::str::FromStr;

use crate::Limits;

/// Who says which of two versions is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Debian policy, chapter 5.6.12.
    Dpkg,
    /// rpmvercmp of RPM, with epoch and release.
    Rpm,
    /// apk-tools of Alpine.
    Apk,
    /// Semantic Versioning 2.0, with as many numbers as there are; npm, Cargo, Go, NuGet and others.
    Semver,
    /// Python's PEP 440.
    Pep440,
    /// Maven's `ComparableVersion`.
    Maven,
    /// Ruby's `Gem::Version`.
    Gem,
    /// Numbers and words between them, as firmware has them.
    Dotted,
}

/// All schemes by name.
pub const SCHEMES: &[(&str, Scheme)] = &[
    ("dpkg", Scheme::Dpkg),
    ("rpm", Scheme::Rpm),
    ("apk", Scheme::Apk),
    ("semver", Scheme::Semver),
    ("pep440", Scheme::Pep440),
    ("maven", Scheme::Maven),
    ("gem", Scheme::Gem),
    ("dotted", Scheme::Dotted),
];

impl Scheme {
    /// The scheme of a type of package URLs; none for a type whose order is not known.
    #[must_use]
    pub(crate) fn of_type(kind: &str) -> Option<Self> {
        Some(match kind {
            "deb" => Self::Dpkg,
            "rpm" => Self::Rpm,
            "apk" => Self::Apk,
            "pypi" => Self::Pep440,
            "maven" => Self::Maven,
            "gem" => Self::Gem,
            "npm" | "cargo" | "golang" | "nuget" | "hex" | "pub" | "swift" | "composer" => {
                Self::Semver
            }
            "generic" | "bitnami" | "github" => Self::Dotted,
            _ => return None,
        })
    }

    /// Which of two versions is newer; nothing if one is no version of this scheme.
    #[must_use]
    pub fn compare(self, left: &str, right: &str, limits: &Limits) -> Option<Ordering> {
        let (left, right) = (left.trim(), right.trim());
        let fits = |it: &str| !it.is_empty() && it.len() <= limits.version_bytes && it.is_ascii();
        if !fits(left) || !fits(right) {
            return None;
        }
        match self {
            Self::Dpkg => dpkg::compare(left, right),
            Self::Rpm => Some(rpm_version::rpm_evr_compare(left, right)),
            Self::Apk => apk::compare(left, right),
            Self::Semver => semantic::compare(left, right),
            Self::Pep440 => {
                let left = pep440_rs::Version::from_str(left).ok()?;
                Some(left.cmp(&pep440_rs::Version::from_str(right).ok()?))
            }
            Self::Maven => Some(maven::compare(left, right)),
            Self::Gem => gem::compare(left, right),
            Self::Dotted => Some(dotted::compare(left, right)),
        }
    }
}

/// Digits of any length, by their value.
fn numbers(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The bytes at the beginning for which that holds, and the rest. The text is ASCII.
fn span(text: &str, holds: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !holds(byte));
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

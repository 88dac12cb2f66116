//! What is known of a vulnerability.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::ssvc::{Exploitation, TechnicalImpact};
use crate::{Limits, Refused, check};

named! {
    /// How bad it is; the worst comes first in lists.
    pub enum Severity {
        /// CVSS 9.0 to 10.0.
        Critical = "critical",
        /// CVSS 7.0 to 8.9.
        High = "high",
        /// CVSS 4.0 to 6.9.
        Medium = "medium",
        /// CVSS 0.1 to 3.9.
        Low = "low",
    }
}

/// Versions from one on, and up to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionRange {
    /// The first version that belongs to it; without one, every version from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub introduced: Option<String>,
    /// The first version after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub fixed: Option<String>,
    /// The last version that belongs to it, where no fix is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub last_affected: Option<String>,
}

/// Software that has the vulnerability. Its versions are ordered as the type of its package
/// URL says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affected {
    /// A package URL without version, or a CPE 2.3 name.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub what: String,
    /// Versions that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<VersionRange>,
    /// More versions that have it, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub versions: Vec<String>,
    /// Versions that do not have it, although they are within these ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unaffected: Vec<VersionRange>,
}

/// An entry of CISA's catalogue of known exploited vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownExploited {
    /// When it was entered.
    pub added_ms: i64,
    /// By when it must be remedied, says the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// Whether it is used by those who demand ransom.
    #[serde(default)]
    pub ransomware: bool,
}

/// What is known of a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// Its first name, such as a CVE.
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub id: String,
    /// For people.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Its other names.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub aliases: Vec<String>,
    /// The first version without it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub fixed_in: Option<String>,
    /// Whether it is known to be exploited.
    #[serde(default)]
    pub exploited: bool,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_ms: Option<i64>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// The vector of its CVSS score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub cvss: Option<String>,
    /// Its weaknesses, as `CWE-22`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub cwe: Vec<String>,
    /// How probable its exploitation in the next 30 days is, by EPSS, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub epss_millionths: Option<u32>,
    /// What the catalogue of known exploited vulnerabilities says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_exploited: Option<KnownExploited>,
    /// What is known of attacks, as a source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploitation: Option<Exploitation>,
    /// Whether attacks can be carried out by a program alone, as a source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatable: Option<bool>,
    /// How much an attacker gets, as a source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical_impact: Option<TechnicalImpact>,
    /// Where more is told: release notes, known issues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub references: Vec<String>,
    /// The software that has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20000))]
    pub affected: Vec<Affected>,
}

impl Advisory {
    /// An advisory of which no more is known.
    #[must_use]
    pub fn new(id: impl Into<String>, severity: Severity) -> Self {
        let id = id.into();
        Self {
            title: id.clone(),
            id,
            severity,
            aliases: Vec::new(),
            fixed_in: None,
            exploited: false,
            published_ms: None,
            modified_ms: None,
            cvss: None,
            cwe: Vec::new(),
            epss_millionths: None,
            known_exploited: None,
            exploitation: None,
            automatable: None,
            technical_impact: None,
            references: Vec::new(),
            affected: Vec::new(),
        }
    }

    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::entries("aliases", &self.aliases, limits)?;
        for alias in &self.aliases {
            check::id("alias", alias, limits)?;
        }
        check::told("fixed_in", &self.fixed_in, limits)?;
        check::told("cvss", &self.cvss, limits)?;
        check::entries("cwe", &self.cwe, limits)?;
        for cwe in &self.cwe {
            check::id("cwe", cwe, limits)?;
        }
        check::texts("references", "reference", &self.references, limits)?;
        if self.epss_millionths.is_some_and(|epss| epss > 1_000_000) {
            return Err(Refused::new("epss_millionths must be 1000000 at most"));
        }
        self.check_affected(limits)
    }

    fn check_affected(&self, limits: &Limits) -> Result<(), Refused> {
        let mut tally = check::Tally::default();
        for affected in &self.affected {
            tally.add("what", &affected.what, limits)?;
            for range in affected.ranges.iter().chain(&affected.unaffected) {
                let ends = [&range.introduced, &range.fixed, &range.last_affected];
                for version in ends.into_iter().flatten() {
                    tally.add("version", version, limits)?;
                }
            }
            for version in &affected.versions {
                tally.add("version", version, limits)?;
            }
        }
        let entries = self.affected.len();
        tally.check("affected", entries, limits.affected, limits.affected_bytes)
    }
}

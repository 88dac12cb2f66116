//! What is known of a vulnerability.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
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
}

impl Advisory {
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
        self.fixed_in
            .iter()
            .try_for_each(|version| check::text("fixed_in", version, limits))
    }
}

//! The document as it is written. Doc comments are the texts of the JSON Schema.

mod cases;
mod located;
mod place;
mod read;
mod rules;
mod scope;

use schemars::JsonSchema;
use serde::Deserialize;

pub use cases::{Case, Cases, Json, Query, RequestForm, Short, Success};
pub use located::Located;
pub use place::{Member, Place, PlaceKind};
pub use read::Source;
pub use rules::{Allow, Condition, Decode, Deny, Kind, Rule, Strip, Traversal, UrlShape, When};
pub use scope::{Body, Inspect, Oversize, Paths, Scope, Unparsable};

/// A virtual patch: what it protects against, how, and until when.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this format: 1.
    pub stopgap: Located<u32>,
    /// Unique among the patches of an ingress point; a CVE where there is one.
    pub id: Located<String>,
    /// One line for people.
    pub title: Located<String>,
    /// How bad the vulnerability is.
    pub severity: Severity,
    /// What is known of the vulnerability.
    #[serde(default)]
    pub vulnerability: Vulnerability,
    /// Why a virtual patch is needed.
    pub reason: Option<Located<Reason>>,
    /// Who answers for the patch: an address or a team.
    pub owner: Option<Located<String>>,
    /// The day on which the patch must be renewed or gone, `YYYY-MM-DD`.
    pub expires: Option<Located<String>>,
    /// Which requests it concerns; all if left out.
    #[serde(default)]
    pub scope: Scope,
    /// Whether and how request bodies are inspected.
    #[serde(default)]
    pub body: Body,
    /// At least one.
    pub rules: Vec<Located<Rule>>,
    /// The requests that prove it.
    #[serde(default)]
    pub cases: Located<Cases>,
}

/// How bad a vulnerability is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// CVSS 9.0 and above.
    Critical,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// Below.
    Low,
}

/// Why there is no real fix in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No developer is free.
    NoResources,
    /// A service provider runs the system.
    ProviderManaged,
    /// The software is someone else's.
    ThirdParty,
    /// The fix is known and on its way.
    WaitingForFix,
}

/// What is known of a vulnerability.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vulnerability {
    /// Other names, such as GHSA ids.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Such as `CWE-22`.
    #[serde(default)]
    pub cwe: Vec<String>,
    /// Package URLs with version ranges, such as `pkg:pypi/aiohttp@<3.9.2`.
    #[serde(default)]
    pub affects: Vec<String>,
    /// The first version that has the real fix.
    pub fixed_in: Option<String>,
    /// Where to read more.
    #[serde(default)]
    pub references: Vec<String>,
}

//! The document as it is written. Doc comments are the texts of the JSON Schema.

mod cases;
mod located;
mod place;
mod read;
mod rules;
mod scope;
mod write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cases::{Case, Cases, Json, Query, RequestForm, Short, Success};
pub use located::Located;
pub use place::{Member, Place, PlaceKind};
pub use read::Source;
pub use rules::{Allow, Condition, Decode, Deny, Kind, Rule, Strip, Traversal, UrlShape, When};
pub use scope::{Body, Inspect, Oversize, Paths, Scope, Unparsable};

/// A virtual patch: what it protects against, how, and until when.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub vulnerability: Vulnerability,
    /// Why a virtual patch is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Located<Reason>>,
    /// Who answers for the patch: an address or a team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Located<String>>,
    /// The day on which the patch must be renewed or gone, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Located<String>>,
    /// Left out where the rules stop a class of attacks and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What it does not cover, and what must hold for it to protect: a sentence each.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Vec<String>,
    /// Which requests it concerns; all if left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: Scope,
    /// Whether and how request bodies are inspected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub body: Body,
    /// At least one.
    pub rules: Vec<Located<Rule>>,
    /// The requests that prove it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cases: Located<Cases>,
}

/// Whether a part of a document says no more than leaving it out.
fn is_default<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// What a patch does beyond stopping a class of attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nobody reaches the endpoint any more, whatever the request holds.
    EndpointClosed,
    /// Only values that are known are stopped, such as a published password.
    Literal,
    /// Where the application fetches what it is told to, only URLs of its own site pass.
    OwnUrlsOnly,
}

/// How bad a vulnerability is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vulnerability {
    /// Other names, such as GHSA ids.
    #[serde(default, skip_serializing_if = "is_default")]
    pub aliases: Vec<String>,
    /// Such as `CWE-22`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cwe: Vec<String>,
    /// Package URLs with version ranges, such as `pkg:pypi/aiohttp@<3.9.2`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub affects: Vec<String>,
    /// The first version that has the real fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
    /// Whether attackers are known to use it, as CISA's catalogue tells.
    #[serde(default, skip_serializing_if = "is_default")]
    pub known_exploited: bool,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub references: Vec<String>,
}

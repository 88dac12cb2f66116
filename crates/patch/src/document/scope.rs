//! Which requests a patch concerns, and what it wants of their bodies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Located;

/// A request is concerned if every part agrees; what is left out agrees with all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Names of applications; `*` stands for any run of characters.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub apps: Vec<String>,
    /// Host names without port; `*.example.org` for all below.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub hosts: Vec<String>,
    /// Such as `GET`; case matters.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub methods: Vec<String>,
    /// Which paths, in every reading that a common server may give them.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub path: Located<Paths>,
}

/// Paths; one that agrees is enough. ASCII case is ignored.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// These alone.
    #[serde(
        default,
        deserialize_with = "super::read::one_or_many",
        skip_serializing_if = "super::is_default"
    )]
    #[schemars(with = "OneOrMany")]
    pub exact: Vec<String>,
    /// These and all that begin with them.
    #[serde(
        default,
        deserialize_with = "super::read::one_or_many",
        skip_serializing_if = "super::is_default"
    )]
    #[schemars(with = "OneOrMany")]
    pub prefix: Vec<String>,
    /// All that end with them.
    #[serde(
        default,
        deserialize_with = "super::read::one_or_many",
        skip_serializing_if = "super::is_default"
    )]
    #[schemars(with = "OneOrMany")]
    pub suffix: Vec<String>,
    /// Regular expressions, unanchored.
    #[serde(
        default,
        deserialize_with = "super::read::one_or_many",
        skip_serializing_if = "super::is_default"
    )]
    #[schemars(with = "OneOrMany")]
    pub regex: Vec<String>,
    /// Regular expressions of whole paths, percent-decoded once, that rules leave to patches of
    /// their own, such as `/report\.xml` beside `/report`. ASCII case matters.
    #[serde(
        default,
        deserialize_with = "super::read::one_or_many",
        skip_serializing_if = "super::is_default"
    )]
    #[schemars(with = "OneOrMany")]
    pub except: Vec<String>,
}

/// For the schema: a string or a list of strings.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a shape, holds nothing")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Whether and how request bodies are inspected.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// `auto`: held if any rule looks at it. `none`: never held.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub inspect: Located<Inspect>,
    /// Bytes that are held at most; 1048576 if left out, which is also the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Located<usize>>,
    /// What to do with a body that is larger.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub oversize: Oversize,
    /// What to do with a body that does not parse as what it claims to be.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub unparsable: Unparsable,
}

/// Whether request bodies are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inspect {
    /// If any rule looks at them.
    #[default]
    Auto,
    /// Never; a rule that looks at them does not lint.
    None,
}

/// What to do with a body that is larger than the budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Oversize {
    /// Answer 413.
    #[default]
    Block,
    /// Forward it uninspected and record that.
    PassAndRecord,
    /// Inspect what fits, forward the rest unseen and record that.
    Partial,
}

/// What to do with a body that does not parse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unparsable {
    /// Answer 400: a lenient application might read what the rules could not.
    #[default]
    Block,
    /// Inspect what could be parsed, and the raw bytes where rules ask for them.
    Pass,
}

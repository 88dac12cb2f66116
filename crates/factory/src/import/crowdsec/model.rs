//! A rule file as it is written.

use serde::Deserialize;
use serde_saphyr::Spanned;

/// One file. Keys that do not change what is stopped are read over.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) rules: Vec<Condition>,
    #[serde(default)]
    pub(super) seclang_rules: Vec<String>,
    #[serde(default, alias = "seclang_rules_files")]
    pub(super) seclang_files_rules: Vec<String>,
    #[serde(default)]
    pub(super) labels: Labels,
    /// Files that are fetched for it.
    #[serde(default)]
    pub(super) data: Vec<serde_json::Value>,
}

/// What is told about the rule.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Labels {
    #[serde(default)]
    pub(super) label: String,
    /// Such as `cve.CVE-2024-4577`, `cwe.CWE-88`, `attack.T1190`.
    #[serde(default)]
    pub(super) classification: Vec<String>,
    #[serde(default)]
    pub(super) references: Vec<String>,
}

/// A condition, or several under `and` and `or`. A key that is not known is an error: a
/// condition that is dropped changes what is stopped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    #[serde(default)]
    #[expect(dead_code, reason = "a name says nothing of what is stopped")]
    name: Option<String>,
    pub(super) severity: Option<String>,
    #[serde(default)]
    pub(super) zones: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) variables: Vec<String>,
    #[serde(default)]
    pub(super) transform: Vec<Spanned<String>>,
    #[serde(rename = "match")]
    pub(super) matched: Option<Match>,
    #[serde(default)]
    pub(super) and: Vec<Condition>,
    #[serde(default)]
    pub(super) or: Vec<Condition>,
    pub(super) body_type: Option<Spanned<String>>,
}

/// What is asked of a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    #[serde(default)]
    pub(super) value: String,
    #[serde(default)]
    pub(super) not: bool,
}

impl File {
    /// # Errors
    /// What is no rule file, with the line.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |location| location.line());
            let message = error.without_snippet().to_string();
            let message = message.lines().next().unwrap_or_default().to_owned();
            format!("{name}:{line}: {message}")
        })
    }
}

//! Whether a vulnerability can be stopped in HTTP at all, by what its entry says.

use anyhow::Context;
use regex::Regex;
use serde::Deserialize;

use super::kev::Vulnerability;

/// The classes, in the order in which they are asked; the first that agrees counts.
const CLASSES: &str = include_str!("classes.toml");

pub(super) struct Classes(Vec<Class>);

/// Entries that can, or cannot, be covered for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    pub(super) name: String,
    /// Whether a request over HTTP exploits it.
    pub(super) http: bool,
    pub(super) reason: String,
    /// One that agrees is enough.
    signs: Vec<Sign>,
}

/// Every part that is given must agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    #[serde(default, with = "pattern")]
    vendor: Option<Regex>,
    #[serde(default, with = "pattern")]
    product: Option<Regex>,
    /// Of the vulnerability's name.
    #[serde(default, with = "pattern")]
    name: Option<Regex>,
    /// Of the name and the description.
    #[serde(default, with = "pattern")]
    text: Option<Regex>,
    /// One of these.
    #[serde(default)]
    cwe: Vec<String>,
    /// Ids of entries whose fields do not tell, but their advisories.
    #[serde(default)]
    cve: Vec<String>,
}

impl Classes {
    pub(super) fn new() -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct File {
            class: Vec<Class>,
        }
        let file: File = toml::from_str(CLASSES).context("classes.toml")?;
        Ok(Self(file.class))
    }

    pub(super) fn of(&self, vulnerability: &Vulnerability) -> Option<&Class> {
        self.0
            .iter()
            .find(|class| class.signs.iter().any(|sign| sign.agrees(vulnerability)))
    }
}

impl Sign {
    fn agrees(&self, vulnerability: &Vulnerability) -> bool {
        let text = format!("{}. {}", vulnerability.name, vulnerability.description);
        let patterns = [
            (&self.vendor, &vulnerability.vendor),
            (&self.product, &vulnerability.product),
            (&self.name, &vulnerability.name),
            (&self.text, &text),
        ];
        patterns.iter().all(|(pattern, text)| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(text))
        }) && (self.cwe.is_empty() || self.cwe.iter().any(|cwe| vulnerability.cwes.contains(cwe)))
            && (self.cve.is_empty() || self.cve.contains(&vulnerability.cve))
    }
}

mod pattern {
    use regex::{Regex, RegexBuilder};
    use serde::{Deserialize, Deserializer, de::Error};

    /// Case is ignored.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Regex>, D::Error> {
        let text = String::deserialize(deserializer)?;
        RegexBuilder::new(&text)
            .case_insensitive(true)
            .build()
            .map(Some)
            .map_err(D::Error::custom)
    }
}

//! A template as it is written: the fields that say what is sent, and what shows success.
//!
//! Fields that are not asked here are not read: they tune the scanner.

use patch::document::Located;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A template.
#[derive(Debug, Deserialize)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) info: Info,
    #[serde(default)]
    pub(super) variables: Fields<String>,
    #[serde(default)]
    pub(super) constants: Fields<String>,
    #[serde(default, alias = "requests")]
    pub(super) http: Vec<Block>,
    pub(super) flow: Option<String>,
    // Other protocols, of which only the presence is told.
    pub(super) dns: Option<IgnoredAny>,
    pub(super) file: Option<IgnoredAny>,
    #[serde(alias = "network")]
    pub(super) tcp: Option<IgnoredAny>,
    pub(super) headless: Option<IgnoredAny>,
    pub(super) ssl: Option<IgnoredAny>,
    pub(super) websocket: Option<IgnoredAny>,
    pub(super) whois: Option<IgnoredAny>,
    pub(super) code: Option<IgnoredAny>,
    pub(super) javascript: Option<IgnoredAny>,
    pub(super) workflows: Option<IgnoredAny>,
}

/// What is known of the vulnerability.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Info {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) severity: String,
    #[serde(default)]
    pub(super) reference: Texts,
    #[serde(default)]
    pub(super) classification: Option<Classification>,
    #[serde(default)]
    pub(super) tags: Texts,
}

/// Numbers that others gave it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Classification {
    #[serde(default)]
    pub(super) cve_id: Texts,
    #[serde(default)]
    pub(super) cwe_id: Texts,
    #[serde(default)]
    pub(super) cpe: Texts,
}

/// Requests that are sent together.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Block {
    /// What a flow calls it.
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) raw: Vec<Located<String>>,
    #[serde(default)]
    pub(super) method: Texts,
    #[serde(default)]
    pub(super) path: Vec<Located<String>>,
    #[serde(default)]
    pub(super) headers: Fields<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) payloads: Fields<Texts>,
    #[serde(default)]
    pub(super) attack: Option<String>,
    #[serde(default)]
    pub(super) skip_variables_check: bool,
    #[serde(default)]
    pub(super) matchers: Vec<Matcher>,
    #[serde(default)]
    pub(super) matchers_condition: String,
    #[serde(default)]
    pub(super) fuzzing: Option<Located<Vec<Fuzzing>>>,
}

/// What a scanner puts in the place of parts of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Fuzzing {
    #[serde(default)]
    pub(super) part: String,
    #[serde(default)]
    pub(super) parts: Texts,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) mode: String,
    #[serde(default)]
    pub(super) keys: Texts,
    #[serde(default)]
    pub(super) keys_regex: Texts,
    #[serde(default)]
    pub(super) values: Texts,
    #[serde(default)]
    pub(super) replace_regex: String,
    #[serde(default)]
    pub(super) fuzz: Payloads,
}

/// Texts, each with the name it is for where one is told.
#[derive(Debug, Default)]
pub(super) struct Payloads(pub(super) Vec<(Option<String>, String)>);

impl<'de> Deserialize<'de> for Payloads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedOrNot;
        impl<'de> Visitor<'de> for NamedOrNot {
            type Value = Payloads;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of texts, or names and texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Payloads, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element::<Option<String>>()? {
                    texts.push((None, text.unwrap_or_default()));
                }
                Ok(Payloads(texts))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payloads, A::Error> {
                let mut texts = Vec::new();
                while let Some((name, text)) = map.next_entry()? {
                    texts.push((Some(name), text));
                }
                Ok(Payloads(texts))
            }
        }
        deserializer.deserialize_any(NamedOrNot)
    }
}

impl Block {
    /// Whether it says what it sends a request for, beyond the target alone.
    pub(super) fn names_endpoint(&self) -> bool {
        let beyond = |path: &str| {
            let path = path.replace("{{BaseURL}}", "").replace("{{RootURL}}", "");
            !path.trim().trim_matches('/').is_empty()
        };
        !self.raw.is_empty() || self.path.iter().any(|path| beyond(path))
    }
}

/// What shows success.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Matcher {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) part: String,
    #[serde(default)]
    pub(super) words: Texts,
    #[serde(default)]
    pub(super) regex: Texts,
    #[serde(default)]
    pub(super) status: Texts,
    #[serde(default)]
    pub(super) negative: bool,
    #[serde(default)]
    pub(super) internal: bool,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is none, with its line.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |location| location.line());
            let rendered = error.without_snippet().to_string();
            let what = rendered.lines().next().unwrap_or_default().to_owned();
            format!("{name}:{line}: {}", what.trim_start_matches("error: "))
        })
    }

    /// Names and texts that its expressions may ask for.
    pub(super) fn variables(&self) -> impl Iterator<Item = &(String, String)> {
        self.variables.0.iter().chain(&self.constants.0)
    }

    /// Variables that nobody can set from without.
    pub(super) fn constants(&self) -> &[(String, String)] {
        &self.constants.0
    }

    /// Whether each request says twice, or in two ways, where its body ends (RFC 9112 section 6.3).
    pub(super) fn smuggles(&self) -> bool {
        let frames = |raw: &Located<String>| {
            let head = raw.trim_start().lines().map(str::trim);
            let lines = head.take_while(|line| !line.is_empty());
            let names = lines.filter_map(|line| line.split_once(':'));
            let names = names.map(|(name, _)| name.trim().to_ascii_lowercase());
            let framing = ["content-length", "transfer-encoding"];
            names
                .filter(|name| framing.contains(&name.as_str()))
                .count()
        };
        let of_block = |block: &Block| match block.raw.is_empty() {
            true => block.path.is_empty(),
            false => block.raw.iter().all(|raw| frames(raw) > 1),
        };
        let sends = self.http.iter().any(|block| !block.raw.is_empty());
        sends && self.http.iter().all(of_block)
    }

    /// Protocols other than HTTP that it speaks.
    pub(super) fn others(&self) -> Vec<&'static str> {
        [
            ("dns", self.dns.is_some()),
            ("file", self.file.is_some()),
            ("tcp", self.tcp.is_some()),
            ("headless", self.headless.is_some()),
            ("ssl", self.ssl.is_some()),
            ("websocket", self.websocket.is_some()),
            ("whois", self.whois.is_some()),
            ("code", self.code.is_some()),
            ("javascript", self.javascript.is_some()),
            ("workflows", self.workflows.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }
}

/// One text or several; numbers count as the texts they are written as.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts {
    pub(super) texts: Vec<String>,
    /// Whether it was written as a list.
    pub(super) listed: bool,
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(one(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Texts, E> {
                Ok(one(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Texts, E> {
                Ok(one(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Texts, E> {
                Ok(one(number.to_string()))
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<Texts, E> {
                Ok(one(word.to_string()))
            }

            fn visit_unit<E: Error>(self) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element::<Option<String>>()? {
                    texts.push(text.unwrap_or_default());
                }
                Ok(Texts {
                    texts,
                    listed: true,
                })
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

fn one(text: String) -> Texts {
    Texts {
        texts: vec![text],
        listed: false,
    }
}

/// Names and values in the order in which they are written.
#[derive(Debug, Clone)]
pub(super) struct Fields<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Fields<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ordered<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Ordered<T> {
            type Value = Fields<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("names and values")
            }

            fn visit_unit<E: Error>(self) -> Result<Fields<T>, E> {
                Ok(Fields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<T>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Ordered(std::marker::PhantomData))
    }
}

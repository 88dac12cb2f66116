//! Schemas of single values: which texts a request may hold for them.

use patch::document::{Allow, Kind, Place};
use serde_json::Value;

use super::spec::{list, text};
use crate::witness;

/// Characters that a count in an expression may bound; beyond, bytes are counted.
const COUNTED: u64 = 1000;

/// One kind of text that is allowed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Text {
    kind: Option<Kind>,
    /// Of the whole text.
    pattern: Option<String>,
    values: Vec<String>,
    min: Option<usize>,
    max: Option<usize>,
    /// A text that is allowed.
    pub(super) sample: String,
}

impl Text {
    /// These alone.
    pub(super) fn one_of(values: Vec<String>) -> Self {
        Self {
            sample: values.first().cloned().unwrap_or_default(),
            values,
            ..Self::default()
        }
    }

    /// What a schema of this type says.
    pub(super) fn of(schema: &Value, kind: &str) -> Self {
        let own = match kind {
            "integer" => whole(schema),
            "number" => Self {
                kind: Some(Kind::Number),
                sample: "1.5".to_owned(),
                ..Self::default()
            },
            "boolean" => Self {
                kind: Some(Kind::Boolean),
                sample: "true".to_owned(),
                ..Self::default()
            },
            "null" => Self::one_of(vec!["null".to_owned()]),
            _ => string(schema),
        };
        own.with_example(schema)
    }

    /// An example is what people send, where it is as the schema says.
    fn with_example(mut self, schema: &Value) -> Self {
        let listed = list(schema, "examples").first();
        let example = [schema.get("example"), schema.get("default"), listed]
            .into_iter()
            .flatten()
            .find_map(plain);
        if let Some(example) = example
            && self.admits(&example)
        {
            self.sample = example;
        }
        self
    }

    fn admits(&self, text: &str) -> bool {
        let whole = self
            .expression()
            .map(|pattern| format!("\\A(?:{pattern})\\z"));
        let fits = |pattern: String| {
            let built = regex::bytes::RegexBuilder::new(&pattern)
                .unicode(false)
                .build();
            built.is_ok_and(|regex| regex.is_match(text.as_bytes()))
        };
        whole.is_none_or(fits)
            && self.min.is_none_or(|min| text.len() >= min)
            && self.max.is_none_or(|max| text.len() <= max)
    }

    /// As an expression for the whole text; lengths in bytes are not part of it. None where
    /// any text is allowed.
    pub(super) fn expression(&self) -> Option<String> {
        if !self.values.is_empty() {
            let values: Vec<String> = self
                .values
                .iter()
                .map(|value| regex::escape(value))
                .collect();
            return Some(values.join("|"));
        }
        self.pattern.clone().or_else(|| {
            Some(
                match self.kind? {
                    Kind::Integer => "[-+]?[0-9]{1,19}",
                    Kind::Number => r"[-+]?[0-9]{1,19}(?:\.[0-9]{0,19})?(?:[eE][-+]?[0-9]{1,3})?",
                    Kind::Boolean => "true|false",
                    Kind::Uuid => "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
                    Kind::Date => "[0-9]{4}-[01][0-9]-[0-3][0-9]",
                    _ => return None,
                }
                .to_owned(),
            )
        })
    }
}

/// What all of these texts allow at a place; none where they allow everything.
pub(super) fn allow(places: Vec<Place>, texts: &[Text]) -> Option<Allow> {
    let allow = Allow {
        places,
        ..Allow::default()
    };
    if let [text] = texts {
        let bound = text.kind.is_some()
            || text.pattern.is_some()
            || !text.values.is_empty()
            || text.min.is_some()
            || text.max.is_some();
        return bound.then(|| Allow {
            kind: text.kind,
            pattern: text.pattern.clone().map(Into::into),
            values: text.values.clone(),
            min_length: text.min,
            max_length: text.max,
            ..allow
        });
    }
    let expressions: Option<Vec<String>> = texts.iter().map(Text::expression).collect();
    let expressions = expressions.filter(|all| !all.is_empty())?;
    Some(Allow {
        pattern: Some(expressions.join("|").into()),
        ..allow
    })
}

/// Several texts with commas between them, as lists in a query that do not explode.
pub(super) fn joined(texts: &[Text]) -> Vec<Text> {
    let expressions: Option<Vec<String>> = texts.iter().map(Text::expression).collect();
    let sample = texts
        .first()
        .map_or_else(String::new, |text| text.sample.clone());
    vec![Text {
        pattern: expressions.map(|all| {
            let item = format!("(?:{})", all.join("|"));
            format!("{item}(?:,{item})*|")
        }),
        sample,
        ..Text::default()
    }]
}

/// A scalar as it stands in a query or as a leaf.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Digits as many as the bounds allow.
fn whole(schema: &Value) -> Text {
    let bound = |names: [&str; 2]| {
        let mut values = names.iter().filter_map(|name| schema.get(*name)?.as_i64());
        values.next()
    };
    let least = bound(["minimum", "exclusiveMinimum"]);
    let most = bound(["maximum", "exclusiveMaximum"]);
    let pattern = match (least, most) {
        (Some(0..), Some(most @ 0..)) => Some(format!("[0-9]{{1,{}}}", most.to_string().len())),
        (Some(0..), None) => Some("[0-9]{1,19}".to_owned()),
        _ => None,
    };
    let sample = match (least, most) {
        (Some(least), _) => least.saturating_add(1).min(most.unwrap_or(i64::MAX)),
        (None, Some(most)) => most.min(7) - 1,
        (None, None) => 7,
    };
    Text {
        kind: pattern.is_none().then_some(Kind::Integer),
        pattern,
        sample: sample.to_string(),
        ..Text::default()
    }
}

fn string(schema: &Value) -> Text {
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let (min, max) = (count("minLength"), count("maxLength"));
    let bytes = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut found = Text {
        min: min.filter(|&min| min > 0).map(bytes),
        ..Text::default()
    };
    let format = text(schema, "format").unwrap_or_default();
    let (kind, pattern, sample) = known(format);
    found.kind = kind;
    found.pattern = pattern.map(str::to_owned);
    found.sample = sample.to_owned();
    if let Some(pattern) = text(schema, "pattern").and_then(whole_of) {
        let sample = witness::sample(&pattern).and_then(|sample| String::from_utf8(sample).ok());
        found.sample = sample.unwrap_or_default();
        found.pattern = Some(pattern);
    }
    match max {
        // A character of UTF-8 is one to four bytes.
        Some(max) if found.pattern.is_none() && kind.is_none() && max <= COUNTED => {
            let letter = r"(?:[\x00-\x7f]|[\xc2-\xf4][\x80-\xbf]{1,3})";
            found.pattern = Some(format!("{letter}{{{},{max}}}", min.unwrap_or(0).min(max)));
            found.min = None;
        }
        Some(max) => found.max = Some(bytes(max.saturating_mul(4))),
        None => {}
    }
    let least = bytes(min.unwrap_or(0).min(COUNTED));
    if found.sample.len() < least && pattern.is_none() {
        found
            .sample
            .push_str(&"a".repeat(least - found.sample.len()));
    }
    if let Some(max) = max
        && found.sample.chars().count() as u64 > max
    {
        found.sample = found.sample.chars().take(bytes(max)).collect();
    }
    found
}

/// Formats that say what a text is like.
fn known(format: &str) -> (Option<Kind>, Option<&'static str>, &'static str) {
    match format {
        "uuid" => (
            Some(Kind::Uuid),
            None,
            "0b5f7a52-6c1d-4f0e-9a53-1d2e3f4a5b6c",
        ),
        "date" => (Some(Kind::Date), None, "2026-01-31"),
        "email" => (Some(Kind::Email), None, "someone@example.org"),
        "date-time" => (
            None,
            Some(
                r"[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](?:\.[0-9]{1,12})?(?:[Zz]|[-+][0-2][0-9]:[0-5][0-9])",
            ),
            "2026-01-31T12:00:00Z",
        ),
        "ipv4" => (None, Some(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"), "192.0.2.1"),
        "byte" => (None, Some("[A-Za-z0-9+/_-]*={0,2}"), "YWJj"),
        "uri" | "url" => (
            None,
            Some(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\x22\\]*"),
            "https://example.org/",
        ),
        _ => (None, None, "text"),
    }
}

/// A pattern that is found, as one of the whole; none where it does not compile here.
fn whole_of(pattern: &str) -> Option<String> {
    let anchored = pattern.starts_with('^') && pattern.ends_with('$') && !pattern.contains('|');
    let whole = match anchored {
        true => pattern.to_owned(),
        false => format!("(?s:.*)(?:{pattern})(?s:.*)"),
    };
    let mut builder = regex::bytes::RegexBuilder::new(&whole);
    builder.unicode(false).build().is_ok().then_some(whole)
}

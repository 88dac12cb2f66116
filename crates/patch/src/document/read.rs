//! YAML text to [`Document`], with the place of every fault.

use serde::Deserializer;
use serde::de::{Error, SeqAccess, Visitor};

use super::Document;
use crate::problem::{Level, Problem, nearest};

/// One document and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// What errors call it: a path, usually.
    pub name: String,
    /// What was written.
    pub document: Document,
}

impl Source {
    /// Bytes of one document at most.
    pub const BYTES: usize = 1024 * 1024;

    /// Reads one document. Aliases and anchors are bounded by the YAML parser's
    /// default budget (50,000 of each, 1,000,000 events).
    ///
    /// # Errors
    /// The first thing that is not as the schema says, with its line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let problem = |line: u32, column: u32, message: String| Problem {
            file: name.to_owned(),
            line,
            column,
            level: Level::Error,
            message,
        };
        if text.len() > Self::BYTES {
            let message = format!("the file is larger than the {} bytes allowed", Self::BYTES);
            return Err(problem(0, 0, message));
        }
        let document: Document = serde_saphyr::from_str(text).map_err(|error| {
            let place = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            let (line, column) = error.location().map_or((0, 0), |location| {
                (place(location.line()), place(location.column()))
            });
            problem(line, column, explain(&error))
        })?;
        if document.stopgap.value != 1 {
            let at = &document.stopgap;
            let message = format!(
                "version {} of the format is not known; this is `stopgap: 1`",
                at.value
            );
            return Err(problem(at.line, at.column, message));
        }
        Ok(Self {
            name: name.to_owned(),
            document,
        })
    }
}

/// The parser's message without its picture of the place, and with the nearest known word.
fn explain(error: &serde_saphyr::Error) -> String {
    let rendered = error.without_snippet().to_string();
    let mut message = rendered.lines().next().unwrap_or_default().to_owned();
    // The place is told already.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    if let Some(rest) = message.strip_prefix("error: ") {
        message = rest.to_owned();
    }
    let unknown = ["field", "variant"].into_iter().find_map(|what| {
        let rest = message.strip_prefix(&format!("unknown {what} `"))?;
        let (word, rest) = rest.split_once('`')?;
        let (_, known) = rest.split_once("expected ")?;
        let known = known.trim_start_matches("one of ");
        Some((what, word, known))
    });
    if let Some((what, word, known)) = unknown {
        let known = known.split(", ").map(|name| name.trim_matches('`'));
        let what = if what == "field" { "field" } else { "value" };
        return format!("unknown {what} `{word}`{}", nearest(word, known));
    }
    message
}

/// A string or a list of strings.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut found = Vec::new();
            while let Some(text) = seq.next_element()? {
                found.push(text);
            }
            Ok(found)
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

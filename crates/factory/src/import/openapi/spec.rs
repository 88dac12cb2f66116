//! A description as it is written: references within it, names of its parts.

use engine::body::percent;
use serde_json::Value;

use super::files;
use crate::import::Options;

/// References that lead to further references.
const REFERENCES: usize = 32;

/// A whole description.
#[derive(Debug)]
pub(super) struct Spec {
    root: Value,
}

impl Spec {
    /// Reads YAML or JSON of version 3.0 or 3.1.
    ///
    /// # Errors
    /// What is neither, with the line, or of another version.
    pub(super) fn parse(text: &str, name: &str, options: &Options) -> Result<Self, String> {
        let root = read(text, name)?;
        let version = |field: &str| match root.get(field) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        match (version("openapi"), version("swagger")) {
            (Some(version), _) if version.starts_with("3.0") || version.starts_with("3.1") => {
                let bound = options.limits.source_bytes;
                let root = files::bundled(root, name, &options.beside, bound)?;
                Ok(Self { root })
            }
            (Some(version), _) => Err(format!(
                "{name}: OpenAPI {version} is not known; 3.0 and 3.1 are"
            )),
            (None, Some(version)) => Err(format!(
                "{name}: this is Swagger {version}; convert it to OpenAPI 3.0"
            )),
            (None, None) => Err(format!(
                "{name}: there is no `openapi`; a description begins with openapi: 3.1.0"
            )),
        }
    }

    /// A part of the root.
    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.root.get(field)
    }

    /// What a value means, references followed.
    ///
    /// # Errors
    /// A reference that leads nowhere or in a circle.
    pub(super) fn resolve<'s>(&'s self, value: &'s Value) -> Result<&'s Value, String> {
        let mut value = value;
        for _ in 0..REFERENCES {
            let Some(reference) = reference(value) else {
                return Ok(value);
            };
            let pointer = reference
                .strip_prefix('#')
                .ok_or_else(|| format!("`$ref: {reference}` leads nowhere"))?;
            let pointer = percent::decoded(pointer.as_bytes());
            let pointer = String::from_utf8_lossy(&pointer).into_owned();
            value = self
                .root
                .pointer(&pointer)
                .ok_or_else(|| format!("`$ref: {reference}` leads nowhere"))?;
        }
        Err(format!("more than {REFERENCES} references in a row"))
    }
}

/// YAML or JSON.
///
/// # Errors
/// What is neither, with the line.
pub(super) fn read(text: &str, name: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        let rendered = error.without_snippet().to_string();
        let what = rendered.lines().next().unwrap_or_default().to_owned();
        format!("{name}:{line}: {}", what.trim_start_matches("error: "))
    })
}

/// What a value refers to.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// A text field.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// A list field; empty if it is not there.
pub(super) fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    let list = value.get(field).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The fields of an object field.
pub(super) fn fields<'v>(
    value: &'v Value,
    field: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value
        .get(field)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

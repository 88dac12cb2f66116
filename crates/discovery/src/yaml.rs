//! YAML, and JSON, which is YAML, to values.

use serde_json::Value;

use crate::{Problem, Source};

/// All documents of a source.
pub(crate) fn documents(source: &Source<'_>) -> Result<Vec<Value>, Problem> {
    serde_saphyr::from_multiple(source.text).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        let rendered = error.without_snippet().to_string();
        let what = rendered.lines().next().unwrap_or_default();
        let what = what.trim_start_matches("error: ");
        Problem(format!("{}:{line}: {what}", source.name))
    })
}

/// A field by its name, or as JSON writes the same of a protocol buffer: `route_config`,
/// `routeConfig`.
pub(crate) fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).or_else(|| value.get(camel(name)))
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// A field in fields.
pub(crate) fn within<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().try_fold(value, |value, name| get(value, name))
}

/// The items of a list; nothing where there is none.
pub(crate) fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let list = get(value, name).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A text, or a number as a text.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match get(value, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Texts of a list.
pub(crate) fn texts(value: &Value, name: &str) -> Vec<String> {
    let texts = items(value, name).filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// Whether a field says so.
pub(crate) fn is_true(value: &Value, name: &str) -> bool {
    get(value, name).and_then(Value::as_bool) == Some(true)
}

//! References to other files: these are read and become parts of the description.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::import::beside::{Beside, below};

/// Other files of one description.
const FILES: usize = 128;
/// Values within values that are looked at for references.
const DEPTH: usize = 128;
/// Where the other files are kept. No description has such a field.
const FIELD: &str = "x-stopgap-files";
/// Fields whose values are examples: what looks like a reference there is none.
const EXAMPLES: [&str; 5] = ["example", "examples", "default", "enum", "const"];

/// Fields whose values are by names that their author chose.
const NAMED: [&str; 18] = [
    "$defs",
    "callbacks",
    "content",
    "definitions",
    "dependentSchemas",
    "encoding",
    "headers",
    "links",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
    "webhooks",
];

/// A description with everything that it refers to in other files, and with references
/// that lead there.
///
/// # Errors
/// A file that cannot be read, is elsewhere, or beyond a limit.
pub(super) fn bundled(
    mut root: Value,
    name: &str,
    beside: &Beside,
    bound: usize,
) -> Result<Value, String> {
    let mut wanted = Vec::new();
    rewritten(&mut root, "", 0, false, &mut wanted)?;
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    let mut bytes = 0;
    let mut looked_at = BTreeSet::new();
    while let Some((path, pointer)) = wanted.pop() {
        if !files.contains_key(&path) {
            if files.len() == FILES {
                return Err(format!("{name}: more than {FILES} other files"));
            }
            let text = beside
                .text(&path, name)
                .map_err(|why| format!("{name}: `$ref: {path}`: {why}"))?;
            bytes += text.len();
            if bytes > bound {
                return Err(format!(
                    "{name}: its other files are larger than the {bound} bytes allowed"
                ));
            }
            let mut value = super::spec::read(&text, &path)?;
            rewritten(&mut value, &path, 0, false, &mut wanted)?;
            files.insert(path.clone(), value);
        }
        // What a reference leads to is no example, even if it is named as one.
        let passed_over = pointer.split('/').any(|step| EXAMPLES.contains(&step));
        if passed_over && looked_at.insert((path.clone(), pointer.clone())) {
            let target = files
                .get_mut(&path)
                .and_then(|file| file.pointer_mut(&pointer));
            if let Some(target) = target {
                rewritten(target, &path, 0, false, &mut wanted)?;
            }
        }
    }
    if let (Some(root), false) = (root.as_object_mut(), files.is_empty()) {
        let files: Map<String, Value> = files.into_iter().collect();
        root.insert(FIELD.to_owned(), files.into());
    }
    Ok(root)
}

/// Makes each reference of a file one of the whole, if it is none yet; the files that they lead to, and
/// where there. With `named` the names of the fields are not the format's.
fn rewritten(
    value: &mut Value,
    from: &str,
    depth: usize,
    named: bool,
    wanted: &mut Vec<(String, String)>,
) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("more than {DEPTH} values within values"));
    }
    match value {
        Value::Array(items) => {
            for item in items {
                rewritten(item, from, depth + 1, false, wanted)?;
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if let (true, Value::String(reference)) = (name == "$ref", &mut *field) {
                    if reference.starts_with(&format!("#/{FIELD}/")) {
                        continue;
                    }
                    let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
                    let path = match file {
                        "" => from.to_owned(),
                        file => decoded(file)
                            .and_then(|file| below(from, &file))
                            .map_err(|why| format!("`$ref: {reference}`: {why}"))?,
                    };
                    if path.is_empty() {
                        continue;
                    }
                    // RFC 6901 section 3, within a fragment.
                    let step = path
                        .replace('~', "~0")
                        .replace('/', "~1")
                        .replace('%', "%25")
                        .replace('#', "%23");
                    let whole = format!("#/{FIELD}/{step}{pointer}");
                    let pointer = decoded(pointer)?;
                    *reference = whole;
                    wanted.push((path, pointer));
                } else if named || !EXAMPLES.contains(&name.as_str()) {
                    let named = !named && NAMED.contains(&name.as_str());
                    rewritten(field, from, depth + 1, named, wanted)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// A file's path as a reference writes it (RFC 3986 section 2.1); `+` stands for itself.
fn decoded(file: &str) -> Result<String, String> {
    let bytes = engine::body::percent::decoded(file.as_bytes());
    String::from_utf8(bytes).map_err(|_| format!("`{file}` is no UTF-8"))
}

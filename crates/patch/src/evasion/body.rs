//! Encodings and framings of bodies.

use serde_json::Value;

use super::Variants;
use super::query;
use crate::request::Request;

pub(super) fn vary(found: &mut Variants<'_>) {
    let original = found.original.clone();
    if original.body.is_empty() {
        return;
    }
    let with = |body: Vec<u8>| Request {
        body,
        ..original.clone()
    };
    found.add(
        "body in chunks",
        Request {
            chunked: true,
            ..original.clone()
        },
    );
    match original.media_type().as_str() {
        "application/x-www-form-urlencoded" => {
            for (name, change) in query::TRICKS {
                found.add(name, with(query::values(&original.body, change)));
            }
            let padded = [b"pad=", &[b'a'; 65536][..], b"&", &original.body].concat();
            found.add("64 kB of another parameter first", with(padded));
        }
        kind if kind.contains("json") => {
            let Ok(value) = serde_json::from_slice::<Value>(&original.body) else {
                return;
            };
            found.add(
                "JSON strings as \\u escapes",
                with(escaped(&value).into_bytes()),
            );
            let mut spaced = b" \n\t".to_vec();
            spaced.extend(serde_json::to_vec_pretty(&value).unwrap_or_default());
            found.add("JSON with white space", with(spaced));
            let mut plain = with(original.body.clone());
            plain.set_header("Content-Type", "text/plain");
            found.add("JSON as text/plain", plain);
            let mut charset = with(original.body.clone());
            charset.set_header(
                "Content-Type",
                "application/json; charset=utf-8; x=\"json\"",
            );
            found.add("JSON with media type parameters", charset);
            if let Value::Object(_) = &value {
                let mut padded = format!("{{\"pad\":\"{}\",", "a".repeat(65536)).into_bytes();
                let rest = serde_json::to_vec(&value).unwrap_or_default();
                padded.extend_from_slice(rest.get(1..).unwrap_or_default());
                found.add("64 kB of another JSON field first", with(padded));
            }
        }
        _ => {}
    }
}

/// JSON in which every character of every string is an escape.
fn escaped(value: &Value) -> String {
    let string = |text: &str| {
        let units: String = text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        format!("\"{units}\"")
    };
    match value {
        Value::String(text) => string(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(escaped).collect();
            format!("[{}]", values.join(","))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", string(name), escaped(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

//! JSON bodies.

use serde_json::Value;

use super::catalogue::Evasion;
use super::fields::{swapped, with_body};
use crate::request::Request;

const ALL_READ: &str = "all readers of JSON (RFC 8259)";
const LENIENT: &str = "lenient readers, such as JSON5, Gson, Jackson with its features";

pub(super) const ALL: &[Evasion] = &[
    Evasion::json("JSON strings as \\u escapes", ALL_READ, |request, value| {
        Some(with_body(request, escaped(value).into_bytes()))
    }),
    Evasion::json("JSON with white space", ALL_READ, |request, value| {
        let mut spaced = b" \n\t".to_vec();
        spaced.extend(serde_json::to_vec_pretty(value).ok()?);
        Some(with_body(request, spaced))
    }),
    Evasion::json("JSON slashes escaped", ALL_READ, |request, value| {
        let text = value.to_string().replace('/', "\\/");
        Some(with_body(request, text.into_bytes()))
    }),
    Evasion::json(
        "JSON as text/plain",
        "frameworks that read whatever is sent",
        |request, _| typed(request, "text/plain"),
    ),
    Evasion::json(
        "JSON with media type parameters",
        "all that read media types",
        |request, _| typed(request, "application/json; charset=utf-8; x=\"json\""),
    ),
    Evasion::json(
        "JSON of another media type",
        "frameworks that ask for the suffix +json",
        |request, _| typed(request, "application/vnd.api+json"),
    ),
    Evasion::json(
        "JSON as a form",
        "applications that parse the raw body",
        |request, _| typed(request, "application/x-www-form-urlencoded"),
    ),
    Evasion::json(
        "64 kB of another JSON field first",
        ALL_READ,
        |request, value| {
            first(
                request,
                value,
                &format!("\"pad\":\"{}\"", "a".repeat(65536)),
            )
        },
    ),
    Evasion::json(
        "JSON fields twice, the first harmless",
        "readers in which the last one counts",
        |request, value| first(request, value, &harmless(value)?),
    ),
    Evasion::json(
        "JSON fields twice, the last harmless",
        "readers in which the first one counts",
        |request, value| {
            let text = value.to_string();
            let open = text.strip_suffix('}')?;
            let body = format!("{open},{}}}", harmless(value)?);
            Some(with_body(request, body.into_bytes()))
        },
    ),
    Evasion::json(
        "JSON field names in the other case",
        "Go, .NET",
        |request, value| {
            let Value::Object(members) = value else {
                return None;
            };
            let swapped: Value = members
                .iter()
                .map(|(name, value)| {
                    let name = String::from_utf8_lossy(&swapped(name.as_bytes())).into_owned();
                    (name, value.clone())
                })
                .collect();
            Some(with_body(request, swapped.to_string().into_bytes()))
        },
    ),
    Evasion::json(
        "JSON in a list",
        "frameworks that bind single items",
        |request, value| Some(with_body(request, format!("[{value}]").into_bytes())),
    ),
    Evasion::json("a byte order mark before JSON", LENIENT, |request, _| {
        Some(with_body(
            request,
            [b"\xef\xbb\xbf", &*request.body].concat(),
        ))
    }),
    Evasion::json("a comment before JSON", LENIENT, |request, _| {
        Some(with_body(request, [b"/**/", &*request.body].concat()))
    }),
    Evasion::json("text after JSON", LENIENT, |request, _| {
        Some(with_body(request, [&*request.body, b"\nx"].concat()))
    }),
    Evasion::json("a comma at the end of JSON", LENIENT, |request, value| {
        let text = value.to_string();
        let open = text.strip_suffix('}')?;
        Some(with_body(request, format!("{open},}}").into_bytes()))
    }),
];

fn typed(request: &Request, kind: &str) -> Option<Request> {
    let mut request = request.clone();
    request.set_header("Content-Type", kind);
    Some(request)
}

/// Members before those of an object.
fn first(request: &Request, value: &Value, members: &str) -> Option<Request> {
    let text = value.to_string();
    let rest = text.strip_prefix('{')?;
    let joint = if rest == "}" { "" } else { "," };
    Some(with_body(
        request,
        format!("{{{members}{joint}{rest}").into_bytes(),
    ))
}

fn harmless(value: &Value) -> Option<String> {
    let members = value.as_object().filter(|members| !members.is_empty())?;
    let harmless: Vec<String> = members
        .keys()
        .map(|name| format!("{}:1", Value::from(name.as_str())))
        .collect();
    Some(harmless.join(","))
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

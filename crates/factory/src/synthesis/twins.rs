//! Benign twins: the exploit with harmless values in place of the attack.

use patch::document::{Place, PlaceKind};
use patch::{Request, percent_encoded};

use super::credentials;
use super::leads::{Carrier, Lead};
use super::parts::{self, Part};
use crate::bytes;

/// Paths as many applications have them.
const ORDINARY: &[&str] = &[
    "index.html",
    "images/logo-2.png",
    "bin/get/Main/Search",
    "cgi-bin/list.cgi",
    "o'brien/2024/photo%201.jpg",
    "api/v4/projects/group-1/items",
    "caf%C3%A9/C%2B%2B",
    "user/j.doe@example.org",
];

/// Requests that look like the exploit and must pass. `leads` are all of the same request: what
/// carries the attack besides, and is looked at by the same rule, is harmless in them, too.
pub(super) fn of(request: &Request, lead: &Lead, leads: &[Lead]) -> Vec<Request> {
    let request = &without_others(request, lead, leads);
    match &lead.carrier {
        Carrier::Value(part) => values(request, part, lead),
        Carrier::Name(part) => {
            let renamed = |new: &str| replaced(request, part, Some(new), &part.value);
            vec![renamed("view"), renamed("order_id")]
        }
        Carrier::Path(prefix) => ORDINARY
            .iter()
            .map(|tail| {
                let mut twin = request.clone();
                let slash = if prefix.ends_with('/') { "" } else { "/" };
                twin.target = format!("{prefix}{slash}{tail}").into_bytes();
                twin
            })
            .collect(),
    }
}

/// The request without what else the rule of a lead would find in it.
fn without_others(request: &Request, lead: &Lead, leads: &[Lead]) -> Request {
    let mut harmless = request.clone();
    let others = leads.iter().filter(|other| other.places == lead.places);
    for other in others {
        match (&lead.carrier, &other.carrier) {
            (Carrier::Name(this), Carrier::Name(part)) if this != part => {
                harmless = replaced(&harmless, part, Some("order"), &part.value);
            }
            (Carrier::Value(this), Carrier::Value(part)) if this != part => {
                harmless = replaced(&harmless, part, None, b"42");
            }
            _ => {}
        }
    }
    let in_any_header = |place: &Place| place.kind == PlaceKind::Header && place.member.is_none();
    if lead.places.iter().any(in_any_header) {
        let cookies = harmless.headers.iter_mut();
        let cookies = cookies.filter(|(name, _)| name.eq_ignore_ascii_case(b"cookie"));
        cookies.for_each(|(_, value)| *value = b"session=f3a9c2e17b".to_vec());
    }
    harmless
}

fn values(request: &Request, part: &Part, lead: &Lead) -> Vec<Request> {
    let text = |value: &str| replaced(request, part, None, value.as_bytes());
    match part.place.kind {
        PlaceKind::Header => {
            let name = part.name().unwrap_or_default().to_ascii_lowercase();
            vec![text(header(&name))]
        }
        PlaceKind::Cookie => vec![text("f3a9c2e17b")],
        PlaceKind::Credentials if part.value.starts_with(b"{") => {
            vec![text(
                "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"key-1\",\"sub\":\"o.brien@example.org\"}",
            )]
        }
        PlaceKind::Credentials => credentials::ORDINARY.map(text).to_vec(),
        PlaceKind::FileNames => vec![text("photo 1.jpg"), text("report.final.pdf")],
        PlaceKind::PartHeaders => vec![text("text/plain"), text("report 1 (final)")],
        PlaceKind::FileContents => vec![text("It's a <b>note</b>; nothing more & nothing less.")],
        PlaceKind::Xml | PlaceKind::XmlAttributes => vec![text("42"), text("Blue, in size 42")],
        PlaceKind::Body if part.value.trim_ascii_start().starts_with(b"<") => vec![text(
            "<?xml version=\"1.0\"?><order id=\"7\"><name>O'Brien &amp; Sons</name><note>two, please</note></order>",
        )],
        PlaceKind::Body if part.value.trim_ascii_start().starts_with(b"{") => {
            vec![text(r#"{"name":"O'Brien","type":"gift","size":{"x":42}}"#)]
        }
        PlaceKind::Body => vec![text("name=value&note=It's+fine")],
        _ => {
            let is_query = part.name().is_some_and(|name| name.ends_with("query"));
            if let (true, Some(document)) = (is_query, of_graphql(&part.value)) {
                return vec![text(&document)];
            }
            let benign = lead.carrier.shape().benign();
            let host = request
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(b"host"))
                .map(|(_, host)| String::from_utf8_lossy(host).into_owned())
                .unwrap_or_default();
            let own = |value: &str| text(&value.replace("HOST", &host));
            let values = benign
                .iter()
                .filter(|value| !value.contains("HOST") || !host.is_empty());
            values.map(|value| own(value)).collect()
        }
    }
}

/// A document of GraphQL with harmless texts in place of its own (GraphQL, October 2021,
/// section 2.9.4).
pub(super) fn of_graphql(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let start = text.trim_start();
    let named = ["query", "mutation", "subscription", "fragment"]
        .iter()
        .any(|word| start.starts_with(word));
    let selects = start.strip_prefix('{').is_some_and(|fields| {
        let first = fields.trim_start().chars().next();
        first.is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_')
    });
    let is_document = (named || selects) && start.contains('{') && start.trim_end().ends_with('}');
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter != '"' {
            continue;
        }
        // To the end of the text; a quote behind a backslash is part of it.
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => drop(letters.next()),
                '"' => break,
                _ => {}
            }
        }
        out.push_str("blue shirt\"");
    }
    is_document.then_some(out)
}

/// What a header usually holds.
fn header(name: &str) -> &'static str {
    match name {
        "user-agent" => "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "referer" | "origin" => "https://app.example/orders?id=7",
        "content-type" => "application/x-www-form-urlencoded",
        "x-forwarded-for" | "x-real-ip" | "client-ip" => "203.0.113.7",
        "authorization" => "Bearer f3a9c2e17b",
        "range" => "bytes=0-1023",
        _ => "f3a9c2e17b",
    }
}

/// The request with another value, or another name, for a part.
pub(super) fn replaced(
    request: &Request,
    part: &Part,
    name: Option<&str>,
    value: &[u8],
) -> Request {
    let mut twin = request.clone();
    let old = part.name().unwrap_or_default();
    let new = name.unwrap_or(old);
    match part.place.kind {
        PlaceKind::Query => {
            let path = parts::path(&request.target).to_vec();
            let query = request.target.get(path.len() + 1..).unwrap_or_default();
            twin.target = [&path[..], b"?", &pairs(query, part, new, value)].concat();
        }
        PlaceKind::QueryString => {
            let path = parts::path(&request.target);
            twin.target = [path, b"?", percent_encoded(value).as_bytes()].concat();
        }
        PlaceKind::Form => match request.media_type().starts_with("multipart/") {
            true if name.is_some() => {
                let quoted = |name: &str| format!("name=\"{name}\"").into_bytes();
                twin.body = bytes::replaced(&request.body, &quoted(old), &quoted(new));
            }
            true => twin.body = bytes::replaced(&request.body, &part.value, value),
            false => twin.body = pairs(&request.body, part, new, value),
        },
        PlaceKind::Header => {
            for (known, content) in &mut twin.headers {
                if known.eq_ignore_ascii_case(old.as_bytes()) && *content == part.value {
                    *content = value.to_vec();
                }
            }
        }
        PlaceKind::Credentials => {
            for (known, content) in &mut twin.headers {
                if known.eq_ignore_ascii_case(b"authorization") {
                    *content = credentials::replaced(content, &part.value, value);
                }
            }
        }
        PlaceKind::Cookie => {
            for (known, content) in &mut twin.headers {
                if known.eq_ignore_ascii_case(b"cookie") {
                    *content = bytes::replaced(content, &part.value, value);
                }
            }
        }
        PlaceKind::Json => {
            if let Ok(mut document) = serde_json::from_slice(&request.body) {
                let text = String::from_utf8_lossy(value).into_owned();
                in_json(
                    &mut document,
                    &part.value,
                    &text,
                    name.map(|new| (old, new)),
                );
                twin.body = serde_json::to_vec(&document).unwrap_or_default();
            }
        }
        PlaceKind::Body => twin.body = value.to_vec(),
        _ => twin.body = bytes::replaced(&request.body, &part.value, value),
    }
    twin
}

fn pairs(text: &[u8], part: &Part, new: &str, value: &[u8]) -> Vec<u8> {
    let old = part.name().unwrap_or_default();
    let pairs: Vec<String> = parts::pairs(text)
        .into_iter()
        .map(
            |(name, content)| match name == old && content == part.value {
                true => format!(
                    "{}={}",
                    percent_encoded(new.as_bytes()),
                    percent_encoded(value)
                ),
                false => format!(
                    "{}={}",
                    percent_encoded(name.as_bytes()),
                    percent_encoded(&content)
                ),
            },
        )
        .collect();
    pairs.join("&").into_bytes()
}

fn in_json(document: &mut serde_json::Value, old: &[u8], new: &str, name: Option<(&str, &str)>) {
    use serde_json::Value as V;
    match document {
        V::Object(fields) => {
            if let Some((from, to)) = name {
                let renamed = |key: &String| match from.ends_with(key.as_str())
                    || from.split('.').any(|step| step == key)
                {
                    true => to.to_owned(),
                    false => key.clone(),
                };
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, value)| (renamed(&key), value))
                    .collect();
            }
            fields
                .values_mut()
                .for_each(|value| in_json(value, old, new, name));
        }
        V::Array(items) => items
            .iter_mut()
            .for_each(|value| in_json(value, old, new, name)),
        V::String(text) if text.as_bytes() == old && name.is_none() => *text = new.to_owned(),
        _ => {}
    }
}

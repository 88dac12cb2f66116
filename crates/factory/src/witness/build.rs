//! The request that holds the values.

use patch::Request;
use serde_json::Value;

use super::inverse::percent;
use super::slot::{Slot, Values};

/// Bytes that a path cannot hold as they are, or that mean something in it.
const NOT_OF_A_PATH: &[u8] = b" %?#\"<>\\^`{|}[]";
/// The same of a query's names and values.
const NOT_OF_A_QUERY: &[u8] = b" %&=+#\"<>\\^`{|}[]';()$,/?:@!*";
const BOUNDARY: &str = "stopgap-7d1f0c3a";
const KINDS: [&str; 4] = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
];

impl Values {
    /// As a request.
    pub(super) fn request(&self) -> Request {
        let (kind, body) = self.body();
        let method = match self.get(&Slot::Method) {
            Some(method) => method.to_vec(),
            None if kind.is_some() => b"POST".to_vec(),
            None => b"GET".to_vec(),
        };
        let mut headers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let host = self.get(&Slot::Host).unwrap_or(b"app");
        headers.push((b"Host".to_vec(), host.to_vec()));
        let named = |wanted: &str| {
            let is = |slot: &Slot| matches!(slot, Slot::Header(name) if name.eq_ignore_ascii_case(wanted));
            self.absent.iter().any(is) || self.given.iter().any(|(slot, _)| is(slot))
        };
        if !named("user-agent") {
            headers.push((b"User-Agent".to_vec(), b"Mozilla/5.0".to_vec()));
        }
        if let Some(kind) = kind.filter(|_| !named("content-type")) {
            headers.push((b"Content-Type".to_vec(), kind.into_bytes()));
        }
        let mut cookies: Vec<Vec<u8>> = Vec::new();
        for (slot, value) in &self.given {
            match slot {
                Slot::Header(name) if name.eq_ignore_ascii_case("host") => {
                    headers.retain(|(known, _)| known != b"Host");
                    headers.push((name.clone().into_bytes(), in_header(value)));
                }
                Slot::Header(name) => headers.push((name.clone().into_bytes(), in_header(value))),
                Slot::HeaderName => headers.push((in_header(value), b"1".to_vec())),
                Slot::Cookie(name) => {
                    cookies.push([name.as_bytes(), b"=", &percent(value, b";")].concat())
                }
                Slot::CookieName => cookies.push([value.as_slice(), b"=1"].concat()),
                _ => {}
            }
        }
        if !cookies.is_empty() {
            headers.push((b"Cookie".to_vec(), cookies.join(b"; ".as_slice())));
        }
        Request {
            method,
            target: self.target(),
            version: self.get(&Slot::Protocol).unwrap_or(b"HTTP/1.1").to_vec(),
            headers,
            body,
            chunked: false,
        }
    }

    fn target(&self) -> Vec<u8> {
        let path = percent(self.get(&Slot::Path).unwrap_or(b"/"), NOT_OF_A_PATH);
        let mut target = match path.first() {
            Some(b'/') => path,
            _ => [b"/".as_slice(), &path].concat(),
        };
        if let Some(uri) = self.get(&Slot::Uri) {
            let uri = percent(uri, b" ");
            let alone = self.get(&Slot::Path).is_none();
            match uri.first() {
                Some(b'/') if alone => target = uri,
                _ if uri.contains(&b'?') => target.extend_from_slice(&uri),
                _ => add(&mut target, &uri),
            }
        }
        if let Some(query) = self.get(&Slot::QueryString) {
            add(&mut target, &percent(query, b" "));
        }
        for (slot, value) in &self.given {
            match slot {
                Slot::Query(name) => add(&mut target, &pair(name.as_bytes(), value)),
                Slot::QueryName => add(&mut target, &pair(value, b"1")),
                _ => {}
            }
        }
        target
    }

    /// Its media type and bytes; no type where there is no body.
    fn body(&self) -> (Option<String>, Vec<u8>) {
        let has = |wanted: fn(&Slot) -> bool| self.given.iter().any(|(slot, _)| wanted(slot));
        if has(|slot| matches!(slot, Slot::FileName | Slot::FileField | Slot::FileContent)) {
            return (
                Some(format!("multipart/form-data; boundary={BOUNDARY}")),
                self.multipart(),
            );
        }
        if has(|slot| matches!(slot, Slot::Json(_))) {
            let mut document = Value::Null;
            for (slot, value) in &self.given {
                if let Slot::Json(path) = slot {
                    merge(&mut document, nested(path, &String::from_utf8_lossy(value)));
                }
            }
            return (
                Some("application/json".to_owned()),
                document.to_string().into_bytes(),
            );
        }
        let text = |slot: &Slot| {
            let value = self.get(slot)?;
            let text = String::from_utf8_lossy(value);
            Some(
                text.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('"', "&quot;"),
            )
        };
        let xml = "application/xml".to_owned();
        if let Some(text) = text(&Slot::XmlText) {
            return (Some(xml), format!("<item>{text}</item>").into_bytes());
        }
        if let Some(text) = text(&Slot::XmlAttribute) {
            return (Some(xml), format!("<item value=\"{text}\"/>").into_bytes());
        }
        if let Some(text) = text(&Slot::XmlExternal) {
            return (
                Some(xml),
                format!("<!DOCTYPE item SYSTEM \"{text}\"><item/>").into_bytes(),
            );
        }
        if let Some(body) = self.get(&Slot::Body) {
            let parser = self.get(&Slot::BodyParser).unwrap_or_default();
            let kind = match parser {
                b"JSON" => KINDS.get(2),
                b"XML" => KINDS.get(3),
                b"URLENCODED" => KINDS.get(1),
                _ => KINDS.get(self.kind),
            };
            return (kind.map(|kind| (*kind).to_owned()), body.to_vec());
        }
        let mut form = Vec::new();
        for (slot, value) in &self.given {
            let pair = match slot {
                Slot::Form(name) => pair(name.as_bytes(), value),
                Slot::FormName => pair(value, b"1"),
                _ => continue,
            };
            if !form.is_empty() {
                form.push(b'&');
            }
            form.extend_from_slice(&pair);
        }
        match form.is_empty() {
            true => (None, form),
            false => (Some("application/x-www-form-urlencoded".to_owned()), form),
        }
    }

    fn multipart(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut part = |name: &[u8], file: Option<&[u8]>, content: &[u8]| {
            body.extend_from_slice(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"").as_bytes(),
            );
            body.extend_from_slice(&percent(name, b"\""));
            if let Some(file) = file {
                body.extend_from_slice(b"\"; filename=\"");
                body.extend_from_slice(&percent(file, b"\""));
            }
            body.extend_from_slice(b"\"\r\n\r\n");
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        for (slot, value) in &self.given {
            match slot {
                Slot::Form(name) => part(name.as_bytes(), None, value),
                Slot::FormName => part(value, None, b"1"),
                _ => {}
            }
        }
        let file = self.get(&Slot::FileName).unwrap_or(b"report.txt");
        let field = self.get(&Slot::FileField).unwrap_or(b"file");
        let content = self.get(&Slot::FileContent).unwrap_or(b"text");
        part(field, Some(file), content);
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }
}

fn pair(name: &[u8], value: &[u8]) -> Vec<u8> {
    [
        percent(name, NOT_OF_A_QUERY),
        percent(value, NOT_OF_A_QUERY),
    ]
    .join(b"=".as_slice())
}

fn add(target: &mut Vec<u8>, piece: &[u8]) {
    target.push(if target.contains(&b'?') { b'&' } else { b'?' });
    target.extend_from_slice(piece);
}

/// Line breaks end a header.
fn in_header(value: &[u8]) -> Vec<u8> {
    let text = value
        .iter()
        .copied()
        .filter(|byte| !b"\r\n\0".contains(byte));
    text.collect()
}

fn nested(path: &str, text: &str) -> Value {
    path.split('.')
        .rev()
        .fold(Value::String(text.to_owned()), |inner, step| {
            match step.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Value::Array(vec![inner]),
                false => Value::Object(std::iter::once((step.to_owned(), inner)).collect()),
            }
        })
}

fn merge(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => {
            for (name, value) in other {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, other) => *into = other,
    }
}

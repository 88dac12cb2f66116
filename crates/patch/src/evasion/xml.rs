//! XML bodies.

use super::catalogue::{Evasion, Group};
use super::fields::{every, replaced};
use crate::request::Request;

const ALL_READ: &str = "all readers of XML";

pub(super) const ALL: &[Evasion] = &[
    texts("XML texts as decimal references", |text| {
        every(text, |byte| format!("&#{byte};"))
    }),
    texts("XML texts as hexadecimal references", |text| {
        every(text, |byte| format!("&#x{byte:x};"))
    }),
    texts("XML texts as CDATA", |text| {
        // Only what needs no reference can stand in CDATA as it is.
        match text.contains(&b'&') {
            true => text.to_vec(),
            false => [b"<![CDATA[", text, b"]]>"].concat(),
        }
    }),
    texts("comments within XML texts", |text| {
        match text.split_at_checked(1) {
            Some((first, rest)) if first != b"&" => [first, b"<!-- -->", rest].concat(),
            _ => text.to_vec(),
        }
    }),
    whole("XML attributes in single quotes", |body| {
        match body.contains(&b'\'') {
            true => body.to_vec(),
            false => replaced(body, "\"", "'"),
        }
    }),
    whole("XML without its declaration", |body| {
        let end = body.windows(2).position(|window| window == b"?>");
        match (body.starts_with(b"<?xml"), end) {
            (true, Some(end)) => body.get(end + 2..).unwrap_or_default().to_vec(),
            _ => body.to_vec(),
        }
    }),
    whole("a comment before the XML root", |body| {
        match body.starts_with(b"<?xml") {
            true => replaced(body, "?>", "?><!-- -->"),
            false => [b"<!-- -->", body].concat(),
        }
    }),
    whole("XML in UTF-16", |body| {
        let body = replaced(body, "encoding=\"UTF-8\"", "encoding=\"UTF-16\"");
        [b"\xfe\xff", &*super::charset::utf16(&body)].concat()
    }),
    Evasion::request(
        Group::Xml,
        "XML as another media type",
        "services that read whatever is sent",
        |request| {
            let kind = match request.media_type().as_str() {
                "text/xml" => "application/xml",
                _ => "text/xml",
            };
            let mut request = request.clone();
            is_xml(&request).then(|| request.set_header("Content-Type", kind))?;
            Some(request)
        },
    ),
];

/// A change of each text.
const fn texts(name: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::xml_texts(name, ALL_READ, change)
}

/// A change of the whole body.
const fn whole(name: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::xml(name, ALL_READ, change)
}

pub(super) fn is_xml(request: &Request) -> bool {
    request.media_type().contains("xml") && request.body.contains(&b'<')
}

/// Every text that is more than white space changed.
pub(super) fn with_texts(body: &[u8], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut written = Vec::with_capacity(body.len());
    // A doctype with an internal subset has `>` within.
    let mut depth = 0_usize;
    for piece in body.split_inclusive(|byte| b"<>".contains(byte)) {
        let (text, mark) = match piece.split_last() {
            Some((mark, text)) if b"<>".contains(mark) => (text, std::slice::from_ref(mark)),
            _ => (piece, &b""[..]),
        };
        match depth == 0 && !text.trim_ascii().is_empty() {
            true => written.extend_from_slice(&change(text)),
            false => written.extend_from_slice(text),
        }
        written.extend_from_slice(mark);
        depth = match mark {
            b"<" => depth + 1,
            b">" => depth.saturating_sub(1),
            _ => depth,
        };
    }
    written
}

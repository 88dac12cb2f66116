//! Character sets of bodies.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use engine::body::percent;

use super::catalogue::{Evasion, Group};
use super::fields::{every, is_form, json, pairs, with_body};
use crate::request::Request;

const HEEDS: &str = "frameworks that heed the charset, such as Django, Spring, ASP.NET";

pub(super) const ALL: &[Evasion] = &[
    of("a form in UTF-16", HEEDS, |request| {
        form(request, "utf-16be", utf16)
    }),
    of("a form in UTF-7", HEEDS, |request| {
        form(request, "utf-7", utf7)
    }),
    of("a form said to be in ISO 8859-1", HEEDS, |request| {
        form(request, "iso-8859-1", <[u8]>::to_vec)
    }),
    of(
        "a form said to be in UTF-16",
        "servers that know of no charset of forms, such as PHP and Flask",
        |request| said(request, "application/x-www-form-urlencoded;charset=utf-16"),
    ),
    of("another type behind a form's", "PHP", |request| {
        said(request, "application/x-www-form-urlencoded , text/plain")
    }),
    of(
        "the charset of a form in one of its fields",
        "readers of _charset_ (RFC 7578 section 4.6)",
        |request| {
            is_form(request)
                .then(|| with_body(request, [b"_charset_=utf-8&", &*request.body].concat()))
        },
    ),
    of(
        "JSON in UTF-16",
        "readers after RFC 4627, such as Jackson",
        |request| {
            json(request)?;
            Some(with_body(request, utf16(&request.body)))
        },
    ),
    of("JSON in UTF-16, its charset named", HEEDS, |request| {
        json(request)?;
        let request = with_body(request, utf16(&request.body));
        Some(typed(request, "application/json; charset=utf-16be"))
    }),
    of(
        "JSON in UTF-32",
        "readers after RFC 4627, such as Jackson",
        |request| {
            json(request)?;
            let wide = |letter: char| u32::from(letter).to_be_bytes();
            let text = String::from_utf8_lossy(&request.body);
            Some(with_body(request, text.chars().flat_map(wide).collect()))
        },
    ),
];

const fn of(
    name: &'static str,
    reader: &'static str,
    change: fn(&Request) -> Option<Request>,
) -> Evasion {
    Evasion::request(Group::Charset, name, reader, change)
}

/// The form's names and values in a character set, percent-encoded.
fn form(request: &Request, charset: &str, encode: fn(&[u8]) -> Vec<u8>) -> Option<Request> {
    if !is_form(request) {
        return None;
    }
    let written = |text: &[u8]| {
        every(&encode(&percent::form_decoded(text)), |byte| {
            format!("%{byte:02X}")
        })
    };
    let pairs =
        pairs(&request.body).map(|(name, value)| [&*written(name), b"=", &written(value)].concat());
    let body = pairs.collect::<Vec<_>>().join(&b'&');
    let kind = format!("application/x-www-form-urlencoded; charset={charset}");
    Some(typed(with_body(request, body), &kind))
}

/// The same form, called something else.
fn said(request: &Request, kind: &str) -> Option<Request> {
    is_form(request).then(|| typed(request.clone(), kind))
}

fn typed(mut request: Request, kind: &str) -> Request {
    request.set_header("Content-Type", kind);
    request
}

/// Big-endian, without a byte order mark.
pub(super) fn utf16(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text)
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect()
}

/// RFC 2152, everything but letters and digits encoded.
fn utf7(text: &[u8]) -> Vec<u8> {
    every(text, |byte| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("+{}-", BASE64_STANDARD_NO_PAD.encode([0, byte])),
    })
}

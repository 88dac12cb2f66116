//! What `Authorization` holds in base64: name and password (RFC 7617), or the head and the
//! claims of a token (RFC 7519).

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Ordinary names and passwords.
pub(super) const ORDINARY: [&str; 2] = [
    "alice:correct horse battery 7",
    "o'brien@example.org:R&d-2024",
];

/// The texts, decoded.
pub(super) fn opened(value: &[u8]) -> Vec<Vec<u8>> {
    let Some((scheme, text)) = split(value) else {
        return Vec::new();
    };
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => standard(text).into_iter().collect(),
        "bearer" if text.starts_with("eyJ") => {
            text.split('.').take(2).filter_map(url_safe).collect()
        }
        _ => Vec::new(),
    }
}

/// The head of a token, where a value is one and nothing else.
pub(super) fn head(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let mut segments = text.split('.');
    let head = segments.next().filter(|head| head.starts_with("eyJ"))?;
    (segments.count() == 2).then(|| url_safe(head))?
}

/// A token with this head.
pub(super) fn signed(head: &[u8]) -> Vec<u8> {
    let head = BASE64_URL_SAFE_NO_PAD.encode(head);
    format!("{head}.eyJzdWIiOiJvLmJyaWVuIn0.c2lnbmVk").into_bytes()
}

/// The header's value with another text in place of one of [`opened`].
pub(super) fn replaced(value: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let Some((scheme, text)) = split(value) else {
        return value.to_vec();
    };
    let text = match scheme.eq_ignore_ascii_case("basic") {
        true => BASE64_STANDARD.encode(new),
        false => {
            let segments = text.split('.').map(|segment| match url_safe(segment) {
                Some(opened) if opened == old => BASE64_URL_SAFE_NO_PAD.encode(new),
                _ => segment.to_owned(),
            });
            segments.collect::<Vec<_>>().join(".")
        }
    };
    format!("{scheme} {text}").into_bytes()
}

fn split(value: &[u8]) -> Option<(&str, &str)> {
    let (scheme, text) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
    Some((scheme, text.trim()))
}

fn standard(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD_NO_PAD
        .decode(text.trim_end_matches('='))
        .ok()
}

fn url_safe(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .ok()
}

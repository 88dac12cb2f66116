//! Path tricks.

use super::{Variants, replaced, swapped};

/// Replacements in the path: what, from, to.
const TRICKS: &[(&str, &str, &str)] = &[
    ("dots percent-encoded", "..", "%2e%2e"),
    ("one dot percent-encoded", "..", ".%2e"),
    ("dots percent-encoded twice", "..", "%252e%252e"),
    ("slashes after dots percent-encoded", "../", "..%2f"),
    ("slashes after dots percent-encoded twice", "../", "..%252f"),
    ("dots and slashes percent-encoded", "../", "%2e%2e%2f"),
    (
        "dots and slashes percent-encoded twice",
        "../",
        "%252e%252e%252f",
    ),
    ("backslashes after dots", "../", "..\\"),
    ("percent-encoded backslashes after dots", "../", "..%5c"),
    ("backslashes percent-encoded twice", "../", "..%255c"),
    ("path parameters after dots", "../", "..;/"),
    ("path parameters with a value after dots", "../", "..;x=1/"),
    ("over-long UTF-8 dots", "..", "%c0%ae%c0%ae"),
    ("over-long UTF-8 slashes", "../", "..%c0%af"),
    ("dots that survive one removal", "../", "....//"),
    ("two slashes", "/../", "//../"),
    ("a dot segment more", "/../", "/./../"),
    ("percent signs encoded again", "%", "%25"),
];

pub(super) fn vary(found: &mut Variants<'_>) {
    let (path, query) = found.split();
    let mut add = |name: &str, path: Vec<u8>| {
        found.target(name, [path.as_slice(), query.as_slice()].concat());
    };
    for (name, from, to) in TRICKS {
        add(name, replaced(&path, from.as_bytes(), to.as_bytes()));
    }
    add("path in the other case", swapped(&path));
    add("a path parameter", [path.as_slice(), b";x=1"].concat());
    add("two slashes at the start", [b"/", path.as_slice()].concat());
    add(
        "a dot segment at the start",
        [b"/.", path.as_slice()].concat(),
    );
    add(
        "an encoded letter in the first segment",
        match path.get(1).copied() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                let mut encoded = format!("/%{letter:02x}").into_bytes();
                encoded.extend_from_slice(path.get(2..).unwrap_or_default());
                encoded
            }
            _ => path.clone(),
        },
    );
    if !path.is_empty() && path.last() != Some(&b'/') {
        add("a slash at the end", [path.as_slice(), b"/"].concat());
    }
}

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
    ("slashes percent-encoded", "/", "%2f"),
];

pub(super) fn vary(found: &mut Variants<'_>) {
    absolute(found);
    let (path, query) = found.split();
    let mut add = |name: &str, path: Vec<u8>| {
        found.target(name, [path.as_slice(), query.as_slice()].concat());
    };
    for (name, from, to) in TRICKS {
        add(name, replaced(&path, from.as_bytes(), to.as_bytes()));
    }
    add("path in the other case", swapped(&path));
    add("a path parameter", [path.as_slice(), b";x=1"].concat());
    // What follows is for paths alone: an absolute target would name another host.
    let Some(first) = path.strip_prefix(b"/") else {
        return;
    };
    let end = first
        .iter()
        .position(|&byte| byte == b'/')
        .unwrap_or(first.len());
    let (segment, rest) = first.split_at(end);
    add(
        "a path parameter in the first segment",
        [b"/", segment, b";x=1", rest].concat(),
    );
    add(
        "letters of the path percent-encoded",
        path.iter().flat_map(|&byte| letter(byte)).collect(),
    );
    add(
        "letters of the path percent-encoded twice",
        replaced(
            &path
                .iter()
                .flat_map(|&byte| letter(byte))
                .collect::<Vec<_>>(),
            b"%",
            b"%25",
        ),
    );
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

/// `%6c` for `l`; anything else as it is.
fn letter(byte: u8) -> Vec<u8> {
    match byte.is_ascii_alphabetic() {
        true => format!("%{byte:02x}").into_bytes(),
        false => vec![byte],
    }
}

/// As to a proxy: the host stands in the target.
fn absolute(found: &mut Variants<'_>) {
    let original = found.original;
    let host = original
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(b"host"));
    if let Some((_, host)) = host
        && original.target.starts_with(b"/")
    {
        let target = [b"http://", host.as_slice(), &original.target].concat();
        found.target("the target in absolute form", target);
    }
}

//! Encodings and positions of query parameters.

use super::{Variants, replaced, swapped};

/// How a value is written: what, and the change of its percent-encoded form.
type Trick = (&'static str, fn(&[u8]) -> Vec<u8>);

pub(super) const TRICKS: &[Trick] = &[
    ("values percent-encoded in whole", |value| {
        every(&decoded(value), |byte| format!("%{byte:02x}"))
    }),
    ("values percent-encoded twice", |value| {
        every(&decoded(value), |byte| format!("%25{byte:02x}"))
    }),
    ("values as %uXXXX", |value| {
        every(&decoded(value), |byte| format!("%u{byte:04x}"))
    }),
    ("values in the other case", |value| {
        encoded(&swapped(&decoded(value)))
    }),
    ("tabs for spaces", |value| {
        encoded(&replaced(&decoded(value), b" ", b"\t"))
    }),
    ("line feeds for spaces", |value| {
        encoded(&replaced(&decoded(value), b" ", b"\n"))
    }),
    ("comments for spaces", |value| {
        encoded(&replaced(&decoded(value), b" ", b"/**/"))
    }),
    ("spaces doubled", |value| {
        encoded(&replaced(&decoded(value), b" ", b"  "))
    }),
    ("a zero byte in front", |value| [b"%00", value].concat()),
    ("white space in front", |value| [b"%20%0a", value].concat()),
    ("8 kB in front", |value| {
        [&[b' '; 8192].map(|_| b'+')[..], value].concat()
    }),
];

pub(super) fn vary(found: &mut Variants<'_>) {
    let (path, query) = found.split();
    let Some(query) = query.strip_prefix(b"?") else {
        return;
    };
    let mut add = |name: &str, query: Vec<u8>| {
        found.target(name, [path.as_slice(), b"?", query.as_slice()].concat());
    };
    for (name, change) in TRICKS {
        add(name, values(query, change));
    }
    add(
        "names percent-encoded",
        names(query, |name| {
            every(&decoded(name), |byte| format!("%{byte:02x}"))
        }),
    );
    add(
        "names in the other case",
        names(query, |name| encoded(&swapped(&decoded(name)))),
    );
    add(
        "names as lists",
        names(query, |name| [name, b"[]"].concat()),
    );
    add(
        "each parameter twice, the first harmless",
        twice(query, true),
    );
    add(
        "each parameter twice, the last harmless",
        twice(query, false),
    );
    add(
        "8 kB of another parameter first",
        [b"pad=", &[b'a'; 8192][..], b"&", query].concat(),
    );
}

/// Changes every value of an urlencoded string.
pub(super) fn values(query: &[u8], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let changed: Vec<Vec<u8>> = pairs(query)
        .map(|(name, value)| [name, b"=", &change(value)].concat())
        .collect();
    changed.join(&b'&')
}

fn names(query: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let changed: Vec<Vec<u8>> = pairs(query)
        .map(|(name, value)| [&change(name), &b"="[..], value].concat())
        .collect();
    changed.join(&b'&')
}

fn twice(query: &[u8], first: bool) -> Vec<u8> {
    let harmless: Vec<Vec<u8>> = pairs(query)
        .map(|(name, _)| [name, b"=1"].concat())
        .collect();
    let harmless = harmless.join(&b'&');
    match first {
        true => [harmless.as_slice(), b"&", query].concat(),
        false => [query, b"&", harmless.as_slice()].concat(),
    }
}

/// Names and values of an urlencoded string, still encoded.
pub(super) fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|&byte| byte == b'&').map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=');
        match at {
            Some(at) => (
                pair.get(..at).unwrap_or_default(),
                pair.get(at + 1..).unwrap_or_default(),
            ),
            None => (pair, &b""[..]),
        }
    })
}

/// `%XX` and `+` decoded once.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match (byte, after) {
            (b'+', _) => result.push(b' '),
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    result.push((high * 16 + low) as u8);
                    rest = tail;
                }
                _ => result.push(byte),
            },
            _ => result.push(byte),
        }
    }
    result
}

fn encoded(bytes: &[u8]) -> Vec<u8> {
    crate::request::percent_encoded(bytes).into_bytes()
}

fn every(bytes: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|&byte| write(byte).into_bytes())
        .collect()
}

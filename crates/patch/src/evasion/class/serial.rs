//! Serialised objects: other ways to write the same YAML, PHP, pickle, also within base64.

use std::io::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::super::catalogue::{Evasion, Group};
use super::super::fields::replaced;
use super::has;

const YAML: &str = "readers of YAML that make objects";
const PHP: &str = "PHP";
const PICKLE: &str = "Python's pickle";
const FORGIVING: &str = "readers that skip what is not of it, such as PHP, Python and Node";

/// Fewer bytes of base64 hold no object.
const SHORTEST: usize = 16;

/// Padding or none.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(in super::super) const ALL: &[Evasion] = &[
    of("tags of YAML in full", YAML, |value| {
        inside(value, |text| {
            tags(text, |name| [b"!<tag:yaml.org,2002:", name, b">"].concat())
        })
    }),
    of("tags of YAML by a handle", YAML, |value| {
        inside(value, |text| match has(text, &["!!"]) {
            true => [
                b"%TAG !e! tag:yaml.org,2002:\n--- ",
                &*replaced(text, "!!", "!e!"),
            ]
            .concat(),
            false => text.to_vec(),
        })
    }),
    of("another meaning of ! in YAML", YAML, |value| {
        inside(value, |text| match has(text, &["!!"]) {
            true => [
                b"%TAG ! tag:yaml.org,2002:\n--- ",
                &*replaced(text, "!!", "!"),
            ]
            .concat(),
            false => text.to_vec(),
        })
    }),
    of("letters of YAML's tags percent-encoded", YAML, |value| {
        inside(value, |text| {
            tags(text, |name| match name.split_first() {
                Some((first, rest)) => [format!("!!%{first:02x}").as_bytes(), rest].concat(),
                None => b"!!".to_vec(),
            })
        })
    }),
    of("texts of PHP's objects escaped", PHP, |value| {
        inside(value, |text| php(text, b's', escaped))
    }),
    of("zeros before lengths of PHP's objects", PHP, |value| {
        inside(value, |text| {
            php(text, b'O', |name| quoted("O:00000000", name))
        })
    }),
    of(
        "plus signs before lengths of PHP's objects",
        "PHP before 7.2",
        |value| inside(value, |text| php(text, b'O', |name| quoted("O:+", name))),
    ),
    of("a value before a pickle that it drops", PICKLE, |value| {
        inside(value, |text| match is_pickle(text) {
            true => [b"N0", text].concat(),
            false => text.to_vec(),
        })
    }),
    of("pickles without protocol and frame", PICKLE, |value| {
        inside(value, |text| match text {
            [0x80, 2..=5, 0x95, rest @ ..] => rest.get(8..).unwrap_or_default().to_vec(),
            [0x80, 2..=5, rest @ ..] => rest.to_vec(),
            other => other.to_vec(),
        })
    }),
    of(
        "what a pickle names, named by texts",
        "Python's pickle from 3.4 on",
        |value| {
            inside(value, |text| {
                named(text, |module, name| {
                    [b"V", module, b"\nV", name, b"\n\x93"].concat()
                })
            })
        },
    ),
    of(
        "what a pickle names, named by texts that it remembers",
        "Python's pickle from 3.4 on",
        |value| {
            inside(value, |text| {
                named(text, |module, name| {
                    [b"V", module, b"\np7\n0V", name, b"\np8\n0g7\ng8\n\x93"].concat()
                })
            })
        },
    ),
    of("line feeds within base64", FORGIVING, |value| {
        base64(value, |text| {
            let lines: Vec<&[u8]> = text.chunks(5).collect();
            lines.join(&b'\n')
        })
    }),
    of("strange signs within base64", FORGIVING, |value| {
        base64(value, |text| {
            let pieces: Vec<&[u8]> = text.chunks(3).collect();
            pieces.join(&b'!')
        })
    }),
    of(
        "base64 in the URL's alphabet",
        "readers of both alphabets, such as Node",
        |value| base64(value, |text| replaced(&replaced(text, "+", "-"), "/", "_")),
    ),
    of(
        "a message deflated within base64",
        "receivers of SAML that inflate what they can",
        |value| match LOOSE.decode(value).ok().filter(|held| is_message(held)) {
            Some(held) => BASE64_STANDARD.encode(deflated(&held)).into_bytes(),
            None => value.to_vec(),
        },
    ),
    of("base64 without padding", "PHP, Node, Java", |value| {
        base64(value, |text| replaced(text, "=", ""))
    }),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Serial, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    is_serial(value) || opened(value).is_some()
}

fn is_serial(value: &[u8]) -> bool {
    has(value, &["!!", "o:", "a:"]) || is_pickle(value)
}

fn is_pickle(value: &[u8]) -> bool {
    matches!(value, [0x80, 2..=5, ..]) || value.starts_with(b"c") && value.ends_with(b".")
}

/// What a pickle names first, written otherwise.
fn named(text: &[u8], write: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    let start = match text {
        [0x80, 2..=5, ..] => 2,
        _ => 0,
    };
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, b""));
    let mut lines = rest
        .strip_prefix(b"c")
        .unwrap_or_default()
        .splitn(3, |&byte| byte == b'\n');
    match (lines.next(), lines.next(), lines.next()) {
        (Some(module), Some(name), Some(after)) => [before, &write(module, name), after].concat(),
        _ => text.to_vec(),
    }
}

/// A message of SAML, or other XML.
fn is_message(value: &[u8]) -> bool {
    value.trim_ascii_start().starts_with(b"<") && value.trim_ascii_end().ends_with(b">")
}

/// RFC 1951, as SAML's bindings have it.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// What a value holds that is base64 of something serialised.
fn opened(value: &[u8]) -> Option<Vec<u8>> {
    let held = LOOSE.decode(value).ok();
    held.filter(|held| value.len() >= SHORTEST && (is_serial(held) || is_message(held)))
}

fn base64(value: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match opened(value) {
        Some(_) => change(value),
        None => value.to_vec(),
    }
}

/// What is serialised changed, wherever it is.
fn inside(value: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match opened(value) {
        // What is not changed keeps how it is written.
        Some(held) => match change(&held) {
            same if same == held => value.to_vec(),
            new => BASE64_STANDARD.encode(new).into_bytes(),
        },
        None => change(value),
    }
}

/// Each `!!name` written otherwise.
fn tags(text: &[u8], write: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let Some(tail) = rest.strip_prefix(b"!!") else {
            result.push(byte);
            rest = after;
            continue;
        };
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-$/:".contains(byte);
        let length = tail.iter().take_while(|byte| is_name(byte)).count();
        let (name, tail) = tail.split_at_checked(length).unwrap_or((tail, b""));
        result.extend_from_slice(&write(name));
        rest = tail;
    }
    result
}

/// Each `K:length:"bytes"` of PHP's format written otherwise.
fn php(text: &[u8], kind: u8, write: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte == kind).then(|| counted(after)).flatten() {
            Some((bytes, tail)) => {
                result.extend_from_slice(&write(bytes));
                rest = tail;
            }
            None => {
                result.push(byte);
                rest = after;
            }
        }
    }
    result
}

/// The bytes of `:length:"bytes"`, and what follows.
fn counted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b":")?;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (length, text) = text.split_at_checked(digits)?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    let (bytes, rest) = text.strip_prefix(b":\"")?.split_at_checked(length)?;
    Some((bytes, rest.strip_prefix(b"\"")?))
}

fn escaped(bytes: &[u8]) -> Vec<u8> {
    let letters: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("S:{}:\"{letters}\"", bytes.len()).into_bytes()
}

fn quoted(front: &str, bytes: &[u8]) -> Vec<u8> {
    let front = format!("{front}{}:\"", bytes.len());
    [front.as_bytes(), bytes, b"\""].concat()
}

//! Values, whatever they hold.

use super::catalogue::{Evasion, Group};
use super::fields::{every, letters, replaced, swapped};

const ALWAYS: fn(&[u8]) -> bool = |_| true;

pub(super) const ALL: &[Evasion] = &[
    of(
        "values in the other case",
        "languages without case, such as SQL and HTML",
        swapped,
    ),
    of(
        "every second letter in the other case",
        "languages without case",
        |value| {
            let mut second = false;
            let letter = |byte: &u8| {
                second = !second;
                match second {
                    true => byte.to_ascii_uppercase(),
                    false => byte.to_ascii_lowercase(),
                }
            };
            value.iter().map(letter).collect()
        },
    ),
    of("tabs for spaces", "most languages", |value| {
        replaced(value, " ", "\t")
    }),
    of("line feeds for spaces", "most languages", |value| {
        replaced(value, " ", "\n")
    }),
    of("form feeds for spaces", "SQL, HTML", |value| {
        replaced(value, " ", "\x0c")
    }),
    of("vertical tabs for spaces", "SQL", |value| {
        replaced(value, " ", "\x0b")
    }),
    of("spaces doubled", "most languages", |value| {
        replaced(value, " ", "  ")
    }),
    of(
        "a zero byte in front",
        "what cuts control characters off",
        |value| [b"\0", value].concat(),
    ),
    of("a zero byte at the end", "what is written in C", |value| {
        [value, b"\0"].concat()
    }),
    of("white space in front", "what trims values", |value| {
        [b" \n", value].concat()
    }),
    of("white space at the end", "what trims values", |value| {
        [value, b" \n"].concat()
    }),
    of("8 kB in front", "what trims values", |value| {
        [&[b' '; 8192], value].concat()
    }),
    of(
        "full-width letters",
        "what normalises Unicode (NFKC)",
        |value| {
            letters(value, |byte| {
                let wide = 0xfee0 + u32::from(byte);
                char::from_u32(wide).map(String::from).unwrap_or_default()
            })
        },
    ),
    of(
        "full-width signs",
        "what normalises Unicode (NFKC), best-fit mappings of databases",
        |value| {
            let signs = [
                ("'", "＇"),
                ("\"", "＂"),
                ("<", "＜"),
                (">", "＞"),
                ("/", "／"),
                (".", "．"),
            ];
            signs.iter().fold(value.to_vec(), |value, (from, to)| {
                replaced(&value, from, to)
            })
        },
    ),
    of("over-long UTF-8", "decoders that accept it", |value| {
        every_sign(value, |byte| vec![0xc0 | (byte >> 6), 0x80 | (byte & 0x3f)])
    }),
    of(
        "values as \\uXXXX",
        "what evaluates escapes, such as JavaScript and Java",
        |value| every(value, |byte| format!("\\u{byte:04x}")),
    ),
    of("values as \\xXX", "what evaluates escapes", |value| {
        every(value, |byte| format!("\\x{byte:02x}"))
    }),
    of(
        "values percent-encoded once more",
        "what decodes by itself",
        |value| crate::request::percent_encoded(value).into_bytes(),
    ),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Text, name, reader, ALWAYS, change)
}

/// What is neither letter, digit nor space written as something.
fn every_sign(value: &[u8], write: fn(u8) -> Vec<u8>) -> Vec<u8> {
    let write = |&byte: &u8| match byte.is_ascii_punctuation() {
        true => write(byte),
        false => vec![byte],
    };
    value.iter().flat_map(write).collect()
}

//! Functions on texts.

use serde::Serialize;

use crate::bytes::{occurrences, replaced};

use super::{
    Function, MANY, VALUE_BYTES, Value, at, bytes, expression, function, length, whole,
    with_matches_replaced,
};

pub(super) const ALL: &[Function] = &[
    function("concat", "its arguments, joined", 1..=MANY, |a, _| {
        bytes(
            a.iter()
                .flat_map(|value| value.bytes.clone())
                .collect::<Vec<_>>(),
        )
    }),
    function("to_lower", "in small letters", 1..=1, |a, _| {
        bytes(at(a, 0).to_ascii_lowercase())
    }),
    function("to_upper", "in capitals", 1..=1, |a, _| {
        bytes(at(a, 0).to_ascii_uppercase())
    }),
    function("to_title", "each word with a capital", 1..=2, |a, _| {
        bytes(title(at(a, 0)))
    }),
    function("reverse", "backwards", 1..=1, |a, _| {
        bytes(at(a, 0).iter().rev().copied().collect::<Vec<_>>())
    }),
    function("repeat", "so many times", 2..=2, |a, _| {
        let times = length(a, 1)?;
        match times.saturating_mul(at(a, 0).len()) > VALUE_BYTES {
            true => Err(format!("more than {VALUE_BYTES} bytes")),
            false => bytes(at(a, 0).repeat(times)),
        }
    }),
    function(
        "replace",
        "every occurrence of a text by another",
        3..=3,
        |a, _| {
            let (text, what, by) = (at(a, 0), at(a, 1), at(a, 2));
            let found = occurrences(text, what);
            let kept = text.len().saturating_sub(found.saturating_mul(what.len()));
            match kept.saturating_add(found.saturating_mul(by.len())) > VALUE_BYTES {
                true => Err(format!("more than {VALUE_BYTES} bytes")),
                false => bytes(replaced(text, what, by)),
            }
        },
    ),
    function(
        "replace_regex",
        "every match of an expression by a text",
        3..=3,
        |a, _| {
            let regex = expression(at(a, 1))?;
            bytes(with_matches_replaced(&regex, at(a, 0), at(a, 2))?)
        },
    ),
    function(
        "remove_bad_chars",
        "without these characters",
        2..=2,
        |a, _| {
            let mut kept = at(a, 0).to_vec();
            kept.retain(|byte| !at(a, 1).contains(byte));
            bytes(kept)
        },
    ),
    function(
        "trim",
        "without these characters at both ends",
        2..=2,
        |a, _| bytes(trimmed(at(a, 0), at(a, 1), true, true)),
    ),
    function(
        "trim_left",
        "without these characters at its start",
        2..=2,
        |a, _| bytes(trimmed(at(a, 0), at(a, 1), true, false)),
    ),
    function(
        "trim_right",
        "without these characters at its end",
        2..=2,
        |a, _| bytes(trimmed(at(a, 0), at(a, 1), false, true)),
    ),
    function(
        "trim_space",
        "without white space at both ends",
        1..=1,
        |a, _| bytes(at(a, 0).trim_ascii()),
    ),
    function("trim_prefix", "without this start", 2..=2, |a, _| {
        bytes(at(a, 0).strip_prefix(at(a, 1)).unwrap_or(at(a, 0)))
    }),
    function("trim_suffix", "without this end", 2..=2, |a, _| {
        bytes(at(a, 0).strip_suffix(at(a, 1)).unwrap_or(at(a, 0)))
    }),
    function("substr", "from a place, up to another", 2..=3, |a, _| {
        let text = at(a, 0);
        let end = if a.len() > 2 {
            length(a, 2)?
        } else {
            text.len()
        };
        bytes(
            text.get(length(a, 1)?..end.min(text.len()))
                .unwrap_or_default(),
        )
    }),
    function("to_string", "as text", 1..=1, |a, _| bytes(at(a, 0))),
    function("to_number", "as a number", 1..=1, |a, _| {
        let number = a.first().and_then(Value::number);
        number
            .map(Value::of_number)
            .ok_or_else(|| "it is no number".to_owned())
    }),
    function(
        "dec_to_hex",
        "a number in hexadecimal digits",
        1..=1,
        |a, _| bytes(format!("{:x}", whole(a, 0)?)),
    ),
    function(
        "hex_to_dec",
        "hexadecimal digits as a number",
        1..=1,
        |a, _| based(at(a, 0), "0x", 16),
    ),
    function("oct_to_dec", "octal digits as a number", 1..=1, |a, _| {
        based(at(a, 0), "0o", 8)
    }),
    function("bin_to_dec", "binary digits as a number", 1..=1, |a, _| {
        based(at(a, 0), "0b", 2)
    }),
    function(
        "padding",
        "filled up to a length with a text, in front (prefix) or behind",
        4..=4,
        |a, _| {
            let missing = length(a, 2)?.saturating_sub(at(a, 0).len());
            let filler: Vec<u8> = at(a, 1).iter().copied().cycle().take(missing).collect();
            bytes(match at(a, 3) {
                b"prefix" => [&filler[..], at(a, 0)].concat(),
                _ => [at(a, 0), &filler].concat(),
            })
        },
    ),
    function("json_minify", "JSON without white space", 1..=1, |a, _| {
        bytes(json(at(a, 0))?.to_string())
    }),
    function(
        "json_prettify",
        "JSON, a line for each value",
        1..=1,
        |a, _| {
            let mut pretty = Vec::new();
            let lines = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            let mut writer = serde_json::Serializer::with_formatter(&mut pretty, lines);
            let written = json(at(a, 0))?.serialize(&mut writer);
            written.map_err(|error| error.to_string())?;
            bytes(pretty)
        },
    ),
    function(
        "ip_format",
        "an address of version 4, written in one of the ways 1 to 11",
        2..=2,
        |a, _| written(&String::from_utf8_lossy(at(a, 0)), whole(a, 1)?),
    ),
    function("print_debug", "nothing", 0..=MANY, |_, _| bytes("")),
    function(
        "wait_for",
        "nothing, after so many seconds; nobody waits here",
        1..=1,
        |_, _| bytes(""),
    ),
];

fn title(text: &[u8]) -> Vec<u8> {
    let mut start = true;
    text.iter()
        .map(|byte| {
            let byte = if start {
                byte.to_ascii_uppercase()
            } else {
                *byte
            };
            start = byte.is_ascii_whitespace();
            byte
        })
        .collect()
}

fn trimmed<'t>(mut text: &'t [u8], cut: &[u8], left: bool, right: bool) -> &'t [u8] {
    while let Some((_, rest)) = text
        .split_first()
        .filter(|(first, _)| left && cut.contains(first))
    {
        text = rest;
    }
    while let Some((_, rest)) = text
        .split_last()
        .filter(|(last, _)| right && cut.contains(last))
    {
        text = rest;
    }
    text
}

fn based(digits: &[u8], prefix: &str, base: u32) -> Result<Value, String> {
    let text = String::from_utf8_lossy(digits);
    let text = text.strip_prefix(prefix).unwrap_or(&text);
    let number = i64::from_str_radix(text, base).map_err(|_| format!("`{text}` is no number"))?;
    Ok(Value::of_number(number as f64))
}

fn json(text: &[u8]) -> Result<serde_json::Value, String> {
    serde_json::from_slice(text).map_err(|error| format!("this is no JSON: {error}"))
}

/// The ways of the scanner to write an address that filters look for.
fn written(address: &str, way: i64) -> Result<Value, String> {
    let address: std::net::Ipv4Addr = address
        .trim()
        .parse()
        .map_err(|_| format!("`{address}` is no address of version 4"))?;
    let [a, b, c, d] = address.octets();
    let mapped = u128::from(address.to_ipv6_mapped());
    let octal = |part: u8| match part {
        0 => "0".to_owned(),
        part => format!("0{part:o}"),
    };
    bytes(match way {
        1 => address.to_string(),
        2 if b == 0 && c == 0 => format!("{a}.{d}"),
        2 => address.to_string(),
        3 => format!("{}.{}.{}.{}", octal(a), octal(b), octal(c), octal(d)),
        4 => format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        5 => mapped.to_string(),
        6 => format!("{mapped:b}"),
        7 => format!("{a:#x}.{b}.{}.{d:#x}", octal(c)),
        8 => format!("::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}"),
        9 => {
            let text = address.to_string();
            text.bytes().map(|byte| format!("%{byte:02X}")).collect()
        }
        10 => format!("{a:03}.{b:03}.{c:03}.{d:03}"),
        11 => format!("{a}.{b}.{}", u32::from(c) * 256 + u32::from(d)),
        _ => return Err("the ways are 1 to 11".to_owned()),
    })
}

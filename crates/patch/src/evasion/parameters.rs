//! Parameters of the query and of urlencoded forms.

use engine::body::percent;

use super::catalogue::{Evasion, Group};
use super::fields::{every, is_form, pairs, replaced, swapped, with_body};
use crate::request::percent_encoded;

const ALL_READ: &str = "all readers of forms";
const PHP: &str = "PHP, which cleans up names";

pub(super) const ALL: &[Evasion] = &[
    Evasion::written(
        "values percent-encoded in whole",
        ALL_READ,
        |name, value| {
            joined(
                name,
                &every(&percent::form_decoded(value), |byte| format!("%{byte:02x}")),
            )
        },
    ),
    Evasion::written(
        "values percent-encoded twice",
        "applications that decode what is decoded",
        |name, value| {
            joined(
                name,
                &every(&percent::form_decoded(value), |byte| {
                    format!("%25{byte:02x}")
                }),
            )
        },
    ),
    Evasion::written(
        "values as %uXXXX",
        "IIS, ASP and some JavaScript",
        |name, value| {
            joined(
                name,
                &every(&percent::form_decoded(value), |byte| {
                    format!("%u{byte:04x}")
                }),
            )
        },
    ),
    Evasion::written("plus signs as %20", ALL_READ, |name, value| {
        joined(name, &replaced(value, "+", "%20"))
    }),
    Evasion::written(
        "values as little encoded as can be",
        ALL_READ,
        |name, value| joined(name, &every(&percent::form_decoded(value), bare)),
    ),
    Evasion::written("names percent-encoded", ALL_READ, |name, value| {
        joined(
            &every(&percent::form_decoded(name), |byte| format!("%{byte:02x}")),
            value,
        )
    }),
    Evasion::written(
        "names in the other case",
        "ASP.NET and others",
        |name, value| {
            let swapped = swapped(&percent::form_decoded(name));
            joined(percent_encoded(&swapped).as_bytes(), value)
        },
    ),
    Evasion::written("names as lists", "PHP, Rails, Express", |name, value| {
        joined(&[name, b"[]"].concat(), value)
    }),
    Evasion::written(
        "names as lists with an index",
        "PHP, Express",
        |name, value| joined(&[name, b"[0]"].concat(), value),
    ),
    Evasion::written("a space before names", PHP, |name, value| {
        joined(&[b"+", name].concat(), value)
    }),
    Evasion::written("a zero byte after names", PHP, |name, value| {
        joined(&[name, b"%00"].concat(), value)
    }),
    Evasion::written("dots for underscores in names", PHP, |name, value| {
        joined(&replaced(name, "_", "."), value)
    }),
    Evasion::whole(
        "each parameter twice, the first harmless",
        "applications that take the last one",
        |text| [&harmless(text), &b"&"[..], text].concat(),
    ),
    Evasion::whole(
        "each parameter twice, the last harmless",
        "applications that take the first one",
        |text| [text, b"&", &harmless(text)].concat(),
    ),
    Evasion::whole(
        "semicolons for ampersands",
        "readers after the HTML 4 recommendation",
        |text| replaced(text, "&", ";"),
    ),
    Evasion::whole(
        "a parameter before a semicolon first",
        "readers that split at semicolons",
        |text| [b"x=1;", text].concat(),
    ),
    Evasion::whole("empty parameters between", ALL_READ, |text| {
        [b"&", &*replaced(text, "&", "&&"), b"&"].concat()
    }),
    Evasion::whole("8 kB of another parameter first", ALL_READ, |text| {
        [b"pad=", &[b'a'; 8192][..], b"&", text].concat()
    }),
    Evasion::request(
        Group::Parameters,
        "64 kB of another parameter first",
        ALL_READ,
        |request| {
            is_form(request).then(|| {
                let body = [b"pad=", &[b'a'; 65536][..], b"&", &request.body].concat();
                with_body(request, body)
            })
        },
    ),
    Evasion::whole("200 other parameters first", ALL_READ, |text| {
        [&b"pad=1&".repeat(200), text].concat()
    }),
];

fn joined(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", value].concat()
}

/// Only what would be read as something else is encoded.
fn bare(byte: u8) -> String {
    match byte {
        b' ' => "+".to_owned(),
        b'&' | b'+' | b'%' | b'#' | b';' | ..=0x20 | 0x7f.. => format!("%{byte:02X}"),
        other => char::from(other).to_string(),
    }
}

fn harmless(text: &[u8]) -> Vec<u8> {
    let harmless: Vec<Vec<u8>> = pairs(text).map(|(name, _)| joined(name, b"1")).collect();
    harmless.join(&b'&')
}

//! Cookies.

use super::catalogue::Evasion;
use super::fields::{every, replaced, swapped};
use crate::request::Request;

pub(super) const ALL: &[Evasion] = &[
    Evasion::cookies(
        "cookie values percent-encoded",
        "frameworks of JavaScript, PHP",
        |name, value| joined(name, &every(value, |byte| format!("%{byte:02x}"))),
    ),
    Evasion::cookies(
        "cookie values in quotes",
        "readers of RFC 2965",
        |name, value| joined(name, &[b"\"", value, b"\""].concat()),
    ),
    Evasion::cookies(
        "cookie values in quotes, with octal escapes",
        "Python",
        |name, value| {
            let octal = every(value, |byte| format!("\\{byte:03o}"));
            joined(name, &[b"\"", &*octal, b"\""].concat())
        },
    ),
    Evasion::cookies("cookie names percent-encoded", "PHP", |name, value| {
        joined(&every(name, |byte| format!("%{byte:02x}")), value)
    }),
    Evasion::cookies(
        "cookie names in the other case",
        "ASP.NET",
        |name, value| joined(&swapped(name), value),
    ),
    Evasion::cookies(
        "cookies twice, the first harmless",
        "Express and others in which the last one counts",
        |name, value| [name, b"=1; ", name, b"=", value].concat(),
    ),
    Evasion::cookies(
        "cookies twice, the last harmless",
        "PHP and others in which the first one counts",
        |name, value| [name, b"=", value, b"; ", name, b"=1"].concat(),
    ),
    Evasion::cookie_lines("cookies after a version", "readers of RFC 2965", |line| {
        vec![[b"$Version=1; ", line].concat()]
    }),
    Evasion::cookie_lines(
        "cookies separated by commas",
        "readers of RFC 2965",
        |line| vec![replaced(line, ";", ",")],
    ),
    Evasion::cookie_lines(
        "no space between cookies",
        "all readers of cookies",
        |line| vec![replaced(line, "; ", ";")],
    ),
    Evasion::cookie_lines(
        "a header for each cookie",
        "HTTP/2 (RFC 9113 section 8.2.3)",
        |line| {
            line.split(|&byte| byte == b';')
                .map(|pair| pair.trim_ascii().to_vec())
                .collect()
        },
    ),
];

pub(super) type Pair = fn(&[u8], &[u8]) -> Vec<u8>;
pub(super) type Line = fn(&[u8]) -> Vec<Vec<u8>>;

/// Every cookie changed.
pub(super) fn with_pairs(request: &Request, change: Pair) -> Request {
    with_lines(request, |line| {
        let pairs = line.split(|&byte| byte == b';').map(|pair| {
            let pair = pair.trim_ascii();
            match pair.iter().position(|&byte| byte == b'=') {
                Some(at) => change(
                    pair.get(..at).unwrap_or_default(),
                    pair.get(at + 1..).unwrap_or_default(),
                ),
                None => pair.to_vec(),
            }
        });
        vec![pairs.collect::<Vec<_>>().join(&b"; "[..])]
    })
}

/// Every header Cookie changed, perhaps to several.
pub(super) fn with_lines(request: &Request, change: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Request {
    let mut changed = request.clone();
    changed.headers = request
        .headers
        .iter()
        .flat_map(|(name, value)| match name.eq_ignore_ascii_case(b"cookie") {
            true => change(value)
                .into_iter()
                .map(|value| (name.clone(), value))
                .collect(),
            false => vec![(name.clone(), value.clone())],
        })
        .collect();
    changed
}

fn joined(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", value].concat()
}

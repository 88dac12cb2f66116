//! Header lines.

use super::catalogue::Evasion;
use super::fields::replaced;
use crate::request::Request;

const ALL_READ: &str = "all servers";

pub(super) const ALL: &[Evasion] = &[
    Evasion::header("header names in capitals", ALL_READ, |name, _| {
        name.make_ascii_uppercase();
    }),
    Evasion::header("header names in small letters", ALL_READ, |name, _| {
        name.make_ascii_lowercase();
    }),
    Evasion::header("tabs around header values", ALL_READ, |_, value| {
        value.insert(0, b'\t');
        value.push(b'\t');
    }),
    Evasion::header(
        "underscores for hyphens in header names",
        "CGI, WSGI and Rack, which tell them apart no more",
        |name, _| *name = replaced(name, "-", "_"),
    ),
    Evasion::headers(
        "own headers twice, the first one harmless",
        "servers in which the last one counts",
        |headers, own| {
            let harmless = own.iter().map(|(name, _)| (name.clone(), b"0".to_vec()));
            headers.splice(0..0, harmless);
        },
    ),
    Evasion::headers(
        "own headers twice, the last one harmless",
        "servers in which the first one counts",
        |headers, own| {
            let harmless = own.iter().map(|(name, _)| (name.clone(), b"0".to_vec()));
            headers.extend(harmless);
        },
    ),
    Evasion::headers(
        "own headers as the second of a list",
        "servers that take the last item",
        |headers, own| {
            headers.retain(|line| !own.contains(line));
            let listed = own.iter().map(|(name, value)| {
                let value = [b"0, ", &**value].concat();
                (name.clone(), value)
            });
            headers.extend(listed);
        },
    ),
    Evasion::headers("8 kB of another header first", ALL_READ, |headers, _| {
        headers.insert(0, (b"X-Pad".to_vec(), vec![b'a'; 8192]));
    }),
    Evasion::headers("60 other headers first", ALL_READ, |headers, _| {
        let pad = (0..60).map(|at| (format!("X-Pad-{at}").into_bytes(), b"1".to_vec()));
        headers.splice(0..0, pad);
    }),
];

pub(super) type Lines = fn(&mut Vec<Line>, &[Line]);
pub(super) type Change = fn(&mut Vec<u8>, &mut Vec<u8>);
type Line = (Vec<u8>, Vec<u8>);

/// Every line but that of the host changed.
pub(super) fn with_each(request: &Request, change: Change) -> Request {
    let mut changed = request.clone();
    for (name, value) in &mut changed.headers {
        if !name.eq_ignore_ascii_case(b"host") {
            change(name, value);
        }
    }
    changed
}

/// The head changed as a whole, with the lines that have no part in HTTP itself.
pub(super) fn with_own(request: &Request, change: Lines) -> Request {
    let mut changed = request.clone();
    let own = request.headers.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.starts_with(b"x-") || matches!(&*name, b"referer" | b"user-agent" | b"origin")
    });
    let own: Vec<Line> = own.cloned().collect();
    change(&mut changed.headers, &own);
    changed
}

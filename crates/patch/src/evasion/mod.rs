//! Variants of an exploit that an application might take for the same request.
//!
//! They are candidates: whether one really works is for a live, unpatched
//! application to say.

mod body;
mod moved;
mod path;
mod query;

use crate::request::Request;

/// A variant of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// What was changed.
    pub name: String,
    /// The changed request.
    pub request: Request,
}

/// Variants of one request at most.
const VARIANTS: usize = 100;

/// All variants of a request, none of them equal to it or to each other.
pub fn evasions(request: &Request) -> Vec<Variant> {
    let mut found = Variants {
        original: request,
        variants: Vec::new(),
    };
    path::vary(&mut found);
    query::vary(&mut found);
    body::vary(&mut found);
    moved::vary(&mut found);
    headers(&mut found);
    found.variants
}

struct Variants<'a> {
    original: &'a Request,
    variants: Vec<Variant>,
}

impl Variants<'_> {
    fn add(&mut self, name: &str, request: Request) {
        let known =
            request == *self.original || self.variants.iter().any(|known| known.request == request);
        if !known && self.variants.len() < VARIANTS {
            self.variants.push(Variant {
                name: name.to_owned(),
                request,
            });
        }
    }

    /// A variant with another target.
    fn target(&mut self, name: &str, target: Vec<u8>) {
        let request = Request {
            target,
            ..self.original.clone()
        };
        self.add(name, request);
    }

    /// The target's path and its query with the `?`.
    fn split(&self) -> (Vec<u8>, Vec<u8>) {
        let target = &self.original.target;
        let mark = target
            .iter()
            .position(|&byte| byte == b'?')
            .unwrap_or(target.len());
        let (path, query) = target.split_at(mark);
        (path.to_vec(), query.to_vec())
    }
}

/// Header names have no case, and white space around values does not count.
fn headers(found: &mut Variants<'_>) {
    let original = found.original.clone();
    type Change = fn(&mut (Vec<u8>, Vec<u8>));
    let cases: [(&str, Change); 3] = [
        ("header names in capitals", |(name, _)| {
            name.make_ascii_uppercase()
        }),
        ("header names in small letters", |(name, _)| {
            name.make_ascii_lowercase()
        }),
        ("tabs around header values", |(_, value)| {
            value.insert(0, b'\t');
            value.push(b'\t');
        }),
    ];
    for (name, change) in cases {
        let mut request = original.clone();
        request
            .headers
            .iter_mut()
            .filter(|(name, _)| !name.eq_ignore_ascii_case(b"host"))
            .for_each(change);
        found.add(name, request);
    }
    let mut twice = original.clone();
    let extra: Vec<_> = original
        .headers
        .iter()
        .filter(|(name, _)| name.to_ascii_lowercase().starts_with(b"x-"))
        .map(|(name, _)| (name.clone(), b"0".to_vec()))
        .collect();
    twice.headers.splice(0..0, extra);
    found.add("own headers twice, the first one harmless", twice);
}

/// Letters in the other case.
fn swapped(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .map(|byte| match byte.is_ascii_lowercase() {
            true => byte.to_ascii_uppercase(),
            false => byte.to_ascii_lowercase(),
        })
        .collect()
}

/// Every `from` becomes `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        if !from.is_empty() && rest.starts_with(from) {
            result.extend_from_slice(to);
            rest = rest.get(from.len()..).unwrap_or_default();
        } else {
            result.push(byte);
            rest = after;
        }
    }
    result
}

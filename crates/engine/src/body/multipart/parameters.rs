//! `form-data; name="a"; filename*=UTF-8''b`: a header's parameters, every one kept.

use super::super::{Anomaly, percent};

/// What precedes the first semicolon, and the parameters in their order.
pub(in crate::body) struct Parameters {
    pub(super) kind: Vec<u8>,
    parameters: Vec<Parameter>,
    pub(super) anomalies: Vec<Anomaly>,
}

/// One `name=value`.
pub(in crate::body) struct Parameter {
    name: Vec<u8>,
    pub(in crate::body) value: Vec<u8>,
    pub(super) quoted: bool,
    /// White space around the equals sign.
    pub(super) spaced: bool,
}

impl Parameters {
    /// Reads a header's value.
    pub(in crate::body) fn read(header: &[u8]) -> Self {
        let end = memchr::memchr(b';', header).unwrap_or(header.len());
        let (kind, mut rest) = header.split_at(end);
        let mut found = Self {
            kind: kind.trim_ascii().to_vec(),
            parameters: Vec::new(),
            anomalies: Vec::new(),
        };
        loop {
            let next = rest.trim_ascii_start();
            let next = match next.strip_prefix(b";") {
                Some(after) => after.trim_ascii_start(),
                None if next.is_empty() => return found,
                None => {
                    found.anomalies.push(Anomaly::MultipartMissingSemicolon);
                    next
                }
            };
            if next.is_empty() {
                return found;
            }
            rest = found.parameter(next);
        }
    }

    /// All parameters of that (lower-case) name.
    pub(in crate::body) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Parameter> {
        self.parameters
            .iter()
            .filter(move |each| each.name == name.as_bytes())
    }

    /// Reads one parameter and gives what follows it; always shorter than what it was given.
    fn parameter<'h>(&mut self, text: &'h [u8]) -> &'h [u8] {
        let end = memchr::memchr2(b'=', b';', text).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        let Some(value) = after.strip_prefix(b"=") else {
            self.anomalies.push(Anomaly::MultipartInvalidQuoting);
            return after;
        };
        let trimmed = value.trim_ascii_start();
        let spaced = trimmed.len() != value.len() || name.trim_ascii_end().len() != name.len();
        let (value, quoted, rest) = match trimmed.split_first() {
            Some((b'"', inside)) => {
                let (value, rest) = self.quoted(inside);
                (value, true, rest)
            }
            _ => {
                let end = memchr::memchr(b';', trimmed).unwrap_or(trimmed.len());
                let (value, rest) = trimmed.split_at(end);
                let value = value.trim_ascii_end();
                if memchr::memchr3(b'"', b'\'', b' ', value).is_some() {
                    self.anomalies.push(Anomaly::MultipartInvalidQuoting);
                }
                (value.to_vec(), false, rest)
            }
        };
        let name = name.trim_ascii().to_ascii_lowercase();
        self.parameters.push(Parameter {
            name,
            value,
            quoted,
            spaced,
        });
        rest
    }

    /// A quoted string after its opening quote. Only `\"` and `\\` are escapes:
    /// old browsers send whole Windows paths.
    fn quoted<'h>(&mut self, text: &'h [u8]) -> (Vec<u8>, &'h [u8]) {
        let mut value = Vec::new();
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match (byte, after.first()) {
                (b'"', _) => return (value, rest),
                (b'\\', Some(&escaped @ (b'"' | b'\\'))) => {
                    value.push(escaped);
                    rest = after.get(1..).unwrap_or_default();
                }
                _ => value.push(byte),
            }
        }
        self.anomalies.push(Anomaly::MultipartInvalidQuoting);
        (value, rest)
    }
}

/// RFC 5987: `charset'language'percent-encoded`; the bytes as they decode.
pub(super) fn extended(value: &[u8]) -> Vec<u8> {
    let text = value
        .splitn(3, |&byte| byte == b'\'')
        .nth(2)
        .unwrap_or(value);
    let mut decoded = Vec::new();
    percent::decode(text, &mut decoded);
    decoded
}

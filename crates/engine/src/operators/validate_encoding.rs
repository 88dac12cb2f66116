//! `@validateUrlEncoding`, `@validateUtf8Encoding`

use super::{Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};

/// `@validateUrlEncoding`
pub(super) const URL: Spec = Spec {
    name: "validateUrlEncoding",
    summary: "the value has a `%` that two hexadecimal digits do not follow",
    argument: "",
    example: "@validateUrlEncoding",
    build: Build::Compiled(|_| Ok(Box::new(UrlEncoding))),
};

/// `@validateUtf8Encoding`
pub(super) const UTF8: Spec = Spec {
    name: "validateUtf8Encoding",
    summary: "the value is not UTF-8 (cut short, overlong, surrogates, beyond U+10FFFF)",
    argument: "",
    example: "@validateUtf8Encoding",
    build: Build::Compiled(|_| Ok(Box::new(Utf8Encoding))),
};

#[derive(Debug)]
struct UrlEncoding;

impl Operator for UrlEncoding {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let invalid = |&at: &usize| {
            let digits = input.get(at + 1..at + 3).unwrap_or_default();
            digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit)
        };
        let found = memchr::memchr_iter(b'%', input).find(invalid);
        hit.span = found.map(|at| at..input.len().min(at + 3));
        found.is_some()
    }

    fn need(&self) -> Need {
        Need::byte(ByteSet::of(b"%"))
    }
}

#[derive(Debug)]
struct Utf8Encoding;

impl Operator for Utf8Encoding {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let Err(error) = std::str::from_utf8(input) else {
            return false;
        };
        let start = error.valid_up_to();
        let end = error
            .error_len()
            .map_or(input.len(), |length| start + length);
        hit.span = Some(start..end);
        true
    }

    fn need(&self) -> Need {
        Need::byte(ByteSet::range(0x80, 0xff))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;

    #[test]
    fn the_first_fault_is_told() {
        for (name, input, span) in [
            ("validateUrlEncoding", b"a%20b".as_slice(), None),
            ("validateUrlEncoding", b"%2%41", Some(0..3)),
            ("validateUrlEncoding", b"a%", Some(1..2)),
            ("validateUtf8Encoding", "é€😀".as_bytes(), None),
            ("validateUtf8Encoding", b"a\xc0\xaf", Some(1..2)),
            ("validateUtf8Encoding", b"a\xed\xa0\x80", Some(1..2)),
            ("validateUtf8Encoding", b"a\xe2\x82", Some(1..3)),
            ("validateUtf8Encoding", b"\xf5", Some(0..1)),
        ] {
            let (found, hit) = operator(name, "", input);
            assert_eq!((found, hit.span), (span.is_some(), span), "{name}");
        }
    }
}

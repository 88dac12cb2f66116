//! `@detectSQLi`

use super::{Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};

/// `@detectSQLi`
pub(super) const SPEC: Spec = Spec {
    name: "detectSQLi",
    summary: "libinjection reads the value as SQL injection; captures its fingerprint",
    argument: "",
    example: "@detectSQLi",
    build: Build::Compiled(|_| Ok(Box::new(DetectSqli))),
};

#[derive(Debug)]
struct DetectSqli;

/// What a single word consists of.
const WORD: ByteSet = ByteSet::ALPHANUMERIC.with(b'_');

impl Operator for DetectSqli {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        if is_word(input) {
            return false;
        }
        if is_hostile(input) {
            hit.span = Some(0..input.len());
            hit.text.push(b'X');
            return true;
        }
        let result = libinjectionrs::detect_sqli(input);
        if !result.is_injection() {
            return false;
        }
        hit.span = Some(0..input.len());
        if let Some(fingerprint) = &result.fingerprint {
            hit.text.extend_from_slice(fingerprint.as_str().as_bytes());
        }
        true
    }

    /// More than one word, or a number and `union` without a space between them.
    fn need(&self) -> Need {
        Need::byte(WORD.complement().with(b'u'))
    }
}

/// Whether the value is one word, or a number and a word that is not `union`:
/// no such pair is among the fingerprints.
fn is_word(input: &[u8]) -> bool {
    let digits = input
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let letters = input.get(digits..).unwrap_or_default();
    input.iter().all(|&byte| WORD.contains(byte)) && !letters.eq_ignore_ascii_case(b"union")
}

/// Whether the value is made to keep the detector busy.
///
/// It looks up every beginning of a word that ends at a dot or a backtick, so
/// a long word full of them takes quadratic time. No ordinary value is like
/// that (2,000 of them in one word of 2,000 bytes), so it is taken for an
/// attack, with the fingerprint by which libinjection calls a token evil.
fn is_hostile(input: &[u8]) -> bool {
    const BASE: usize = 4 << 20;
    const PER_BYTE: usize = 64;
    let allowed = BASE + input.len().saturating_mul(PER_BYTE);
    let marks = |text: &[u8]| memchr::memchr2_iter(b'.', b'`', text).count();
    if input.len().saturating_mul(marks(input)) <= allowed {
        return false;
    }
    // As in the detector: what ends a word.
    let ends = |byte: &u8| b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0".contains(byte);
    let work = input.split(ends).fold(0_usize, |work, word| {
        work.saturating_add(word.len().saturating_mul(marks(word)))
    });
    work > allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_has_a_fingerprint() {
        for (input, fingerprint) in [
            ("1' OR '1'='1", Some("s&sos")),
            ("-1 union select 1,2", Some("1UE1")),
            ("ascii(substring(version() from 1 for 1))", Some("f(f(f")),
            ("O'Brien", None),
            ("select a seat", None),
        ] {
            let mut hit = Hit::default();
            let found = DetectSqli.matches(input.as_bytes(), &mut hit);
            assert_eq!(found, fingerprint.is_some(), "{input}");
            assert_eq!(
                hit.text,
                fingerprint.unwrap_or_default().as_bytes(),
                "{input}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_word_is_no_injection(
            input in "(?:0x|0b)?[0-9]{0,4}(?:e[0-9])?(?:union|select|or|and|[a-z_0-9]{0,9})",
        ) {
            let found = libinjectionrs::detect_sqli(input.as_bytes()).is_injection();
            proptest::prop_assert!(!found || !is_word(input.as_bytes()));
        }
    }

    #[test]
    fn a_word_of_dots_is_not_worked_through() {
        let mut hit = Hit::default();
        assert!(DetectSqli.matches(&b"a.`".repeat(300_000), &mut hit));
        assert_eq!(hit.text, b"X");
        let prose = b"see www.example.org. ".repeat(50_000);
        assert!(!is_hostile(&prose));
        assert!(!is_hostile(&b"0123456789abcdef".repeat(50_000)));
    }
}

//! `@detectSQLi`

use std::collections::HashSet;
use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

use super::{Build, Hit, Operator, Spec, sqli_fold};
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
        if is_word(input) || is_plain(input) {
            return false;
        }
        if is_hostile(input) {
            hit.span = Some(0..input.len());
            hit.text.push(b'X');
            return true;
        }
        let Some(fingerprint) = sqli_fold::of_injection(input) else {
            return false;
        };
        hit.span = Some(0..input.len());
        hit.text.extend_from_slice(fingerprint.as_bytes());
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

/// Whether the detector would read the value as nothing but names, numbers, operators and
/// marks. No fingerprint is made of those alone, so that it need not be asked; it takes long.
fn is_plain(input: &[u8]) -> bool {
    /// Beside words. None of them begins a string, a comment, a variable or a bracket,
    const MARKS: ByteSet = ByteSet::of(b" \t\r\n.,:?=+-/%*<>!~^&|");
    /// but these do, or mean a logical operator.
    const PAIRS: [&[u8]; 4] = [b"--", b"/*", b"&&", b"||"];
    let mut rest = input;
    while let Some((&first, tail)) = rest.split_first() {
        if !WORD.contains(first) {
            if !MARKS.contains(first) || PAIRS.iter().any(|pair| rest.starts_with(pair)) {
                return false;
            }
            rest = tail;
            continue;
        }
        let length = rest.iter().take_while(|byte| WORD.contains(**byte)).count();
        let (word, tail) = rest.split_at(length);
        if holds_keyword(word, first.is_ascii_digit()) {
            return false;
        }
        rest = tail;
    }
    true
}

/// Whether it is a keyword, or a number may end in it where another begins.
fn holds_keyword(word: &[u8], begins_with_digit: bool) -> bool {
    if !begins_with_digit {
        return KEYWORDS.has(word);
    }
    (1..word.len()).any(|at| KEYWORDS.has(word.get(at..).unwrap_or_default()))
}

/// The words that the detector knows, and the first words of phrases that it knows.
static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let mut keywords = Keywords {
        words: HashSet::new(),
        seen: Box::new([0; 512]),
    };
    for keyword in SQL_KEYWORDS {
        let first = keyword.word.split([' ', '.']).next().unwrap_or_default();
        if first.bytes().all(|byte| WORD.contains(byte)) && !first.starts_with('0') {
            keywords.add(first.as_bytes());
        }
    }
    keywords
});

struct Keywords {
    /// In upper case.
    words: HashSet<&'static [u8]>,
    /// A bit for the first two letters and the length of each.
    seen: Box<[u64; 512]>,
}

impl Keywords {
    /// Bytes of a keyword at most.
    const LONGEST: usize = 64;

    fn key(word: &[u8]) -> Option<(usize, u32)> {
        let &[first, second, ..] = word else {
            return None;
        };
        let letter = |byte: u8| usize::from(byte & 0x1f);
        let key = letter(first) << 10 | letter(second) << 5 | word.len() & 0x1f;
        Some((key / 64, key as u32 % 64))
    }

    fn add(&mut self, word: &'static [u8]) {
        if let Some((at, bit)) = Self::key(word)
            && let Some(bits) = self.seen.get_mut(at)
        {
            *bits |= 1 << bit;
        }
        self.words.insert(word);
    }

    fn has(&self, word: &[u8]) -> bool {
        let seen = Self::key(word).is_some_and(|(at, bit)| {
            let bits = self.seen.get(at);
            bits.is_some_and(|bits| bits >> bit & 1 == 1)
        });
        let mut upper = [0; Self::LONGEST];
        seen && upper.get_mut(..word.len()).is_some_and(|upper| {
            upper.copy_from_slice(word);
            upper.make_ascii_uppercase();
            self.words.contains(&*upper)
        })
    }
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
    const ENDS: ByteSet = ByteSet::of(b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0");
    let words = input.split(|byte| ENDS.contains(*byte));
    let work = words.fold(0_usize, |work, word| {
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
    fn what_is_passed_over_holds_no_keyword_in_any_spelling() {
        for (input, plain) in [
            ("garden-1234, 17.50 = a/b:c %", true),
            ("https://shop.example.org/a?b=3&c=<5>", true),
            ("a && b", false),
            ("a /* b", false),
            ("1||1", false),
            ("8f14e45fceea167a5a36dedd4bea2543", true),
            ("1 or 1", false),
            ("a UNION b", false),
            ("1.5union", false),
            ("0x1For 1", false),
            ("full join", false),
            ("a--b", false),
            ("a'b", false),
            ("sys.stragg", false),
        ] {
            assert_eq!(is_plain(input.as_bytes()), plain, "{input}");
        }
        assert!(
            SQL_KEYWORDS
                .iter()
                .all(|keyword| keyword.word.len() < Keywords::LONGEST)
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4000))]
        #[test]
        fn what_is_passed_over_is_no_injection(
            input in "(?:[0-9]{1,3}|0[xb][01fF]{0,2}|[0-9]e[+-]?[0-9]?|[.,:=+/%?&*<>!~^|-]|[ \\n]|[a-z_]{1,4}|or|and|by|is|union|select|x|n|e|q|d){1,9}",
        ) {
            let found = libinjectionrs::detect_sqli(input.as_bytes()).is_injection();
            proptest::prop_assert!(!found || !is_plain(input.as_bytes()), "{}", input);
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

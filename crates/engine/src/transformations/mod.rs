//! How a value is decoded before a rule looks at it. One file a transformation, one line in [`ALL`].

pub(crate) mod base64_decode;
mod base64_encode;
mod cmd_line;
mod comments;
mod compress_whitespace;
mod css_decode;
mod digest;
mod escape_seq_decode;
mod hex_decode;
mod hex_encode;
mod html_entity_decode;
pub(crate) mod inflate;
mod js_decode;
mod length;
mod lowercase;
mod normalise_path;
mod parity;
mod php_args_names;
mod remove_nulls;
mod remove_whitespace;
mod replace_nulls;
mod sql_hex_decode;
mod trim;
pub(crate) mod unicode_map;
mod uppercase;
mod url_decode;
pub(crate) mod url_decode_uni;
mod url_encode;
mod utf8_to_unicode;

pub use inflate::{INFLATED_BYTES, inflated};

use crate::need::ByteSet;

/// A transformation as rules name it.
pub struct Spec {
    /// As in `t:name`; names compare without regard to case.
    pub name: &'static str,
    /// Other spellings that rules use.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// Input and output; bytes that are no text are written `\xHH`.
    pub example: (&'static str, &'static str),
    /// The bytes without any of which a value stays as it is.
    pub touches: ByteSet,
    /// The bytes that the result may hold beyond those of the value, ASCII case ignored.
    pub makes: ByteSet,
    /// Applies it.
    pub apply: Apply,
}

/// Reads a value and appends the result to a buffer.
///
/// `false`: the result equals the input, and nothing was appended. `true`: the
/// result is what was appended (which may be nothing).
pub type Apply = fn(&[u8], &mut Vec<u8>) -> bool;

/// Every transformation.
pub static ALL: &[Spec] = &[
    lowercase::SPEC,
    uppercase::SPEC,
    trim::BOTH,
    trim::LEFT,
    trim::RIGHT,
    remove_nulls::SPEC,
    replace_nulls::SPEC,
    remove_whitespace::SPEC,
    compress_whitespace::SPEC,
    length::SPEC,
    url_decode::SPEC,
    url_decode_uni::SPEC,
    url_encode::SPEC,
    html_entity_decode::SPEC,
    js_decode::SPEC,
    css_decode::SPEC,
    escape_seq_decode::SPEC,
    base64_decode::STRICT,
    base64_decode::FORGIVING,
    base64_encode::SPEC,
    hex_decode::SPEC,
    hex_encode::SPEC,
    sql_hex_decode::SPEC,
    inflate::SPEC,
    utf8_to_unicode::SPEC,
    normalise_path::UNIX,
    normalise_path::WINDOWS,
    cmd_line::SPEC,
    comments::REMOVE,
    comments::REMOVE_CHAR,
    comments::REPLACE,
    php_args_names::SPEC,
    parity::EVEN,
    parity::ODD,
    parity::ZERO,
    digest::MD5,
    digest::SHA1,
];

/// The transformation of that name or alias, case ignored.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.get(usize::from(position(name)?))
}

/// Its place in [`ALL`].
pub(crate) fn position(name: &str) -> Option<u16> {
    let known = ALL.iter().position(|spec| {
        spec.name.eq_ignore_ascii_case(name)
            || spec
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    });
    known.and_then(|position| u16::try_from(position).ok())
}

/// What [`Apply`] returns for an output that was written in full: one that
/// equals the input is taken back.
fn differs(input: &[u8], output: &mut Vec<u8>) -> bool {
    if output == input {
        output.clear();
        return false;
    }
    true
}

/// White space as C's `isspace` has it.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The value of a hexadecimal digit.
fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// A byte as two hexadecimal digits, lower case.
fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |value: u8| match value {
        0..=9 => b'0' + value,
        _ => b'a' + value - 10,
    };
    [digit(byte >> 4), digit(byte & 0x0f)]
}

/// The low byte of an escaped code point of so many digits.
///
/// U+FF01 to U+FF5E, the full-width forms of ! to ~, are read as those.
fn low_byte(code: u32, digits: usize) -> u8 {
    let low = code as u8;
    if digits >= 4 && code >> 8 == 0xff && (0x01..0x5f).contains(&low) {
        low + 0x20
    } else {
        low
    }
}

/// Up to three octal digits at the start as a number, and how many they are.
fn octal(digits: &[u8]) -> (u32, usize) {
    digits
        .iter()
        .take(3)
        .map_while(|&byte| char::from(byte).to_digit(8))
        .fold((0, 0), |(code, count), digit| (code * 8 + digit, count + 1))
}

/// What C and JavaScript mean by a backslash and this letter.
fn control(letter: u8) -> Option<u8> {
    match letter {
        b'a' => Some(0x07),
        b'b' => Some(0x08),
        b'f' => Some(0x0c),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_what_the_transformation_gives() {
        for spec in super::ALL {
            let (input, expected) = spec.example;
            let mut output = Vec::new();
            let changed = (spec.apply)(input.as_bytes(), &mut output);
            assert!(changed, "{}", spec.name);
            let escaped = output.escape_ascii().to_string();
            assert!(
                output == expected.as_bytes() || escaped == expected,
                "{}: {escaped}",
                spec.name
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_value_without_what_is_touched_stays(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        ) {
            for spec in super::ALL {
                let value: Vec<u8> = bytes
                    .iter()
                    .copied()
                    .filter(|&byte| !spec.touches.contains(byte))
                    .collect();
                let mut output = Vec::new();
                if !value.is_empty() {
                    proptest::prop_assert!(!(spec.apply)(&value, &mut output), "{}", spec.name);
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_result_holds_only_what_was_there_or_is_made(
            value in "(?:[ -~\\x00\\n\\x0b]|/\\*|\\*/|--|<!--|\\.\\./|[\\PC]){0,30}",
        ) {
            for spec in super::ALL {
                let known = value
                    .bytes()
                    .fold(spec.makes, |known, byte| known.with(byte))
                    .folded();
                let mut output = Vec::new();
                (spec.apply)(value.as_bytes(), &mut output);
                let strange = output.iter().find(|byte| !known.contains(byte.to_ascii_lowercase()));
                proptest::prop_assert_eq!(strange, None, "{}", spec.name);
            }
        }
    }

    #[test]
    fn what_does_not_change_is_not_copied() {
        for spec in super::ALL {
            for input in [b"abc".as_slice(), b""] {
                let mut output = Vec::new();
                let changed = (spec.apply)(input, &mut output);
                let right = if changed {
                    output != input
                } else {
                    output.is_empty()
                };
                assert!(right, "{}", spec.name);
            }
        }
    }
}

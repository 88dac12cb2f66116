//! How a value is decoded before a rule looks at it. One file a transformation, one line in [`ALL`].

mod base64_decode_ext;
mod cmd_line;
mod compress_whitespace;
mod css_decode;
mod hex_decode;
mod html_entity_decode;
mod js_decode;
mod length;
mod lowercase;
mod normalise_path;
mod normalise_path_win;
mod remove_nulls;
mod remove_whitespace;
mod replace_comments;
mod trim;
mod uppercase;
mod url_decode;
mod url_decode_uni;
mod utf8_to_unicode;

/// A transformation as rules name it.
pub struct Spec {
    /// As in `t:name`; names compare without regard to case.
    pub name: &'static str,
    /// Other spellings that rules use.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// Input and output.
    pub example: (&'static str, &'static str),
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
    trim::SPEC,
    remove_nulls::SPEC,
    remove_whitespace::SPEC,
    compress_whitespace::SPEC,
    length::SPEC,
    url_decode::SPEC,
    url_decode_uni::SPEC,
    base64_decode_ext::SPEC,
    cmd_line::SPEC,
    css_decode::SPEC,
    hex_decode::SPEC,
    html_entity_decode::SPEC,
    js_decode::SPEC,
    normalise_path::SPEC,
    normalise_path_win::SPEC,
    replace_comments::SPEC,
    utf8_to_unicode::SPEC,
];

/// The transformation of that name or alias, case ignored.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| {
        spec.name.eq_ignore_ascii_case(name)
            || spec
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// The value of a hexadecimal digit.
fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
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
            assert_eq!(output, expected.as_bytes(), "{}", spec.name);
        }
    }

    #[test]
    fn what_does_not_change_is_not_copied() {
        for spec in super::ALL.iter().filter(|spec| {
            !matches!(
                spec.name,
                "length" | "uppercase" | "base64DecodeExt" | "hexDecode"
            )
        }) {
            let mut output = Vec::new();
            assert!(!(spec.apply)(b"abc", &mut output), "{}", spec.name);
            assert!(output.is_empty(), "{}", spec.name);
        }
    }
}

//! `@detectXSS`

use super::{Build, Hit, Operator, Spec};
use crate::need::{ByteSet, Need};

/// `@detectXSS`
pub(super) const SPEC: Spec = Spec {
    name: "detectXSS",
    summary: "libinjection reads the value as cross-site scripting",
    argument: "",
    example: "@detectXSS",
    build: Build::Compiled(|_| Ok(Box::new(DetectXss))),
};

#[derive(Debug)]
struct DetectXss;

impl Operator for DetectXss {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let found = libinjectionrs::detect_xss(input).is_injection();
        hit.span = found.then_some(0..input.len());
        found
    }

    /// A tag, a comment and a doctype begin with `<`; an attribute counts with its value.
    fn need(&self) -> Need {
        Need::byte(ByteSet::of(b"<="))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_that_runs_is_found_in_every_context() {
        for (input, expected) in [
            ("<script>alert(1)</script>", true),
            ("\" onmouseover=alert(1) x=\"", true),
            ("<a href=\"javascript:alert(1)\">", true),
            ("a < b and b > c", false),
            ("<b>bold</b>", false),
        ] {
            let found = DetectXss.matches(input.as_bytes(), &mut Hit::default());
            assert_eq!(found, expected, "{input}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_found_without_a_tag_or_a_value(
            input in "(?:on[a-z]{3,9}|style|href|javascript:|xmlns|xlink:href|[ \"'`/>!\\[a-z-]){0,12}",
        ) {
            let found = DetectXss.matches(input.as_bytes(), &mut Hit::default());
            proptest::prop_assert!(!found);
        }
    }
}

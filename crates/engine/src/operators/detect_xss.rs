//! `@detectXSS`

use super::{Build, Hit, Spec};

/// `@detectXSS`
pub(super) const SPEC: Spec = Spec {
    name: "detectXSS",
    summary: "libinjection reads the value as cross-site scripting",
    argument: "",
    example: "@detectXSS",
    build: Build::Plain(matches),
};

fn matches(_: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    let found = libinjectionrs::detect_xss(input).is_injection();
    hit.span = found.then_some(0..input.len());
    found
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
            assert_eq!(
                matches(b"", input.as_bytes(), &mut Hit::default()),
                expected,
                "{input}"
            );
        }
    }
}

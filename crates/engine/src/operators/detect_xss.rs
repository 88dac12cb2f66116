//! `@detectXSS`

use super::{Build, Hit, Spec};

/// `@detectXSS`
pub(super) const SPEC: Spec = Spec {
    name: "detectXSS",
    summary: "libinjection takes the value for cross-site scripting",
    argument: "",
    example: "@detectXSS",
    build: Build::Plain(matches),
};

fn matches(_: &[u8], input: &[u8], _: &mut Hit) -> bool {
    libinjectionrs::detect_xss(input).is_injection()
}

//! `@detectSQLi`

use super::{Build, Hit, Spec};

/// `@detectSQLi`
pub(super) const SPEC: Spec = Spec {
    name: "detectSQLi",
    summary: "libinjection takes the value for SQL injection; its fingerprint is captured",
    argument: "",
    example: "@detectSQLi",
    build: Build::Plain(matches),
};

fn matches(_: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    let result = libinjectionrs::detect_sqli(input);
    if !result.is_injection() {
        return false;
    }
    if let Some(fingerprint) = &result.fingerprint {
        hit.text.extend_from_slice(fingerprint.as_str().as_bytes());
    }
    true
}

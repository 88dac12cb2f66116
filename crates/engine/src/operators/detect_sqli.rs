//! `@detectSQLi`

use super::{Build, Hit, Spec};

/// `@detectSQLi`
pub(super) const SPEC: Spec = Spec {
    name: "detectSQLi",
    summary: "libinjection reads the value as SQL injection; captures its fingerprint",
    argument: "",
    example: "@detectSQLi",
    build: Build::Plain(matches),
};

fn matches(_: &[u8], input: &[u8], hit: &mut Hit) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_has_a_fingerprint() {
        for (input, fingerprint) in [
            ("1' OR '1'='1", Some("s&sos")),
            ("-1 union select 1,2", Some("1UE1")),
            ("O'Brien", None),
            ("select a seat", None),
        ] {
            let mut hit = Hit::default();
            let found = matches(b"", input.as_bytes(), &mut hit);
            assert_eq!(found, fingerprint.is_some(), "{input}");
            assert_eq!(
                hit.text,
                fingerprint.unwrap_or_default().as_bytes(),
                "{input}"
            );
        }
    }
}

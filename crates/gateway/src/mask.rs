//! Keeps secrets out of events.

use engine::Match;

use crate::strip::percent_decoded;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// Words that make a field's name the name of a secret, without `-` and `_`.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "session",
    "credential",
];

/// A request target with the values of secret parameters masked.
pub(crate) fn target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if is_secret(&percent_decoded(name.as_bytes())) => {
            format!("{name}={MASK}")
        }
        _ => pair.to_owned(),
    }
}

/// A match's message and value, masked.
///
/// A value with a name of its own (`ARGS:q`) is masked by its name. One without (`REQUEST_BODY`)
/// may hold any field: it is masked whole if a secret's name stands in it, and what stands before
/// its first separator is left out where its start, and with it a name, may have been cut off.
pub(crate) fn value(found: &Match) -> (String, String) {
    let text = String::from_utf8_lossy(&found.value);
    let secret = match found.target.split_once(':') {
        Some((collection, _)) if collection.starts_with("REQUEST_COOKIES") => true,
        Some((collection, _)) if collection.ends_with("_NAMES") => false,
        Some((_, name)) => is_secret(name.as_bytes()),
        None => is_secret(&percent_decoded(&found.value)),
    };
    if secret && !text.is_empty() {
        return (found.message.replace(&*text, MASK), MASK.to_owned());
    }
    let whole = found.target.contains(':') || found.value.len() < Match::VALUE_BYTES;
    if whole {
        return (found.message.clone(), text.into_owned());
    }
    let kept = match text.find(['&', ',', '\n', ';']) {
        Some(at) => format!("…{}", text.get(at..).unwrap_or_default()),
        None => MASK.to_owned(),
    };
    (found.message.replace(&*text, &kept), kept)
}

fn is_secret(name: &[u8]) -> bool {
    let plain: Vec<u8> = name
        .iter()
        .filter(|byte| !b"-_".contains(byte))
        .map(u8::to_ascii_lowercase)
        .collect();
    SECRETS
        .iter()
        .any(|word| memchr::memmem::find(&plain, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn found(target: &str, value: &str, message: &str) -> Match {
        Match {
            patch: None,
            rule: 1,
            phase: 2,
            target: target.to_owned(),
            span: None,
            value: value.as_bytes().to_vec(),
            message: message.to_owned(),
            data: String::new(),
            tags: Arc::from([]),
            severity: None,
            enforced: true,
            disruptive: true,
        }
    }

    #[test]
    fn parameters_named_like_secrets_are_masked() {
        let cases = [
            ("/a", "/a"),
            ("/a?q=1&token=abc", "/a?q=1&token=***"),
            ("/a?API-Key=abc&x", "/a?API-Key=***&x"),
            ("/a?p%61ssword=x", "/a?p%61ssword=***"),
            ("/a?user[passwd]=x", "/a?user[passwd]=***"),
        ];
        for (given, expected) in cases {
            assert_eq!(target(given), expected);
        }
    }

    #[test]
    fn matched_values_are_masked_by_name_and_by_content() {
        let cases = [
            ("ARGS:q", "<script>", "<script>"),
            ("ARGS:password", "hunter2", MASK),
            ("REQUEST_HEADERS:Authorization", "Basic eA==", MASK),
            ("REQUEST_HEADERS:X-Api-Key", "k", MASK),
            ("REQUEST_COOKIES:id", "k", MASK),
            ("REQUEST_BODY", "a=1&b=2", "a=1&b=2"),
            ("REQUEST_BODY", "a=1&passw%6Frd=2", MASK),
            ("REQUEST_BODY", "{\"api_key\": \"2\"}", MASK),
            ("ARGS_NAMES:password", "password", "password"),
        ];
        for (target, text, expected) in cases {
            let (message, shown) = value(&found(target, text, &format!("saw {text}")));
            assert_eq!(shown, expected, "{target}");
            assert_eq!(message, format!("saw {expected}"), "{target}");
        }
    }

    #[test]
    fn a_window_into_a_body_does_not_begin_inside_a_field() {
        let text = format!("unter2&a={}", "x".repeat(Match::VALUE_BYTES));
        let (_, shown) = value(&found("REQUEST_BODY", &text, ""));
        assert!(shown.starts_with("…&a=x"), "{shown}");
        let (_, shown) = value(&found("REQUEST_BODY", &"x".repeat(Match::VALUE_BYTES), ""));
        assert_eq!(shown, MASK);
    }
}

//! Attacks that stand in the path itself.

use engine::body::percent;

use super::{evidence, parts};

/// The part of a path before the first segment that no ordinary path has, if there is one.
pub(super) fn attacked(path: &[u8]) -> Option<String> {
    let mut prefix = String::new();
    let mut rest = path;
    loop {
        let end = rest.iter().skip(1).position(|&byte| byte == b'/');
        let (segment, after) = match end {
            Some(at) => rest.split_at_checked(at + 1)?,
            None => (rest, &[][..]),
        };
        let text = segment.strip_prefix(b"/").unwrap_or(segment);
        let empty_inside = text.is_empty() && !after.is_empty();
        if empty_inside || odd(text) || is_query(text) {
            prefix.push_str(&plain(segment));
            return Some(prefix);
        }
        if after.is_empty() {
            return None;
        }
        prefix.push_str(std::str::from_utf8(segment).ok()?);
        rest = after;
    }
}

/// What of an odd segment belongs to the endpoint: `/file=` of `/file=http:`, and the
/// page of `/page.do;`.
fn plain(segment: &[u8]) -> String {
    let text = String::from_utf8_lossy(segment);
    let end = text
        .find(|letter: char| !letter.is_ascii_alphanumeric() && !"/-_.=~,".contains(letter))
        .unwrap_or(text.len());
    let (start, rest) = text.split_at(end);
    let parameters = rest.starts_with(';') || rest.to_ascii_lowercase().starts_with("%3f");
    match start.rfind('=') {
        Some(mark) => start.get(..=mark).unwrap_or_default().to_owned(),
        None if parameters && start.contains('.') && !start.contains("..") => start.to_owned(),
        None => String::new(),
    }
}

/// Whether a segment that begins with a number goes on as a query of a database does.
fn is_query(segment: &[u8]) -> bool {
    let text = percent::decoded(segment);
    let number = text.first().is_some_and(u8::is_ascii_digit);
    let spaced = text.iter().any(|byte| b" \t\n/*()=".contains(byte));
    let is_sql = |class: &&super::classes::Class| {
        class.condition == patch::document::Condition::SqlInjection
    };
    number && spaced && evidence::of(&text).is_ok_and(|found| found.iter().any(is_sql))
}

/// Whether a segment holds what ordinary ones do not.
fn odd(segment: &[u8]) -> bool {
    let once = percent::decoded(segment);
    let twice = percent::decoded(&once);
    let dots = |text: &[u8]| text == b".." || text == b"." || text.starts_with(b"..");
    let marks = |text: &[u8]| {
        text.iter().any(|byte| {
            byte.is_ascii_control() || b"<>\"'`\\;|{}$()^?#\0:".contains(byte) || !byte.is_ascii()
        })
    };
    let wide = segment
        .windows(2)
        .any(|two| two.eq_ignore_ascii_case(b"%u"));
    wide || dots(&once)
        || dots(&twice)
        || marks(&once)
        || marks(&twice)
        || (once.len() != segment.len() && once.contains(&b'/'))
        || once.starts_with(b"WEB-INF")
        || once.starts_with(b"META-INF")
}

/// What only some servers read as part of a path, the rarest in legitimate ones first.
const CONFUSING: &[&str] = &[
    r"/\.{1,2};",
    r"%0[0-9a-f]|%u00",
    r"/\.\.[^/.;?]",
    r"%2e",
    r"%25",
    r"%3f|%23",
    r"/;|;/",
    r"%5c|\\",
    r"/\.{1,2}(?:/|\z|\?)",
    r"//",
    r";",
    r"%2f",
];

/// The rarest of them behind a prefix, as an expression for the target as received.
pub(super) fn confusion(target: &[u8], prefix: usize) -> Option<String> {
    let tail = parts::path(target).get(prefix..)?;
    let found = |pattern: &&&str| {
        let regex = regex::bytes::Regex::new(&format!("(?i){pattern}"));
        regex.is_ok_and(|regex| regex.is_match(tail))
    };
    let pattern = CONFUSING.iter().find(found)?;
    Some(format!(r"(?i)\A[^?]*(?:{pattern})"))
}

//! What an operator asks of a value.

use seclang::Rule;

use super::inverse::counts_bytes;

/// What a value must be like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Want {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    /// A regular expression is found.
    Matches(String),
    /// One of these texts will do.
    OneOf(Vec<String>),
    /// A number.
    Number(i64),
    /// So many bytes.
    Bytes(usize),
    /// Anything that is not as the operator says; the patch itself tells.
    Other,
    /// Not there, or so often.
    Count(usize),
}

/// Values to try where nothing says what is wanted: harmless ones first.
pub(super) const OTHERS: &[&str] = &[
    "x",
    "1",
    "",
    "'",
    "../x",
    "<a>",
    "-1",
    "http://203.0.113.9/",
    "a b",
];
/// What the injection detectors take for attacks.
const SQL: &[&str] = &[
    "1' OR '1'='1' -- ",
    "1 UNION SELECT 1,2,3-- ",
    "' OR 1=1#",
    "1;SELECT 1",
];
const XSS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
];

/// None where the operator cannot be satisfied by a request alone.
pub(super) fn of(rule: &Rule, transformations: &[String]) -> Option<Want> {
    let operator = &rule.operator;
    let argument = operator.argument.clone();
    if argument.contains("%{") {
        return None;
    }
    let name = operator.name.to_ascii_lowercase();
    let counted = rule
        .targets
        .iter()
        .any(|target| target.counted && !target.excluded);
    if let Some(number) = number(&name, argument.trim(), operator.negated) {
        return Some(match (counted, counts_bytes(transformations)) {
            (true, _) => Want::Count(usize::try_from(number).ok()?),
            (false, true) => Want::Bytes(usize::try_from(number).ok()?),
            (false, false) => Want::Number(number),
        });
    }
    if counted {
        return None;
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Some(match (name.as_str(), operator.negated) {
        (_, true) => Want::Other,
        ("streq" | "eq", _) => Want::Equals(argument),
        ("beginswith", _) => Want::StartsWith(argument),
        ("endswith", _) => Want::EndsWith(argument),
        ("contains" | "strmatch", _) => Want::Contains(argument),
        ("containsword", _) => Want::OneOf(vec![argument]),
        ("rx" | "rxglobal", _) => Want::Matches(argument),
        ("pm" | "pmf", _) => Want::OneOf(words(&argument)),
        ("within", _) => Want::OneOf(argument.split([' ', ',', '|']).map(str::to_owned).collect()),
        ("detectsqli", _) => Want::OneOf(texts(SQL)),
        ("detectxss", _) => Want::OneOf(texts(XSS)),
        (
            "unconditionalmatch"
            | "validatebyterange"
            | "validateurlencoding"
            | "validateutf8encoding",
            _,
        ) => Want::OneOf(texts(&["x", "%zz", "\u{1}"])),
        _ => return None,
    })
}

/// A number for which a comparison holds.
fn number(name: &str, argument: &str, negated: bool) -> Option<i64> {
    let than: i64 = argument.parse().ok()?;
    Some(match (name, negated) {
        ("eq", false) | ("ge" | "le", false) => than,
        ("gt", false) | ("eq" | "le", true) => than.checked_add(1)?,
        ("lt", false) | ("ge", true) => than.checked_sub(1)?,
        ("gt" | "lt", true) => than,
        _ => return None,
    })
}

/// The transformations of a rule, in order; `t:none` begins anew.
pub(crate) fn transformations(rule: &Rule) -> Vec<String> {
    let mut names = Vec::new();
    for action in &rule.actions {
        if !action.name.eq_ignore_ascii_case("t") {
            continue;
        }
        let name = action.argument.clone().unwrap_or_default();
        match name.eq_ignore_ascii_case("none") {
            true => names.clear(),
            false => names.push(name),
        }
    }
    names
}

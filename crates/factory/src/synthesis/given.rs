//! What an exploit says besides its attack, by which a rule concerns it and not others.

use patch::document::{Condition, PlaceKind, When};

use super::endpoint;
use super::parts::Part;
use super::shape::{self, Shape};
use super::structure::widely;
use crate::Unknown;

/// Whether a request holds more than what every client sends.
pub(super) fn says_more(parts: &[Part]) -> bool {
    let usual = |part: &Part| part.place.kind == PlaceKind::Header && !is_own(part);
    !parts.iter().all(usual)
}

/// A header of the application's own.
fn is_own(part: &Part) -> bool {
    let name = part.name().unwrap_or_default().to_ascii_lowercase();
    part.place.kind == PlaceKind::Header
        && name.starts_with("x-")
        && !name.starts_with("x-forwarded")
        && name != "x-requested-with"
}

/// What else the exploit says: who asks otherwise is not concerned.
pub(super) fn of(parts: &[Part], unknowns: &[Unknown]) -> Vec<When> {
    const ENOUGH: usize = 4;
    const LONG: usize = 80;
    let all: Vec<(bool, When)> = parts
        .iter()
        .filter_map(|part| {
            let value = String::from_utf8(part.value.clone()).ok()?;
            let place = match (part.place.kind, part.name()) {
                (PlaceKind::Query | PlaceKind::Form, Some(_)) => widely(part),
                (PlaceKind::Json, Some(_)) => part.place.clone(),
                (PlaceKind::Header, _) if is_own(part) => part.place.clone(),
                _ => return None,
            };
            let chosen = endpoint::is_unknown(&value, unknowns) || value.len() > LONG;
            let (telling, condition) = match chosen || of_scanner(&value) {
                true => (true, Condition::Present),
                false => (tells(part, &value), Condition::Equals(value)),
            };
            let when = When {
                places: vec![place],
                decode: None,
                condition,
            };
            Some((telling, when))
        })
        .collect();
    // Where words say what is asked for, numbers and marks only say of which.
    let worded = all
        .iter()
        .any(|(telling, when)| *telling && matches!(when.condition, Condition::Equals(_)));
    all.into_iter()
        .filter(|(telling, _)| *telling || !worded)
        .map(|(_, when)| when)
        .take(ENOUGH)
        .collect()
}

/// Whether a value is made of words that no person wrote, is the name of an account, or asks for all.
fn tells(part: &Part, value: &str) -> bool {
    const ACCOUNTS: &[&str] = &["user", "username", "login"];
    let written = part.name().is_some_and(|name| {
        let text = matches!(shape::of(name), Shape::Text | Shape::RichText);
        text && !ACCOUNTS.contains(&name.to_ascii_lowercase().as_str())
    });
    let worded = value == "*" || value.chars().any(|letter| letter.is_ascii_alphabetic());
    worded
        && !value
            .chars()
            .any(|letter| letter.is_ascii_digit() || letter == '=')
        && !written
}

/// Whether a value says who sends it, and nothing else.
fn of_scanner(value: &str) -> bool {
    // The last of them are nobody's (RFC 2606).
    const WORDS: &[&str] = &[
        "nuclei",
        "projectdiscovery",
        "interactsh",
        "example.com",
        "example.org",
        "example.net",
    ];
    let value = value.to_ascii_lowercase();
    WORDS.iter().any(|word| value.contains(word))
}

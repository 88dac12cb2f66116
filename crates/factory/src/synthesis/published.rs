//! Credentials that were published, such as those that a maker has left in a device.

use patch::document::{Condition, Effect, PlaceKind};

use super::classes::Hints;
use super::parts::Part;
use super::structure::{self, Found};
use super::{endpoint, twins};
use crate::Step;

/// Those in a header, a cookie or a parameter.
pub(super) fn of(step: &Step, hints: &Hints, parts: &[Part], found: &mut Vec<Found>) {
    let is_pair =
        |part: &Part| part.place.kind == PlaceKind::Credentials && !part.value.starts_with(b"{");
    let opened = parts.iter().any(is_pair);
    for part in parts {
        let value = String::from_utf8_lossy(&part.value).into_owned();
        let name = part.name().unwrap_or_default();
        let secret = is_secret(part) && !(hints.silent() && is_session(part));
        if !secret || endpoint::is_unknown(&value, &step.unknowns) {
            continue;
        }
        let (place, value) = match part.place.kind {
            PlaceKind::Query | PlaceKind::Form => (structure::args(name), value),
            // The scheme's case and the spaces behind it do not count.
            PlaceKind::Credentials if !value.starts_with('{') => (part.place.clone(), value),
            PlaceKind::Header if opened && name.eq_ignore_ascii_case("authorization") => continue,
            // A cookie without a value is not one to every parser.
            PlaceKind::Cookie if value.is_empty() => (structure::header("Cookie"), name.to_owned()),
            _ => (part.place.clone(), value),
        };
        let mut twin = twins::replaced(&step.request, part, None, b"f3a9c2e17b");
        if part.place.kind == PlaceKind::Cookie {
            twin.set_header("Cookie", "session=f3a9c2e17b");
        }
        found.push(Found {
            candidate: structure::candidate(step, parts, vec![place], Condition::Equals(value)),
            effect: Some(Effect::Literal),
            twins: vec![twin],
            tier: 2,
            why: "only the published secret is stopped; change it".to_owned(),
        });
    }
}

/// What the sender of a request was given when he signed in, unless somebody says that it was
/// published.
fn is_session(part: &Part) -> bool {
    let name = part.name().unwrap_or_default().to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match part.place.kind {
        PlaceKind::Header => {
            let value = String::from_utf8_lossy(&part.value).to_ascii_lowercase();
            name == "authorization" && !value.trim_start().starts_with("basic ")
        }
        // Others were set for him as well, unless one says what he may do.
        PlaceKind::Cookie => {
            let given = holds(&["sess", "sid", "token", "auth", "csrf", "xsrf", "jwt"]);
            let pair = format!("{name}={}", String::from_utf8_lossy(&part.value));
            let rights = ["admin", "root", "role", "super", "priv", "logged"];
            let pair = pair.to_ascii_lowercase();
            !part.value.is_empty() && (given || !rights.iter().any(|word| pair.contains(word)))
        }
        _ => false,
    }
}

/// Whether a cookie of this name says how somebody likes a page.
fn is_taste(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "theme", "lang", "locale", "timezone", "currency", "country", "consent", "skin", "layout",
    ];
    name.starts_with("_ga") || WORDS.iter().any(|word| name.contains(word))
}

fn is_secret(part: &Part) -> bool {
    const HEADERS: &[&str] = &["authorization", "x-api-key", "token", "auth"];
    const PARAMETERS: &[&str] = &["pass", "pwd", "auth", "token", "secret", "key"];
    let name = part.name().unwrap_or_default().to_ascii_lowercase();
    let holds = |words: &[&str]| {
        !structure::is_form_token(&name) && words.iter().any(|word| name.contains(word))
    };
    match part.place.kind {
        PlaceKind::Cookie => part.value.is_empty() || (part.value.len() >= 4 && !is_taste(&name)),
        PlaceKind::Header => part.value.len() >= 4 && holds(HEADERS),
        PlaceKind::Credentials => !part.value.starts_with(b"{"),
        _ => part.value.len() >= 4 && holds(PARAMETERS),
    }
}

//! Addresses in attributes of a document that the application fetches (CWE-918).

use patch::document::{Condition, Effect, Place, PlaceKind};

use super::endpoint;
use super::parts::Part;
use super::structure::{self, Found};
use crate::{Origin, Step, Unknown};

/// How an address begins that leads away from the document, also with what of it is escaped.
const ADDRESS: &str =
    r#"\s*(?:(?:https?|ftps?|file|gopher|dict|ldaps?|jar|netdoc|smb|tftp|php|data):|&#|[/\\]{2})"#;

/// An attribute by which the application calls a host that records who calls it. Attributes
/// of other elements are left alone: most addresses in documents are names.
pub(super) fn of(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    let callbacks: Vec<Unknown> = step
        .unknowns
        .iter()
        .filter(|unknown| unknown.origin == Origin::Callback)
        .cloned()
        .collect();
    let called = |part: &&Part| {
        part.place.kind == PlaceKind::XmlAttributes
            && endpoint::is_unknown(&String::from_utf8_lossy(&part.value), &callbacks)
    };
    let body = String::from_utf8_lossy(&step.request.body).into_owned();
    let Some((part, (element, attribute))) = parts
        .iter()
        .filter(called)
        .find_map(|part| Some((part, names(&body, &String::from_utf8_lossy(&part.value))?)))
    else {
        return;
    };
    let pattern = format!(
        r#"(?i)<(?:[\w.-]+:)?{}\s[^>]*?\b{}\s*=\s*["']{ADDRESS}"#,
        regex::escape(element),
        regex::escape(attribute)
    );
    let place = Place {
        kind: PlaceKind::Body,
        member: None,
    };
    let candidate = structure::candidate(step, parts, vec![place], Condition::Regex(pattern));
    let twin = |value: &[u8]| super::twins::replaced(&step.request, part, None, value);
    found.push(Found {
        candidate,
        effect: Some(Effect::OwnUrlsOnly),
        twins: vec![twin(b"#part-1"), twin(b"/documents/7"), twin(b"")],
        tier: 0,
        why: format!(
            "the application fetches what `{attribute}` of `{element}` says: addresses there are stopped, also those that users may want"
        ),
    });
}

/// The names of the element and the attribute that hold a value, without the prefix of either.
fn names<'b>(body: &'b str, value: &str) -> Option<(&'b str, &'b str)> {
    let before = ['"', '\''].iter().find_map(|quote| {
        let at = body.find(&format!("={quote}{value}{quote}"))?;
        body.get(..at)
    })?;
    let local = |name: &'b str| name.rsplit(':').next().filter(|name| !name.is_empty());
    let attribute = before.rsplit(char::is_whitespace).next().and_then(local)?;
    let tag = before.get(before.rfind('<')? + 1..)?;
    let element = tag.split(char::is_whitespace).next().and_then(local)?;
    Some((element, attribute))
}

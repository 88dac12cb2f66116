//! Tokens that anybody can write, because nothing signs them (RFC 8725 section 3.1).

use patch::document::{Condition, Decode, PlaceKind, Rule};

use super::credentials;
use super::parts::Part;
use super::structure::{self, Found};
use crate::Step;

/// One in `Authorization`, a cookie or a parameter.
pub(super) fn of(step: &Step, parts: &[Part], found: &mut Vec<Found>) {
    const NONE: &str = r#"(?i)"alg"\s*:\s*"none""#;
    const SIGNED: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;
    let is_unsigned = |head: &[u8]| {
        let text = String::from_utf8_lossy(head).to_ascii_lowercase();
        let compact: String = text.split_whitespace().collect();
        compact.contains(r#""alg":"none""#)
    };
    let token = parts.iter().find_map(|part| {
        let (head, decode, twin) = match part.place.kind {
            PlaceKind::Credentials => (part.value.clone(), None, SIGNED.to_vec()),
            PlaceKind::Header => return None,
            _ => (
                credentials::head(&part.value)?,
                Some(vec![Decode::Base64]),
                credentials::signed(SIGNED),
            ),
        };
        is_unsigned(&head).then_some((part, decode, twin))
    });
    let Some((part, decode, twin)) = token else {
        return;
    };
    let condition = Condition::Regex(NONE.to_owned());
    let mut made = structure::candidate(step, parts, vec![structure::widely(part)], condition);
    if let Rule::Deny(deny) = &mut made.rule {
        deny.decode = decode;
    }
    found.push(Found {
        candidate: made,
        effect: None,
        twins: vec![super::twins::replaced(&step.request, part, None, &twin)],
        tier: 0,
        why: "tokens that nothing signs are stopped; whether a signature is right only the application knows".to_owned(),
    });
}

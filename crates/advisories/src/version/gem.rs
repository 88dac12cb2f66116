//! Ruby's `Gem::Version`: a part with letters makes a version one before the release.

use std::cmp::Ordering;

use super::{numbers, span};

pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (parts(left)?, parts(right)?);
    for place in 0..left.len().max(right.len()) {
        let (left, right) = (left.get(place), right.get(place));
        let order = part(left.copied().unwrap_or("0"), right.copied().unwrap_or("0"));
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

/// Digits and letters apart, as `1.0.b3` and `1.0.b.3` are the same. A `-` is written for `.pre.`.
fn parts(version: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for (at, piece) in version.split('-').enumerate() {
        parts.extend((at > 0).then_some("pre"));
        for mut rest in piece.split('.') {
            if rest.is_empty() {
                return None;
            }
            while !rest.is_empty() {
                let (digits, other) = span(rest, |byte| byte.is_ascii_digit());
                let (letters, after) = span(other, |byte| byte.is_ascii_alphabetic());
                if digits.is_empty() && letters.is_empty() {
                    return None;
                }
                parts.extend([digits, letters].into_iter().filter(|it| !it.is_empty()));
                rest = after;
            }
        }
    }
    Some(parts)
}

fn part(left: &str, right: &str) -> Ordering {
    let number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    match (number(left), number(right)) {
        (true, true) => numbers(left, right),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => left.cmp(right),
    }
}

//! Debian policy, 5.6.12: `[epoch:]upstream[-revision]`.

use std::cmp::Ordering;

use super::{numbers, span};

pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Parts::of(left)?, Parts::of(right)?);
    let order = numbers(left.epoch, right.epoch)
        .then_with(|| part(left.upstream, right.upstream))
        .then_with(|| part(left.revision, right.revision));
    Some(order)
}

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn of(version: &'a str) -> Option<Self> {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let number = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
        (number && !upstream.is_empty() && rest.bytes().all(known)).then_some(Self {
            epoch,
            upstream,
            revision,
        })
    }
}

/// What is no digit and what is, in turns.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = span(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = span(right, |byte| !byte.is_ascii_digit());
        let (left_number, left_rest) = span(left_rest, |byte| byte.is_ascii_digit());
        let (right_number, right_rest) = span(right_rest, |byte| byte.is_ascii_digit());
        let order = texts(left_text, right_text).then_with(|| numbers(left_number, right_number));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// Letters before all else, and `~` before everything, even the end.
fn texts(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    };
    let (mut left, mut right) = (left.bytes(), right.bytes());
    loop {
        let pair = (left.next(), right.next());
        let order = weight(pair.0).cmp(&weight(pair.1));
        if order.is_ne() || pair == (None, None) {
            return order;
        }
    }
}

//! Versions of which no order is published, as of firmware: numbers by value, words by letters,
//! and more parts are newer. `15.2(4)M3` is `15`, `2`, `4`, `M`, `3`.

use std::cmp::Ordering;

use super::{numbers, span};

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let skip = |text| span(text, |byte: u8| !byte.is_ascii_alphanumeric()).1;
    let (mut left, mut right) = (begin(skip(left)), begin(skip(right)));
    while !left.is_empty() && !right.is_empty() {
        let (left_digits, left_rest) = span(left, |byte| byte.is_ascii_digit());
        let (right_digits, right_rest) = span(right, |byte| byte.is_ascii_digit());
        let (order, rest) = match (left_digits.is_empty(), right_digits.is_empty()) {
            (false, false) => (numbers(left_digits, right_digits), (left_rest, right_rest)),
            (true, true) => {
                let (left_word, left_rest) = span(left, |byte| byte.is_ascii_alphabetic());
                let (right_word, right_rest) = span(right, |byte| byte.is_ascii_alphabetic());
                let left_word = left_word.to_ascii_lowercase();
                let order = left_word.cmp(&right_word.to_ascii_lowercase());
                (order, (left_rest, right_rest))
            }
            // A number is newer than a word: `1.0.1` than `1.0.rc`.
            (left_is_word, _) => match left_is_word {
                true => return Ordering::Less,
                false => return Ordering::Greater,
            },
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (skip(rest.0), skip(rest.1));
    }
    // What is longer by zeros alone is no newer.
    let more = |text: &str| {
        text.bytes()
            .any(|byte| byte != b'0' && byte.is_ascii_alphanumeric())
    };
    more(left).cmp(&more(right))
}

fn begin(version: &str) -> &str {
    match version.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|letter: char| letter.is_ascii_digit()) => rest,
        _ => version,
    }
}

//! apk-tools' `version.c`: `1.2.3a_rc1_p2-r5`.

use std::cmp::Ordering;

use super::{numbers, span};

/// In their order; what has none stands where 0 is.
const SUFFIXES: [(&str, i8); 9] = [
    ("alpha", -4),
    ("beta", -3),
    ("pre", -2),
    ("rc", -1),
    ("cvs", 1),
    ("svn", 2),
    ("git", 3),
    ("hg", 4),
    ("p", 5),
];

pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Parts::of(left)?, Parts::of(right)?);
    let order = release(&left.numbers, &right.numbers)
        .then_with(|| left.letter.cmp(&right.letter))
        .then_with(|| suffixes(&left.suffixes, &right.suffixes))
        .then_with(|| numbers(left.revision, right.revision));
    Some(order)
}

struct Parts<'a> {
    numbers: Vec<&'a str>,
    letter: Option<u8>,
    suffixes: Vec<(i8, &'a str)>,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn of(version: &'a str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (version, revision) = version.rsplit_once("-r").unwrap_or((version, ""));
        let (version, _hash) = version.split_once('~').unwrap_or((version, ""));
        let mut pieces = version.split('_');
        let release = pieces.next()?;
        let last = release.bytes().next_back()?;
        let letter = last.is_ascii_lowercase().then_some(last);
        let release = release
            .strip_suffix(|it: char| it.is_ascii_lowercase())
            .unwrap_or(release);
        let numbers: Vec<&str> = release.split('.').collect();
        let suffixes = pieces.map(|piece| {
            let (name, number) = span(piece, |byte| byte.is_ascii_lowercase());
            let known = SUFFIXES.iter().find(|(known, _)| *known == name)?;
            digits(number).then_some((known.1, number))
        });
        let whole = numbers.iter().all(|it| !it.is_empty() && digits(it)) && digits(revision);
        whole.then_some(())?;
        Some(Self {
            numbers,
            letter,
            suffixes: suffixes.collect::<Option<_>>()?,
            revision,
        })
    }
}

/// The first by value; a later one that begins with a zero in either version is a fraction.
fn release(left: &[&str], right: &[&str]) -> Ordering {
    for (place, (left, right)) in left.iter().zip(right).enumerate() {
        let fraction = place > 0 && (left.starts_with('0') || right.starts_with('0'));
        let order = match fraction {
            true => left.cmp(right),
            false => numbers(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

fn suffixes(left: &[(i8, &str)], right: &[(i8, &str)]) -> Ordering {
    for place in 0..left.len().max(right.len()) {
        let (left, right) = (left.get(place), right.get(place));
        let (left, right) = (left.unwrap_or(&(0, "")), right.unwrap_or(&(0, "")));
        let order = left.0.cmp(&right.0).then_with(|| numbers(left.1, right.1));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

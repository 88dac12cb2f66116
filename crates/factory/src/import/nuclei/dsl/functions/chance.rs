//! Functions that give something else each time.

use super::{Function, Random, Value, at, function, length, whole};
use crate::Origin;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BOTH: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// A day in 2026: what is imported twice is the same twice.
const NOW: i64 = 1_790_000_000;

pub(super) const ALL: &[Function] = &[
    function(
        "rand_base",
        "so many of these characters",
        1..=2,
        |a, random| letters(a, random, BOTH),
    ),
    function(
        "rand_text_alpha",
        "so many letters, without these",
        1..=2,
        |a, random| without(a, random, LETTERS),
    ),
    function(
        "rand_text_alphanumeric",
        "so many letters and digits, without these",
        1..=2,
        |a, random| without(a, random, BOTH),
    ),
    function(
        "rand_text_numeric",
        "so many digits, without these",
        1..=2,
        |a, random| without(a, random, b"123456789"),
    ),
    function(
        "rand_char",
        "one of these characters",
        0..=1,
        |a, random| {
            let alphabet = if at(a, 0).is_empty() { BOTH } else { at(a, 0) };
            Ok(random_value(random.letters(1, alphabet)))
        },
    ),
    function(
        "rand_int",
        "a whole number, from and to",
        0..=2,
        |a, random| {
            let low = if a.is_empty() { 0 } else { whole(a, 0)? };
            let high = if a.len() > 1 {
                whole(a, 1)?
            } else {
                i64::from(i32::MAX)
            };
            let number = random.between(low, high) as f64;
            Ok(Value::of_number(number).from(Some(Origin::Random)))
        },
    ),
    function("rand_ip", "an address", 0..=4, |_, random| {
        // Of a network that documentation uses (RFC 5737).
        Ok(random_value(format!(
            "198.51.100.{}",
            random.between(1, 254)
        )))
    }),
    function("unix_time", "seconds since 1970", 0..=1, |a, _| {
        let more = if a.is_empty() { 0 } else { whole(a, 0)? };
        Ok(Value::of_number((NOW + more) as f64).from(Some(Origin::Random)))
    }),
    function("to_unix_time", "seconds since 1970", 1..=2, |_, _| {
        Ok(Value::of_number(NOW as f64).from(Some(Origin::Random)))
    }),
    function("date_time", "a day", 1..=2, |_, _| {
        Ok(random_value("2026-09-21"))
    }),
    function(
        "public_ip",
        "the address of whoever scans",
        0..=0,
        |_, random| {
            Ok(random_value(format!(
                "203.0.113.{}",
                random.between(1, 254)
            )))
        },
    ),
    function(
        "jarm",
        "so many digits as the fingerprint has; no connection is opened here",
        1..=1,
        |_, random| {
            let digits = random.letters(62, b"0123456789abcdef");
            Ok(Value::bytes(digits).from(Some(Origin::Target)))
        },
    ),
    function(
        "llm_prompt",
        "a word; nobody is asked here",
        1..=2,
        |_, random| Ok(random_value(random.letters(9, LETTERS))),
    ),
    function("resolve", "an address", 1..=2, |_, random| {
        let origin = Some(Origin::Target);
        Ok(Value::bytes(format!("198.51.100.{}", random.between(1, 254))).from(origin))
    }),
];

fn letters(arguments: &[Value], random: &mut Random, usual: &[u8]) -> Result<Value, String> {
    let given = at(arguments, 1).trim_ascii();
    let alphabet = if given.is_empty() { usual } else { given };
    Ok(random_value(
        random.letters(length(arguments, 0)?, alphabet),
    ))
}

fn without(arguments: &[Value], random: &mut Random, usual: &[u8]) -> Result<Value, String> {
    let mut alphabet = usual.to_vec();
    alphabet.retain(|letter| !at(arguments, 1).contains(letter));
    Ok(random_value(
        random.letters(length(arguments, 0)?, &alphabet),
    ))
}

fn random_value(bytes: impl Into<Vec<u8>>) -> Value {
    Value::bytes(bytes).from(Some(Origin::Random))
}

//! Helper functions: one line a function, in the file of its kind.

mod asks;
mod bytes;
mod chance;
mod hash;
mod lists;
mod text;

use super::{Random, Value};

/// A helper function.
pub(super) struct Function {
    /// As written, without the underscores that may be left out.
    name: &'static str,
    /// What it gives, for people.
    summary: &'static str,
    /// How many arguments it takes.
    takes: std::ops::RangeInclusive<usize>,
    run: fn(&[Value], &mut Random) -> Result<Value, String>,
}

/// Bytes of one value at most.
const VALUE_BYTES: usize = 256 * 1024;
/// Bytes that what is put in the place of one match could come to, at worst.
const REPLACED_BYTES: usize = 16 * 1024 * 1024;
/// Any number of arguments; more than an expression holds.
const MANY: usize = 64;

fn all() -> impl Iterator<Item = &'static Function> {
    [
        bytes::ALL,
        chance::ALL,
        hash::ALL,
        text::ALL,
        lists::ALL,
        asks::ALL,
    ]
    .into_iter()
    .flatten()
}

/// Every function and what it gives, for the reference page.
pub(in super::super) fn reference() -> impl Iterator<Item = (&'static str, &'static str)> {
    all().map(|function| (function.name, function.summary))
}

/// A function by its name; underscores and capitals do not count.
pub(super) fn find(name: &str) -> Result<&'static Function, String> {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    all()
        .find(|function| plain(function.name) == wanted)
        .ok_or_else(|| format!("the helper function `{name}` is not known"))
}

/// The value of a call. What is made of chance is chance.
pub(super) fn call(
    function: &Function,
    arguments: &[Value],
    random: &mut Random,
) -> Result<Value, String> {
    if !function.takes.contains(&arguments.len()) {
        return Err(format!(
            "`{}` does not take {} arguments",
            function.name,
            arguments.len()
        ));
    }
    let origin = arguments.iter().find_map(|argument| argument.origin);
    let value = match ((function.run)(arguments, random), origin) {
        (Ok(value), _) => value,
        // What an earlier answer gives may well be decoded, what stands for it here may not.
        (Err(_), Some(_)) => Value::bytes(random.letters(9, b"bcdfghjklmnpqrstvwxz")),
        (Err(why), None) => return Err(format!("`{}`: {why}", function.name)),
    };
    if value.bytes.len() > VALUE_BYTES {
        return Err(format!(
            "`{}` gives more than {VALUE_BYTES} bytes",
            function.name
        ));
    }
    Ok(value.from(origin))
}

const fn function(
    name: &'static str,
    summary: &'static str,
    takes: std::ops::RangeInclusive<usize>,
    run: fn(&[Value], &mut Random) -> Result<Value, String>,
) -> Function {
    Function {
        name,
        summary,
        takes,
        run,
    }
}

/// The bytes of an argument; none where it is left out.
fn at(arguments: &[Value], number: usize) -> &[u8] {
    arguments
        .get(number)
        .map_or(&[], |value| value.bytes.as_slice())
}

/// An argument as a whole number.
fn whole(arguments: &[Value], number: usize) -> Result<i64, String> {
    let value = arguments.get(number).and_then(Value::number);
    let value = value.ok_or_else(|| format!("argument {} is no number", number + 1))?;
    match value.abs() < 1e15 {
        true => Ok(value as i64),
        false => Err(format!("argument {} is too large", number + 1)),
    }
}

/// An argument as a length that a value may have.
fn length(arguments: &[Value], number: usize) -> Result<usize, String> {
    let value = whole(arguments, number)?;
    usize::try_from(value)
        .ok()
        .filter(|length| *length <= VALUE_BYTES)
        .ok_or_else(|| format!("argument {} is 0 to {VALUE_BYTES}", number + 1))
}

#[expect(clippy::unnecessary_wraps, reason = "what every function gives")]
fn bytes(bytes: impl Into<Vec<u8>>) -> Result<Value, String> {
    Ok(Value::bytes(bytes))
}

/// A regular expression of a template's.
pub(in crate::import::nuclei) fn expression(pattern: &[u8]) -> Result<regex::bytes::Regex, String> {
    regex::bytes::RegexBuilder::new(&String::from_utf8_lossy(pattern))
        .size_limit(1024 * 1024)
        .build()
        .map_err(|error| error.to_string())
}

/// With every match replaced by a text, which may name the match's groups.
///
/// # Errors
/// It gives more than a value holds.
pub(in crate::import::nuclei) fn with_matches_replaced(
    regex: &regex::bytes::Regex,
    text: &[u8],
    by: &[u8],
) -> Result<Vec<u8>, String> {
    let names = by.iter().filter(|byte| **byte == b'$').count();
    let (mut made, mut from) = (Vec::new(), 0);
    for groups in regex.captures_iter(text) {
        let Some(whole) = groups.get(0) else { continue };
        made.extend_from_slice(text.get(from..whole.start()).unwrap_or_default());
        from = whole.end();
        // No group is longer than its match.
        let most = names.saturating_mul(whole.len()).saturating_add(by.len());
        if most > REPLACED_BYTES {
            return Err(format!("more than {REPLACED_BYTES} bytes"));
        }
        groups.expand(by, &mut made);
        if made.len() > VALUE_BYTES {
            return Err(format!("more than {VALUE_BYTES} bytes"));
        }
    }
    made.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok(made)
}

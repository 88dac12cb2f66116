//! What a condition of a flow comes to, where that is known without a run.

use std::collections::BTreeMap;
use std::ops::Range;

use super::code::{quoted, words};
use super::{literal, until};

/// Conditions within each other that are looked at.
const DEPTH: usize = 16;

/// What names stand for, those alone that never change.
pub(super) type Constants = BTreeMap<String, String>;

/// Whether it holds; none where only a run would tell.
pub(super) fn holds(text: &str, constants: &Constants) -> Option<bool> {
    within(text, constants, DEPTH)
}

fn within(text: &str, constants: &Constants, depth: usize) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let text = text.trim();
    for (sign, decides) in [("||", true), ("&&", false)] {
        let parts = parted(text, sign);
        if parts.len() > 1 {
            let parts = parts.iter().map(|part| within(part, constants, depth));
            let all: Vec<Option<bool>> = parts.collect();
            return match all.contains(&Some(decides)) {
                true => Some(decides),
                false => all
                    .iter()
                    .all(|part| *part == Some(!decides))
                    .then_some(!decides),
            };
        }
    }
    for (sign, equal) in [("!==", false), ("===", true), ("!=", false), ("==", true)] {
        if let [left, right] = parted(text, sign)[..] {
            let (left, right) = (constant(left, constants)?, constant(right, constants)?);
            return Some((left == right) == equal);
        }
    }
    if let Some(negated) = text.strip_prefix('!') {
        return within(negated, constants, depth).map(|holds| !holds);
    }
    if let Some(inner) = text.strip_prefix('(')
        && let held = until(inner, &[])
        && inner.len() == held.len() + 1
    {
        return within(held, constants, depth);
    }
    let value = constant(text, constants)?;
    Some(!["", "false", "0", "null", "undefined"].contains(&value.as_str()))
}

/// A text or number as it stands, or what a name stands for.
fn constant(text: &str, constants: &Constants) -> Option<String> {
    let text = text.trim();
    let is_plain = ["true", "false", "null", "undefined"].contains(&text)
        || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match is_plain {
        true => Some(text.to_owned()),
        false => literal(text).or_else(|| constants.get(&super::of_template(text)).cloned()),
    }
}

/// What a sign parts that stands in no quotes and no brackets.
fn parted<'t>(text: &'t str, sign: &str) -> Vec<&'t str> {
    let first = sign.as_bytes().get(..1).unwrap_or_default();
    let (mut parts, mut start, mut from) = (Vec::new(), 0, 0);
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let at = from + until(rest, first).len();
        match text.get(at..).filter(|tail| !tail.is_empty()) {
            Some(tail) if tail.starts_with(sign) => {
                parts.push(text.get(start..at).unwrap_or_default());
                (start, from) = (at + sign.len(), at + sign.len());
            }
            // Another sign that begins alike, or what closes more than was opened.
            Some(tail) => from = at + tail.chars().next().map_or(1, char::len_utf8),
            None => {
                parts.push(text.get(start..).unwrap_or_default());
                return parts;
            }
        }
    }
}

/// Where a flow gives something to names.
pub(super) struct Changes<'t> {
    text: &'t str,
    /// The brackets that something is given to, `[a, b] = …` and `({a} = …)`, in their order.
    patterns: Vec<Range<usize>>,
}

impl<'t> Changes<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let (mut open, mut patterns) = (Vec::new(), Vec::<Range<usize>>::new());
        let mut at = 0;
        while let Some(rest) = text.get(at..)
            && let Some(letter) = rest.chars().next()
        {
            match letter {
                '[' | '{' => open.push(at),
                ']' | '}' => {
                    let start = open.pop().unwrap_or(at);
                    if is_given(rest.get(1..).unwrap_or_default()) {
                        // What it holds is within it.
                        while patterns.last().is_some_and(|inner| inner.start >= start) {
                            patterns.pop();
                        }
                        patterns.push(start..at);
                    }
                }
                _ => {}
            }
            at += match letter {
                '"' | '\'' | '`' => quoted(rest),
                other => other.len_utf8(),
            };
        }
        Self { text, patterns }
    }

    /// How often something is given to a name, its declaration included.
    pub(super) fn times(&self, name: &str) -> usize {
        let mut given = 0;
        for at in words(self.text, name) {
            let before = self.text.get(..at).unwrap_or_default().trim_end();
            let after = self.text.get(at + name.len()..).unwrap_or_default();
            let steps = ["++", "--"]
                .iter()
                .any(|step| after.trim_start().starts_with(step) || before.ends_with(step));
            let next = self.patterns.partition_point(|pattern| pattern.end < at);
            let taken = self.patterns.get(next);
            let taken = taken.is_some_and(|pattern| pattern.contains(&at));
            given += usize::from(is_given(after) || taken) + usize::from(steps) * 2;
        }
        given
    }
}

/// Whether what stands before this is given something.
fn is_given(after: &str) -> bool {
    const SIGNS: &[u8] = b"=+-*/%|&^?<>!";
    let after = after.trim_start();
    let signs = after.bytes().take_while(|byte| SIGNS.contains(byte));
    let (signs, _) = after.split_at(signs.count());
    let compares = ["==", "===", "!=", "!==", "<=", ">="].contains(&signs);
    signs.ends_with('=') && !compares || after.starts_with("of ") || after.starts_with("in ")
}

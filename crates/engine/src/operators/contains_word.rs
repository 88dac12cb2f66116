//! `@containsWord`

use super::{Build, Hit, Spec};

/// `@containsWord`
pub(super) const SPEC: Spec = Spec {
    name: "containsWord",
    summary: "the value contains the argument, with no ASCII letter beside it; an empty one always",
    argument: "text",
    example: "@containsWord select",
    build: Build::Containing(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| input.get(at))
            .is_some_and(u8::is_ascii_alphabetic)
    };
    let stands_alone = |start: &usize| {
        !is_letter(start.checked_sub(1)) && !is_letter(start.checked_add(argument.len()))
    };
    let found = if argument.is_empty() {
        Some(0)
    } else {
        occurrences(argument, input).find(stands_alone)
    };
    hit.span = found.map(|start| start..start + argument.len());
    found.is_some()
}

/// Where the argument begins in the input, overlapping too, in linear time
/// (Knuth, Morris and Pratt): both may come from a request.
fn occurrences<'a>(argument: &'a [u8], input: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let absent = memchr::memmem::find(input, argument).is_none();
    let input = if absent { &[] } else { input };
    let borders = if absent {
        Vec::new()
    } else {
        borders(argument)
    };
    let empty = (argument.is_empty() && !absent).then_some(0);
    let mut matched = 0;
    let later = input.iter().enumerate().filter_map(move |(at, &byte)| {
        matched = extend(argument, &borders, matched, byte);
        (matched == argument.len() && matched > 0).then(|| at + 1 - matched)
    });
    empty.into_iter().chain(later)
}

/// For each prefix of the argument, the length of the longest text that is
/// both its beginning and its end, and not the whole.
fn borders(argument: &[u8]) -> Vec<usize> {
    let mut borders = Vec::with_capacity(argument.len());
    let mut matched = 0;
    for (at, &byte) in argument.iter().enumerate() {
        if at > 0 {
            matched = extend(argument, &borders, matched, byte);
        }
        borders.push(matched);
    }
    borders
}

/// How much of the argument matches after one more byte.
fn extend(argument: &[u8], borders: &[usize], mut matched: usize, byte: u8) -> usize {
    while argument.get(matched) != Some(&byte) {
        let Some(shorter) = matched.checked_sub(1).and_then(|last| borders.get(last)) else {
            return 0;
        };
        matched = *shorter;
    }
    matched + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_beside_it_make_it_another_word() {
        for (argument, input, span) in [
            ("or", "1 or 1", Some(2..4)),
            ("or", "for or", Some(4..6)),
            ("or", "or1", Some(0..2)),
            ("or", "for", None),
            ("", "abc", Some(0..0)),
            ("abc", "", None),
            ("-1-", "b-1-1-", Some(3..6)),
            ("aa", "aaa", None),
        ] {
            let mut hit = Hit::default();
            let found = matches(argument.as_bytes(), input.as_bytes(), &mut hit);
            assert_eq!(
                (found, hit.span),
                (span.is_some(), span),
                "{argument:?}, {input:?}"
            );
        }
    }
}

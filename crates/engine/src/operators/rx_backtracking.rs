//! Regular expressions with look-around and back-references, for `@rx`.
//!
//! They run by backtracking, within [`Limits::regex_backtracks`](crate::Limits::regex_backtracks).

use fancy_regex::{BytesMode, Regex, RegexBuilder};

use super::{Arguments, Hit, Operator};

#[derive(Debug)]
struct Backtracking {
    regex: Regex,
}

/// None if the expression needs no backtracking, or does not compile either way.
pub(super) fn build(arguments: &Arguments<'_>) -> Option<Box<dyn Operator>> {
    const NEEDS: &[&str] = &["(?=", "(?!", "(?<=", "(?<!", "(?>"];
    let pattern = arguments.text;
    let refers = pattern
        .as_bytes()
        .windows(2)
        .any(|pair| matches!(pair, [b'\\', b'1'..=b'9' | b'k' | b'g']));
    if !refers && !NEEDS.iter().any(|needed| pattern.contains(needed)) {
        return None;
    }
    let regex = RegexBuilder::new(&super::pcre::translate(pattern))
        .bytes_mode(BytesMode::Ascii)
        .dot_matches_new_line(true)
        .multi_line(true)
        .backtrack_limit(arguments.limits.regex_backtracks)
        .delegate_size_limit(arguments.limits.regex_program_bytes)
        .delegate_dfa_size_limit(arguments.limits.regex_cache_bytes)
        .build()
        .ok()?;
    Some(Box::new(Backtracking { regex }))
}

impl Operator for Backtracking {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let captures = match self.regex.captures(input) {
            Ok(Some(captures)) => captures,
            Ok(None) => return false,
            Err(_) => {
                hit.exceeded = true;
                return false;
            }
        };
        for (group, slot) in hit.captures.iter_mut().enumerate() {
            *slot = captures.get(group).map(|found| found.start()..found.end());
        }
        hit.span = hit.captures.first().cloned().flatten();
        true
    }

    fn is_linear(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;

    #[test]
    fn what_needs_backtracking_is_matched_on_bytes() {
        for (pattern, matching, other) in [
            (r"foo(?!bar)", b"foob".as_slice(), b"foobar".as_slice()),
            (r"(?<!&amp);", b"a;", b"&amp;"),
            (r"^(a+)-\1$", b"aa-aa", b"aa-a"),
            (r"(?=\xff)..", b"\xff\x00", b"\x00"),
        ] {
            let (found, hit) = operator("rx", pattern, matching);
            assert!(found && hit.span.is_some(), "{pattern}");
            assert!(!operator("rx", pattern, other).0, "{pattern}");
        }
    }

    #[test]
    fn an_expression_that_goes_back_too_often_is_stopped_and_says_so() {
        let input = b"a".repeat(200);
        let (found, hit) = operator("rx", r"(a+)(a+)(a+)(a+)\1\2\3\4b", &input);
        assert!(!found && hit.exceeded);
    }
}

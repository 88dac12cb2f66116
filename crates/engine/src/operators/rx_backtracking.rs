//! Regular expressions with look-around and back-references, for `@rx` and `@rxGlobal`.
//!
//! They run by backtracking, within [`Limits::regex_backtracks`](crate::Limits::regex_backtracks).

use fancy_regex::{BytesMode, Regex, RegexBuilder};

use super::{Arguments, Hit, Operator};

#[derive(Debug)]
struct Backtracking {
    regex: Regex,
    /// How many matches are looked at.
    matches: usize,
}

/// None if the expression needs no backtracking, or does not compile either way.
/// Up to so many matches of a value are looked at; the later ones capture over the earlier.
pub(super) fn build(arguments: &Arguments<'_>, matches: usize) -> Option<Box<dyn Operator>> {
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
    Some(Box::new(Backtracking { regex, matches }))
}

impl Operator for Backtracking {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        for captures in self.regex.captures_iter(input).take(self.matches) {
            let Ok(captures) = captures else {
                hit.exceeded = true;
                break;
            };
            let range = |group| captures.get(group).map(|found| found.start()..found.end());
            // An empty match after others says nothing.
            if hit.span.is_some() && range(0).is_some_and(|span| span.is_empty()) {
                continue;
            }
            hit.span = hit.span.take().or(range(0));
            for (group, slot) in hit.captures.iter_mut().enumerate() {
                if let Some(range) = range(group) {
                    *slot = Some(range);
                }
            }
        }
        hit.span.is_some()
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

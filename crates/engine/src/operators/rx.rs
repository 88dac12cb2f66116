//! `@rx`

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use super::regex;
use super::{Arguments, Build, Hit, Operator, Spec, rx_backtracking};
use crate::need::Need;

/// `@rx`
pub(super) const SPEC: Spec = Spec {
    name: "rx",
    summary: "the value matches the regular expression, anywhere",
    argument: "a regular expression; with look-around or back-references it is not linear, and bounded",
    example: "@rx (?i)union\\s+select",
    build: Build::Compiled(build),
};

#[derive(Debug)]
struct Rx {
    regex: regex::Regex,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    match regex::Regex::new(arguments) {
        Ok(regex) => Ok(Box::new(Rx { regex })),
        Err(why) => rx_backtracking::build(arguments, 1).ok_or(why),
    }
}

impl Operator for Rx {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        self.regex.ask(hit, |regex, hit| matches(regex, input, hit))
    }

    fn start(&self) -> Option<(&[u8], bool)> {
        self.regex.start()
    }

    fn has_groups(&self) -> bool {
        self.regex.has_groups()
    }

    fn need(&self) -> Need {
        self.regex.need()
    }
}

/// Where an expression matches, as far as that is asked.
pub(super) fn matches(regex: &Regex, input: &[u8], hit: &mut Hit) -> bool {
    if !hit.wants_span {
        return regex.is_match(input);
    }
    let Some(found) = regex.find(input) else {
        return false;
    };
    hit.span = Some(found.range());
    if !hit.wants_groups {
        return true;
    }
    if regex.captures_len() == 1 {
        hit.captures[0] = hit.span.clone();
        return true;
    }
    // Where the match is, is known; to find groups takes longer.
    let there = Input::new(input)
        .range(found.range())
        .anchored(Anchored::Yes);
    let mut captures = regex.create_captures();
    regex.search_captures(&there, &mut captures);
    for (group, slot) in hit.captures.iter_mut().enumerate() {
        *slot = captures.get_group(group).map(|span| span.range());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;

    #[test]
    fn groups_are_those_of_the_first_match_with_what_surrounds_it() {
        for (pattern, input, groups) in [
            ("b+", "abbc", vec![Some(1..3)]),
            (
                r"\b(c)(d)?(?:e|ef)\b",
                "xce ce",
                vec![Some(4..6), Some(4..5), None],
            ),
            (
                "(a|ab)(c|bcd)(d*)",
                "abcd",
                vec![Some(0..4), Some(0..1), Some(1..4), Some(4..4)],
            ),
            ("(?m)^(b)$", "a\nb\nc", vec![Some(2..3), Some(2..3)]),
            ("(x*)", "ax", vec![Some(0..0), Some(0..0)]),
        ] {
            let (found, hit) = operator("rx", pattern, input.as_bytes());
            assert!(found, "{pattern}");
            assert_eq!(hit.span, groups[0], "{pattern}");
            assert_eq!(hit.captures[..groups.len()], groups, "{pattern}");
        }
    }
}

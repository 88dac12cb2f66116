//! `@rxGlobal`

use regex_automata::meta::Regex;

use super::regex;
use super::{Arguments, Build, Hit, Operator, Spec};
use crate::need::Need;

/// `@rxGlobal`
pub(super) const SPEC: Spec = Spec {
    name: "rxGlobal",
    summary: "as @rx; every match captures, the later over the earlier",
    argument: "as @rx",
    example: "@rxGlobal id=(\\d+)",
    build: Build::Compiled(build),
};

/// A search may look at the rest of the value for each match, so their number is bounded.
const MATCHES: usize = 1000;

#[derive(Debug)]
struct RxGlobal {
    regex: regex::Regex,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    match regex::Regex::new(arguments) {
        Ok(regex) => Ok(Box::new(RxGlobal { regex })),
        Err(why) => super::rx_backtracking::build(arguments, MATCHES).ok_or(why),
    }
}

impl Operator for RxGlobal {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        self.regex.ask(hit, |regex, hit| matches(regex, input, hit))
    }

    fn need(&self) -> Need {
        self.regex.need()
    }
}

fn matches(regex: &Regex, input: &[u8], hit: &mut Hit) -> bool {
    if !regex.is_match(input) {
        return false;
    }
    for captures in regex.captures_iter(input).take(MATCHES) {
        // An empty match after others says nothing.
        if captures.get_group(0).is_some_and(|span| span.is_empty()) && hit.span.is_some() {
            continue;
        }
        hit.span = hit
            .span
            .take()
            .or(captures.get_group(0).map(|span| span.range()));
        for (group, slot) in hit.captures.iter_mut().enumerate() {
            if let Some(span) = captures.get_group(group) {
                *slot = Some(span.range());
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::tests::operator;

    #[test]
    fn the_last_match_captures_and_the_first_is_the_span() {
        let (found, hit) = operator("rxGlobal", "id=([0-9]*)(x)?", b"id=1x id=23");
        assert!(found);
        assert_eq!(hit.span, Some(0..5));
        assert_eq!(hit.captures[0], Some(6..11));
        assert_eq!(hit.captures[1], Some(9..11));
        assert_eq!(hit.captures[2], Some(4..5));
        assert!(!operator("rxGlobal", "id=", b"none").0);
        assert!(operator("rxGlobal", "", b"any").0);
    }
}

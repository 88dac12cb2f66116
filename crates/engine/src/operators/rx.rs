//! `@rx`

use super::regex::Regex;
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
    regex: Regex,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    match Regex::new(arguments) {
        Ok(regex) => Ok(Box::new(Rx { regex })),
        Err(why) => rx_backtracking::build(arguments, 1).ok_or(why),
    }
}

impl Operator for Rx {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        let Some(regex) = self.regex.get() else {
            return true;
        };
        if !hit.wants_span {
            return regex.is_match(input);
        }
        if !hit.wants_groups {
            hit.span = regex.find(input).map(|found| found.range());
            return hit.span.is_some();
        }
        if !regex.is_match(input) {
            return false;
        }
        let mut captures = regex.create_captures();
        regex.captures(input, &mut captures);
        hit.span = captures.get_group(0).map(|span| span.range());
        for (group, slot) in hit.captures.iter_mut().enumerate() {
            *slot = captures.get_group(group).map(|span| span.range());
        }
        true
    }

    fn start(&self) -> Option<(&[u8], bool)> {
        self.regex.start()
    }

    fn need(&self) -> Need {
        self.regex.need()
    }
}

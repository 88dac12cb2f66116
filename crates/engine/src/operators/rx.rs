//! `@rx`

use regex_automata::Input;
use regex_automata::meta::Regex;

use super::{Arguments, Build, Hit, Operator, Spec};
use crate::need::{self, Need};

/// `@rx`
pub(super) const SPEC: Spec = Spec {
    name: "rx",
    summary: "the value matches the regular expression, anywhere",
    argument: "a regular expression without look-around and back-references",
    example: "@rx (?i)union\\s+select",
    build: Build::Compiled(build),
};

#[derive(Debug)]
struct Rx {
    regex: Regex,
    need: Need,
}

fn build(arguments: &Arguments<'_>) -> Result<Box<dyn Operator>, String> {
    let (regex, need) = compile(arguments)?;
    Ok(Box::new(Rx { regex, need }))
}

/// Bytes, not characters; `.` matches line ends and `^`, `$` match at them, as in ModSecurity.
pub(super) fn compile(arguments: &Arguments<'_>) -> Result<(Regex, Need), String> {
    let fail = |error: &dyn std::error::Error| match error.source() {
        Some(source) => format!("this regular expression does not compile: {source}"),
        None => format!("this regular expression does not compile: {error}"),
    };
    let tree = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(true)
        .build()
        .parse(&super::pcre::translate(arguments.text))
        .map_err(|error| fail(&error))?;
    let config = Regex::config()
        .utf8_empty(false)
        .nfa_size_limit(Some(arguments.limits.regex_program_bytes))
        .hybrid_cache_capacity(arguments.limits.regex_cache_bytes);
    let regex = Regex::builder()
        .configure(config)
        .build_from_hir(&tree)
        .map_err(|error| fail(&error))?;
    Ok((regex, need::regex::need(&tree)))
}

impl Operator for Rx {
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool {
        if !self.regex.is_match(input) {
            return false;
        }
        let mut captures = self.regex.create_captures();
        self.regex.captures(Input::new(input), &mut captures);
        hit.span = captures.get_group(0).map(|span| span.range());
        for (group, slot) in hit.captures.iter_mut().enumerate() {
            *slot = captures.get_group(group).map(|span| span.range());
        }
        true
    }

    fn need(&self) -> Need {
        self.need.clone()
    }
}

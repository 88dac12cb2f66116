//! `@rx`

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::{Arguments, Build, Hit, Operator, Spec, rx_backtracking};

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
    match compile(arguments) {
        Ok(regex) => Ok(Box::new(Rx { regex })),
        Err(why) => rx_backtracking::build(arguments, 1).ok_or(why),
    }
}

/// Bytes, not characters; `.` matches line ends and `^`, `$` match at them, as in ModSecurity.
pub(super) fn compile(arguments: &Arguments<'_>) -> Result<Regex, String> {
    let syntax = syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(true);
    let config = Regex::config()
        .utf8_empty(false)
        .nfa_size_limit(Some(arguments.limits.regex_program_bytes))
        .hybrid_cache_capacity(arguments.limits.regex_cache_bytes);
    Regex::builder()
        .syntax(syntax)
        .configure(config)
        .build(&super::pcre::translate(arguments.text))
        .map_err(|error| match std::error::Error::source(&error) {
            Some(source) => format!("this regular expression does not compile: {source}"),
            None => format!("this regular expression does not compile: {error}"),
        })
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
}

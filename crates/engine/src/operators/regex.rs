//! Regular expressions, compiled when they are first asked.
//!
//! Most expressions of a large rule set are never asked, since no value meets
//! their need. Their syntax and size are checked at load all the same, so
//! nothing about them can be wrong later.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_syntax::hir::{Hir, HirKind};

use super::Arguments;
use crate::need::{self, Need};

/// An expression, on bytes.
#[derive(Debug)]
pub(super) struct Regex {
    pattern: Box<str>,
    cache_bytes: usize,
    compiled: OnceLock<Option<meta::Regex>>,
}

impl Regex {
    /// Reads the operator's argument as PCRE does.
    pub(super) fn new(arguments: &Arguments<'_>) -> Result<Self, String> {
        let pattern = super::pcre::translate(arguments.text);
        let tree = parse(&pattern)
            .map_err(|error| format!("this regular expression does not compile: {error}"))?;
        let (bytes, limit) = (size(&tree), arguments.limits.regex_program_bytes);
        if bytes > limit {
            return Err(format!(
                "this regular expression would take about {bytes} bytes, more than the {limit} allowed; use fewer or smaller counts"
            ));
        }
        Ok(Self {
            pattern: pattern.into(),
            cache_bytes: arguments.limits.regex_cache_bytes,
            compiled: OnceLock::new(),
        })
    }

    /// What every match holds.
    pub(super) fn need(&self) -> Need {
        parse(&self.pattern).map_or_else(|_| Need::nothing(), |tree| need::regex::need(&tree))
    }

    /// The compiled expression. None if it does not compile after all: then it
    /// must be taken to match, so that nothing passes unseen.
    pub(super) fn get(&self) -> Option<&meta::Regex> {
        let compile = || {
            let config = meta::Config::new()
                .utf8_empty(false)
                .nfa_size_limit(None)
                // PERF: needs have told already whether its texts are there; finding
                // them anew doubled the time to load the core rule set.
                .auto_prefilter(false)
                .hybrid_cache_capacity(self.cache_bytes);
            let tree = parse(&self.pattern).ok()?;
            let mut builder = meta::Builder::new();
            builder.configure(config).build_from_hir(&tree).ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// Bytes, not characters; `.` matches line ends and `^`, `$` match at them, as in ModSecurity.
fn parse(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(true)
        .build()
        .parse(pattern)
        .map_err(Box::new)
}

/// Bytes that the compiled expression takes, roughly: its states, forwards and backwards.
fn size(tree: &Hir) -> usize {
    const STATE: usize = 64;
    const RANGE: usize = 16;
    match tree.kind() {
        HirKind::Empty => 0,
        HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE),
        HirKind::Class(class) => {
            let ranges = match class {
                regex_syntax::hir::Class::Bytes(class) => class.ranges().len(),
                // A character is up to four bytes.
                regex_syntax::hir::Class::Unicode(class) => class.ranges().len() * 4,
            };
            STATE.saturating_add(ranges.saturating_mul(RANGE))
        }
        HirKind::Repetition(repetition) => {
            let copies = match repetition.max {
                Some(most) => most,
                None => repetition.min.saturating_add(1),
            };
            size(&repetition.sub)
                .saturating_add(STATE)
                .saturating_mul(copies.max(1) as usize)
        }
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(2 * STATE),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(STATE, |sum, part| sum.saturating_add(size(part))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, NoResources};

    fn regex(pattern: &str) -> Result<Regex, String> {
        Regex::new(&Arguments {
            text: pattern,
            limits: &Limits::default(),
            resources: &NoResources,
            source: "",
        })
    }

    #[test]
    fn the_size_is_told_before_it_is_compiled() {
        for pattern in [
            "a",
            "(?:abc|[a-f]{3,20}x)*",
            "(?i)select.{1,300}from",
            r"\d{1000}",
        ] {
            let regex = regex(pattern).unwrap();
            let told = size(&parse(&regex.pattern).unwrap());
            let taken = regex.get().unwrap().memory_usage();
            assert!(
                told * 2 + 4096 > taken,
                "{pattern}: told {told}, takes {taken}"
            );
        }
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        for pattern in [
            "(?:a{1000}){1000}",
            "[a-z]{0,60000}",
            "(?:(?:(?:x{100}){100}){100}){100}",
        ] {
            assert!(regex(pattern).unwrap_err().contains("bytes"), "{pattern}");
        }
    }
}

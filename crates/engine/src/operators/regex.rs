//! Regular expressions, compiled when they are first asked.
//!
//! Most expressions of a large rule set are never asked, since no value meets
//! their need. Their syntax and size are checked at load all the same, so
//! nothing about them can be wrong later.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_automata::meta;

use super::{Arguments, Hit};
use crate::expression;
use crate::need::{self, Need};

/// An expression, on bytes.
#[derive(Debug)]
pub(super) struct Regex {
    pattern: Box<str>,
    /// In ASCII lower case: with what some line of whatever matches begins, and whether
    /// whatever begins so matches.
    start: Option<Box<(Vec<u8>, bool)>>,
    cache_bytes: usize,
    compiled: OnceLock<Option<meta::Regex>>,
}

/// Where expressions are kept that are compiled for an answer; none: where they are asked
/// again, in the plan.
pub(crate) type Apart = Option<Box<Expressions>>;

/// Compiled expressions of one who asks a plan only to try it out, so that the plan need not
/// keep them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expressions {
    /// By where the expression is in memory; the plan, which is as old, holds it.
    compiled: HashMap<usize, Option<meta::Regex>>,
}

impl Expressions {
    fn of(&mut self, regex: &Regex) -> Option<&meta::Regex> {
        /// Expressions that are kept at most: those that the cases of some patches ask.
        const REHEARSED: usize = 256;
        let place = std::ptr::from_ref(regex).addr();
        if self.compiled.len() >= REHEARSED && !self.compiled.contains_key(&place) {
            self.compiled.clear();
        }
        let compiled = self.compiled.entry(place);
        compiled.or_insert_with(|| regex.compile()).as_ref()
    }
}

impl Regex {
    /// Reads the operator's argument as PCRE does.
    pub(super) fn new(arguments: &Arguments<'_>) -> Result<Self, String> {
        let pattern = super::pcre::translate(arguments.text);
        let tree = expression::tree(&pattern)
            .map_err(|error| format!("this regular expression does not compile: {error}"))?;
        let (bytes, limit) = (tree.size(), arguments.limits.regex_program_bytes);
        if bytes > limit {
            return Err(format!(
                "this regular expression would take about {bytes} bytes, more than the {limit} allowed; use fewer or smaller counts"
            ));
        }
        Ok(Self {
            pattern: pattern.into(),
            start: tree.start().map(Box::new),
            cache_bytes: arguments.limits.regex_cache_bytes,
            compiled: OnceLock::new(),
        })
    }

    /// What every line that matches begins with, and whether that is enough.
    pub(super) fn start(&self) -> Option<(&[u8], bool)> {
        let (text, whole) = &**self.start.as_ref()?;
        Some((text, *whole))
    }

    /// Whether it may have groups.
    pub(super) fn has_groups(&self) -> bool {
        self.pattern.contains('(')
    }

    /// What every match holds.
    pub(super) fn need(&self) -> Need {
        expression::tree(&self.pattern)
            .map_or_else(|_| Need::nothing(), |tree| need::regex::need(&tree))
    }

    /// Asks the compiled expression. If it does not compile after all, it is taken to match,
    /// so that nothing passes unseen.
    pub(super) fn ask(
        &self,
        hit: &mut Hit,
        ask: impl FnOnce(&meta::Regex, &mut Hit) -> bool,
    ) -> bool {
        let Some(mut apart) = hit.apart.take() else {
            let compiled = self.compiled.get_or_init(|| self.compile());
            return compiled.as_ref().is_none_or(|regex| ask(regex, hit));
        };
        let found = apart.of(self).is_none_or(|regex| ask(regex, hit));
        hit.apart = Some(apart);
        found
    }

    fn compile(&self) -> Option<meta::Regex> {
        let config = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(None)
            // PERF: needs have told already whether its texts are there; finding
            // them anew doubled the time to load the core rule set.
            .auto_prefilter(false)
            .hybrid_cache_capacity(self.cache_bytes);
        let tree = expression::parse(&self.pattern).ok()?;
        let mut builder = meta::Builder::new();
        builder.configure(config).build_from_hir(&tree).ok()
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
            places: None,
            datasets: None,
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
            let told = expression::tree(&regex.pattern).unwrap().size();
            let taken = regex.compile().unwrap().memory_usage();
            assert!(
                told * 2 + 4096 > taken,
                "{pattern}: told {told}, takes {taken}"
            );
        }
    }

    #[test]
    fn the_start_tells_what_a_search_would_find() {
        for (pattern, whole) in [
            ("(?i)^json", true),
            (r"(?i)^json\.note(?:\.|$)", false),
            (r"^a-\.b", false),
            ("(?i)^a1", true),
            (r"\A12", true),
        ] {
            let regex = regex(pattern).unwrap();
            let (text, told) = regex.start().unwrap();
            let text = std::str::from_utf8(text).unwrap();
            assert_eq!(told, whole, "{pattern}");
            for input in [
                "",
                "json",
                "JSON.note",
                "json.notes",
                "x\njson.note",
                "xjson",
                "js",
                "a-.b",
                "A-.b",
                "a1",
                "A1x",
                "12",
                "x\n12",
                "x12",
                "x\na1",
                "json.note.a",
            ] {
                let begins = input.to_ascii_lowercase().starts_with(text);
                if !input.contains('\n') && (whole || !begins) {
                    let found = regex.compile().unwrap().is_match(input);
                    assert_eq!(begins, found, "{pattern} in {input:?}");
                }
            }
        }
        assert!(regex("json").unwrap().start.is_none());
        assert!(regex("^a|b").unwrap().start.is_none());
    }

    #[test]
    fn what_is_compiled_apart_is_not_kept() {
        let regex = regex("a+b").unwrap();
        let mut hit = Hit {
            apart: Some(Box::default()),
            ..Hit::default()
        };
        let matches = |input: &str, hit: &mut Hit| regex.ask(hit, |regex, _| regex.is_match(input));
        assert!(matches("xaab", &mut hit));
        assert!(!matches("ba", &mut hit));
        assert!(regex.compiled.get().is_none());
        assert!(matches("xaab", &mut Hit::default()));
        assert!(regex.compiled.get().is_some());
    }

    #[test]
    fn few_are_kept_apart() {
        let mut apart = Expressions::default();
        let many: Vec<Regex> = (0..1000)
            .map(|at| regex(&format!("^{at}$")).unwrap())
            .collect();
        for (at, regex) in many.iter().enumerate() {
            assert!(apart.of(regex).unwrap().is_match(&at.to_string()));
            assert!(apart.compiled.len() < 300);
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

//! Regular expressions, compiled when they are first asked.
//!
//! Most expressions of a large rule set are never asked, since no value meets
//! their need. Their syntax and size are checked at load all the same, so
//! nothing about them can be wrong later.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use regex_automata::meta;

use super::Arguments;
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
    /// How often it was asked without being kept.
    rehearsed: AtomicU8,
}

thread_local! {
    /// Whether this thread keeps what it compiles.
    static KEEPS: Cell<bool> = const { Cell::new(true) };
}

/// Expressions that this thread asks while it lives are not kept, unless they
/// are asked again and again.
pub(crate) struct Rehearsal(());

impl Rehearsal {
    pub(crate) fn begin() -> Self {
        KEEPS.set(false);
        Self(())
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        KEEPS.set(true);
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
            rehearsed: AtomicU8::new(0),
        })
    }

    /// What every line that matches begins with, and whether that is enough.
    pub(super) fn start(&self) -> Option<(&[u8], bool)> {
        let (text, whole) = &**self.start.as_ref()?;
        Some((text, *whole))
    }

    /// What every match holds.
    pub(super) fn need(&self) -> Need {
        expression::tree(&self.pattern)
            .map_or_else(|_| Need::nothing(), |tree| need::regex::need(&tree))
    }

    /// The compiled expression. None if it does not compile after all: then it
    /// must be taken to match, so that nothing passes unseen.
    pub(super) fn get(&self) -> Option<Cow<'_, meta::Regex>> {
        /// What many patches share is asked more often in a rehearsal, and kept.
        ///
        /// PERF: 10,000 patches loaded by the gateway, peak and CPU: all kept 228 MB and
        /// 3.0 s, from the third time on 172 MB and 4.5 to 5.8 s, from the seventh 70 MB and
        /// 5.4 to 6.4 s.
        const OFTEN: u8 = 6;
        let compile = || {
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
        };
        if self.compiled.get().is_none()
            && !KEEPS.get()
            && self.rehearsed.load(Ordering::Relaxed) < OFTEN
        {
            self.rehearsed.fetch_add(1, Ordering::Relaxed);
            return compile().map(Cow::Owned);
        }
        self.compiled
            .get_or_init(compile)
            .as_ref()
            .map(Cow::Borrowed)
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
            let told = expression::tree(&regex.pattern).unwrap().size();
            let taken = regex.get().unwrap().memory_usage();
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
                    let found = regex.get().unwrap().is_match(input);
                    assert_eq!(begins, found, "{pattern} in {input:?}");
                }
            }
        }
        assert!(regex("json").unwrap().start.is_none());
        assert!(regex("^a|b").unwrap().start.is_none());
    }

    #[test]
    fn a_rehearsal_keeps_only_what_it_asks_often() {
        let regex = regex("a+b").unwrap();
        let rehearsal = Rehearsal::begin();
        assert!(regex.get().unwrap().is_match("xaab"));
        assert!(regex.compiled.get().is_none());
        for _ in 0..10 {
            assert!(!regex.get().unwrap().is_match("ba"));
        }
        assert!(regex.compiled.get().is_some());
        drop(rehearsal);
        let other = self::regex("a+b").unwrap();
        assert!(other.get().unwrap().is_match("ab"));
        assert!(other.compiled.get().is_some());
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

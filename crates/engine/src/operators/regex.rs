//! Regular expressions, compiled when they are first asked.
//!
//! Most expressions of a large rule set are never asked, since no value meets
//! their need. Their syntax and size are checked at load all the same, so
//! nothing about them can be wrong later.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::Arguments;
use crate::need::{self, Need};

/// An expression, on bytes.
#[derive(Debug)]
pub(super) struct Regex {
    pattern: Box<str>,
    start: Option<Box<Start>>,
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
            start: Start::of(&tree).map(Box::new),
            cache_bytes: arguments.limits.regex_cache_bytes,
            compiled: OnceLock::new(),
        })
    }

    /// What every line that matches begins with, and whether that is enough.
    pub(super) fn start(&self) -> Option<(&[u8], bool)> {
        let start = self.start.as_ref()?;
        Some((&start.text, start.whole))
    }

    /// What the start of the input alone tells: some if no search is needed.
    ///
    /// PERF: selectors (`^json\.note…`) are asked of every name of a body: 41,000 → 7,000
    /// instructions for the 85 names of 2 kB of JSON.
    pub(super) fn told_by_start(&self, input: &[u8]) -> Option<Option<Range<usize>>> {
        let start = self.start.as_ref()?;
        let begins = input
            .get(..start.text.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(&start.text));
        if begins {
            return start.whole.then_some(Some(0..start.text.len()));
        }
        // `^` matches after line ends too.
        memchr::memchr(b'\n', input).is_none().then_some(None)
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

/// A text, in ASCII lower case, with which some line of whatever matches begins.
#[derive(Debug)]
struct Start {
    text: Vec<u8>,
    /// Whether what begins with it matches.
    whole: bool,
}

impl Start {
    fn of(tree: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = tree.kind() else {
            return None;
        };
        let (first, parts) = parts.split_first()?;
        let HirKind::Look(Look::StartLF | Look::Start) = first.kind() else {
            return None;
        };
        let mut text = Vec::new();
        let mut exact = 0;
        let mut folded = true;
        for part in parts {
            match part.kind() {
                HirKind::Literal(literal) => {
                    folded &= !literal.0.iter().any(u8::is_ascii_alphabetic);
                    text.extend(literal.0.to_ascii_lowercase());
                }
                HirKind::Class(class) => match either_case(class) {
                    Some(letter) => text.push(letter),
                    None => break,
                },
                _ => break,
            }
            exact += 1;
        }
        (!text.is_empty()).then_some(Self {
            text,
            whole: folded && exact == parts.len(),
        })
    }
}

/// The letter of which a class holds both cases and nothing else.
fn either_case(class: &Class) -> Option<u8> {
    let Class::Bytes(class) = class else {
        return None;
    };
    match class.ranges() {
        [upper, lower]
            if upper.start() == upper.end()
                && lower.start() == lower.end()
                && upper.start().is_ascii_uppercase()
                && upper.start().to_ascii_lowercase() == lower.start() =>
        {
            Some(lower.start())
        }
        _ => None,
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
    fn the_start_tells_what_a_search_would_find() {
        for (pattern, whole) in [
            ("(?i)^json", true),
            (r"(?i)^json\.note(?:\.|$)", false),
            (r"^a-\.b", false),
            ("(?i)^a1", true),
            (r"\A12", true),
        ] {
            let regex = regex(pattern).unwrap();
            assert_eq!(regex.start.as_ref().unwrap().whole, whole, "{pattern}");
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
                let found = regex.get().unwrap().find(input).map(|found| found.range());
                if let Some(told) = regex.told_by_start(input.as_bytes()) {
                    assert_eq!(told, found, "{pattern} in {input:?}");
                }
            }
        }
        assert!(regex("json").unwrap().start.is_none());
        assert!(regex("^a|b").unwrap().start.is_none());
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

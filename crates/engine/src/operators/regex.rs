//! Regular expressions, compiled when they are first asked.
//!
//! Most expressions of a large rule set are never asked, since no value meets
//! their need. Their syntax and size are checked at load all the same, so
//! nothing about them can be wrong later.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::Arguments;
use crate::need::{self, Need};

/// An expression, on bytes.
#[derive(Debug)]
pub(super) struct Regex {
    pattern: Box<str>,
    /// Its syntax, until the need is read off it: to parse it is most of the time to load.
    tree: Mutex<Option<Hir>>,
    start: Option<Box<Start>>,
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
            tree: Mutex::new(Some(tree)),
            cache_bytes: arguments.limits.regex_cache_bytes,
            compiled: OnceLock::new(),
            rehearsed: AtomicU8::new(0),
        })
    }

    /// What every line that matches begins with, and whether that is enough.
    pub(super) fn start(&self) -> Option<(&[u8], bool)> {
        let start = self.start.as_ref()?;
        Some((&start.text, start.whole))
    }

    /// What every match holds.
    pub(super) fn need(&self) -> Need {
        let kept = self
            .tree
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let tree = kept.or_else(|| parse(&self.pattern).ok());
        tree.map_or_else(Need::nothing, |tree| need::regex::need(&tree))
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
            let tree = parse(&self.pattern).ok()?;
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

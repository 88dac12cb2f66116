//! The route index: which patches concern a request, by path, host, method and application.
//!
//! A lookup hashes the path once and asks a table only at the lengths at which
//! some patch's prefix ends, so its cost does not grow with the number of patches.

use hashbrown::HashTable;
use regex_automata::meta::Regex;
use regex_automata::{Input as Haystack, PatternSet};

use super::path::readings;
use crate::scope::{PathScope, Scope};

/// Built once, with the plan.
#[derive(Default)]
pub(crate) struct RouteIndex {
    /// None: all requests for its paths.
    scopes: Vec<Option<Box<Compiled>>>,
    anywhere: Vec<u32>,
    prefixes: Affixes,
    exact: Affixes,
    suffixes: Affixes,
    patterns: Option<(Regex, Vec<u32>)>,
}

/// A scope without its paths.
struct Compiled {
    applications: Vec<String>,
    hosts: Vec<String>,
    methods: Vec<String>,
}

impl RouteIndex {
    /// Indexes the scopes by their position.
    ///
    /// # Errors
    /// The position of the scope whose regular expression does not compile, and why.
    pub(crate) fn build<'a>(
        scopes: impl Iterator<Item = &'a Scope>,
        program_bytes: usize,
    ) -> Result<Self, (usize, String)> {
        let mut index = Self::default();
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (position, scope) in scopes.enumerate() {
            let owner = position as u32;
            index.scopes.push(Compiled::of(scope).map(Box::new));
            if scope.paths.is_empty() {
                index.anywhere.push(owner);
            }
            for path in &scope.paths {
                match path {
                    PathScope::Exact(text) => index.exact.insert(&text.to_ascii_lowercase(), owner),
                    PathScope::Prefix(text) => {
                        index.prefixes.insert(&text.to_ascii_lowercase(), owner);
                    }
                    PathScope::Suffix(text) => {
                        let reversed: Vec<u8> = text.to_ascii_lowercase().bytes().rev().collect();
                        index.suffixes.insert_bytes(reversed, owner);
                    }
                    PathScope::Regex(text) => {
                        let pattern = format!("(?i-u:{text})");
                        check(&pattern, program_bytes).map_err(|why| (position, why))?;
                        patterns.push(pattern);
                        owners.push(owner);
                    }
                }
            }
        }
        for affixes in [&mut index.prefixes, &mut index.exact, &mut index.suffixes] {
            affixes.settle();
        }
        if let Some(last) = owners.last() {
            let regex = builder(program_bytes.saturating_mul(patterns.len()))
                .build_many(&patterns)
                .map_err(|error| (*last as usize, error.to_string()))?;
            index.patterns = Some((regex, owners));
        }
        Ok(index)
    }

    /// Fills `concerned` with the positions of the scopes that agree, in no order, one perhaps
    /// several times; `buffer` is scratch.
    pub(crate) fn lookup(
        &self,
        application: &str,
        host: &[u8],
        method: &[u8],
        target: &[u8],
        buffer: &mut Vec<u8>,
        concerned: &mut Vec<u32>,
    ) {
        concerned.clear();
        if self.scopes.is_empty() {
            return;
        }
        concerned.extend_from_slice(&self.anywhere);
        let mut count = 0;
        readings(target, buffer, &mut |path| {
            count += 1;
            self.prefixes.collect(path.iter().copied(), concerned);
            self.exact.collect_whole(path, concerned);
            self.suffixes.collect(path.iter().rev().copied(), concerned);
            if let Some((regex, owners)) = &self.patterns {
                let mut found = PatternSet::new(owners.len());
                regex.which_overlapping_matches(&Haystack::new(path), &mut found);
                concerned.extend(
                    found
                        .iter()
                        .filter_map(|pattern| owners.get(pattern.as_usize())),
                );
            }
        });
        // Many readings find the same again and again.
        if count > 1 {
            concerned.sort_unstable();
            concerned.dedup();
        }
        let host = without_port(host);
        concerned.retain(|&owner| {
            let scope = self.scopes.get(owner as usize).and_then(Option::as_deref);
            scope.is_none_or(|scope| scope.agrees(application, host, method))
        });
    }
}

impl Compiled {
    fn of(scope: &Scope) -> Option<Self> {
        let Scope {
            applications,
            hosts,
            methods,
            ..
        } = scope;
        let all = applications.is_empty() && hosts.is_empty() && methods.is_empty();
        (!all).then(|| Self {
            applications: applications.clone(),
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            methods: methods.clone(),
        })
    }

    fn agrees(&self, application: &str, host: &[u8], method: &[u8]) -> bool {
        let any = |list: &[String], agrees: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|item| agrees(item))
        };
        any(&self.methods, &|name| name.as_bytes() == method)
            && any(&self.applications, &|pattern| {
                glob(pattern.as_bytes(), application.as_bytes())
            })
            && any(&self.hosts, &|pattern| match pattern.strip_prefix('*') {
                Some(suffix) => ends_with_ignore_case(host, suffix.as_bytes()),
                None => host.eq_ignore_ascii_case(pattern.as_bytes()),
            })
    }
}

/// Byte strings and their owners, found as prefixes of a path in one pass over it.
#[derive(Default)]
struct Affixes {
    table: HashTable<(Box<[u8]>, Vec<u32>)>,
    /// Whether some key has this length.
    lengths: Vec<bool>,
    /// Bits by hash, which say of most bytes that no key begins so; a power of two of words.
    seen: Vec<u64>,
}

/// How many keys share a word of those bits.
const KEYS_OF_WORD: usize = 4;

/// FNV-1a, since it can be read off after every byte.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn hash_step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads FNV's weak high bits, which the table uses.
fn hash_end(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

fn hash_of(bytes: &[u8]) -> u64 {
    hash_end(
        bytes
            .iter()
            .fold(HASH_START, |hash, &byte| hash_step(hash, byte)),
    )
}

impl Affixes {
    fn insert(&mut self, text: &str, owner: u32) {
        self.insert_bytes(text.as_bytes().to_vec(), owner);
    }

    fn insert_bytes(&mut self, key: Vec<u8>, owner: u32) {
        if self.lengths.len() <= key.len() {
            self.lengths.resize(key.len() + 1, false);
        }
        if let Some(known) = self.lengths.get_mut(key.len()) {
            *known = true;
        }
        self.table
            .entry(
                hash_of(&key),
                |(have, _)| **have == *key,
                |(have, _)| hash_of(have),
            )
            .or_insert_with(|| (key.clone().into_boxed_slice(), Vec::new()))
            .get_mut()
            .1
            .push(owner);
    }

    /// Ends with the bits of all keys.
    fn settle(&mut self) {
        let words = (self.table.len() / KEYS_OF_WORD).next_power_of_two();
        self.seen = vec![0; words];
        for (key, _) in &self.table {
            let (word, bit) = place(hash_of(key), words);
            if let Some(seen) = self.seen.get_mut(word) {
                *seen |= bit;
            }
        }
    }

    /// The owners of all keys that these bytes begin with.
    fn collect(&self, bytes: impl Iterator<Item = u8> + Clone, found: &mut Vec<u32>) {
        if self.table.is_empty() {
            return;
        }
        let mut hash = HASH_START;
        let mut following = bytes.clone();
        for (at, &known) in self.lengths.iter().enumerate() {
            if known {
                self.ask(hash_end(hash), at, bytes.clone(), found);
            }
            match following.next() {
                Some(byte) => hash = hash_step(hash, byte),
                None => break,
            }
        }
    }

    /// The owners of the key that is all of these bytes.
    fn collect_whole(&self, bytes: &[u8], found: &mut Vec<u32>) {
        if self.lengths.get(bytes.len()) == Some(&true) {
            let own = bytes.iter().copied();
            self.ask(hash_of(bytes), bytes.len(), own, found);
        }
    }

    /// Looks up the key that is the first bytes, of this hash.
    fn ask(
        &self,
        hash: u64,
        length: usize,
        bytes: impl Iterator<Item = u8> + Clone,
        found: &mut Vec<u32>,
    ) {
        let (word, bit) = place(hash, self.seen.len());
        if self.seen.get(word).is_none_or(|seen| seen & bit == 0) {
            return;
        }
        let same = |(key, _): &(Box<[u8]>, Vec<u32>)| {
            key.len() == length && key.iter().copied().eq(bytes.clone().take(length))
        };
        if let Some((_, owners)) = self.table.find(hash, same) {
            found.extend_from_slice(owners);
        }
    }
}

/// The word and the bit of a hash, of a power of two of words.
fn place(hash: u64, words: usize) -> (usize, u64) {
    let word = (hash >> 6) as usize & words.wrapping_sub(1);
    (word, 1 << (hash & 63))
}

fn builder(program_bytes: usize) -> regex_automata::meta::Builder {
    let mut builder = Regex::builder();
    builder
        .syntax(regex_automata::util::syntax::Config::new().utf8(false))
        .configure(
            Regex::config()
                .utf8_empty(false)
                .nfa_size_limit(Some(program_bytes))
                .match_kind(regex_automata::MatchKind::All),
        );
    builder
}

fn check(pattern: &str, program_bytes: usize) -> Result<(), String> {
    builder(program_bytes)
        .build(pattern)
        .map(|_| ())
        .map_err(|error| {
            let mut why = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                why = format!("{why}: {source}");
            }
            why
        })
}

fn without_port(host: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', host) {
        Some(colon) if !host.get(colon..).unwrap_or_default().contains(&b']') => {
            host.get(..colon).unwrap_or(host)
        }
        _ => host,
    }
}

fn ends_with_ignore_case(text: &[u8], suffix: &[u8]) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// `*` stands for any run of characters; linear in both.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|&byte| byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    if first.len() == pattern.len() {
        return rest.is_empty();
    }
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match memchr::memmem::find(rest, part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concerned(scope: &Scope, application: &str, host: &str, method: &str, target: &str) -> bool {
        let index = RouteIndex::build(std::iter::once(scope), 1 << 20).unwrap();
        let mut found = Vec::new();
        index.lookup(
            application,
            host.as_bytes(),
            method.as_bytes(),
            target.as_bytes(),
            &mut Vec::new(),
            &mut found,
        );
        !found.is_empty()
    }

    fn path(path: PathScope) -> Scope {
        Scope {
            paths: vec![path],
            ..Scope::default()
        }
    }

    #[test]
    fn a_prefix_concerns_every_reading_of_the_path() {
        let scope = path(PathScope::Prefix("/Static/".into()));
        for target in [
            "/static/a",
            "/static/../etc/passwd",
            "//static/../../etc/passwd",
            "/./static/../../etc/passwd",
            "/STATIC/x",
            "/%73tatic/x",
            "/%2573tatic/x",
            "//static//x",
            "/./static/x",
            "/a/../static/x",
            "/static;v=1/x",
            "\\static\\x",
            "http://host/static/x",
            "/static/x?y=1",
        ] {
            assert!(concerned(&scope, "", "", "GET", target), "{target}");
        }
        for target in ["/", "/statics", "/stati", "/other?p=/static/"] {
            assert!(!concerned(&scope, "", "", "GET", target), "{target}");
        }
    }

    #[test]
    fn exact_suffix_and_pattern_paths_mean_what_they_say() {
        let exact = path(PathScope::Exact("/login".into()));
        assert!(concerned(&exact, "", "", "GET", "/login?x"));
        assert!(!concerned(&exact, "", "", "GET", "/login/x"));
        let suffix = path(PathScope::Suffix(".php".into()));
        assert!(concerned(&suffix, "", "", "GET", "/a/B.PHP"));
        assert!(!concerned(&suffix, "", "", "GET", "/a.php.txt"));
        let regex = path(PathScope::Regex("^/api/v[0-9]+/users".into()));
        assert!(concerned(&regex, "", "", "GET", "/api/v2/users/7"));
        assert!(!concerned(&regex, "", "", "GET", "/api/users"));
    }

    #[test]
    fn host_method_and_application_must_agree_too() {
        let scope = Scope {
            applications: vec!["shop*".into()],
            hosts: vec!["*.example.org".into(), "localhost".into()],
            methods: vec!["POST".into()],
            paths: Vec::new(),
        };
        assert!(concerned(
            &scope,
            "shop-eu",
            "a.EXAMPLE.org:443",
            "POST",
            "/"
        ));
        assert!(concerned(&scope, "shop", "localhost", "POST", "/"));
        assert!(!concerned(&scope, "blog", "a.example.org", "POST", "/"));
        assert!(!concerned(&scope, "shop", "example.com", "POST", "/"));
        assert!(!concerned(&scope, "shop", "localhost", "GET", "/"));
    }
}

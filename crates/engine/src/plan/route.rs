//! The route index: which patches concern a request, by path, host, method and application.
//!
//! A lookup hashes the path once and asks a table only at the lengths at which
//! some patch's prefix ends, so its cost does not grow with the number of patches.

use std::cell::Cell;
use std::collections::HashMap;

use regex_automata::meta::Regex;
use regex_automata::{Input as Haystack, PatternSet};

use super::affixes::{Affixes, Keys, Span};
use super::concern::Concern;
use super::path::{Reading, readings};
use crate::scope::{PathScope, Scope};

/// Built once, with the plan.
#[derive(Default)]
pub(crate) struct RouteIndex {
    /// The names that scopes have of methods, as far as there are bits for them.
    methods: Vec<String>,
    /// Of scopes that the bits of a method do not tell all of: the rest.
    scopes: HashMap<u32, Compiled>,
    /// Side by side: those of each affix.
    entries: Box<[Entry]>,
    anywhere: Span,
    prefixes: Affixes,
    exact: Affixes,
    suffixes: Affixes,
    patterns: Option<(Regex, Vec<Span>)>,
}

/// A patch of a route.
#[derive(Clone, Copy)]
struct Entry {
    concern: Concern,
    /// Bits of the methods that it is for; none: any.
    methods: u16,
    /// Whether its scope says more.
    narrow: bool,
}

/// A scope without its paths.
struct Compiled {
    applications: Vec<String>,
    hosts: Vec<String>,
    methods: Vec<String>,
}

/// The scopes, by their position, before it is known what their patches ask first.
pub(crate) struct Draft {
    methods: Vec<String>,
    /// Bits of methods.
    bits: Vec<u16>,
    scopes: HashMap<u32, Compiled>,
    anywhere: Vec<u32>,
    prefixes: Keys,
    exact: Keys,
    suffixes: Keys,
    patterns: Option<(Regex, Vec<u32>)>,
}

impl Draft {
    /// Indexes the scopes by their position.
    ///
    /// # Errors
    /// The position of the scope whose regular expression does not compile, and why.
    pub(crate) fn new<'a>(
        scopes: impl Iterator<Item = &'a Scope>,
        program_bytes: usize,
    ) -> Result<Self, (usize, String)> {
        let mut draft = Self {
            methods: Vec::new(),
            bits: Vec::new(),
            scopes: HashMap::new(),
            anywhere: Vec::new(),
            prefixes: Keys::new(),
            exact: Keys::new(),
            suffixes: Keys::new(),
            patterns: None,
        };
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (position, scope) in scopes.enumerate() {
            let owner = position as u32;
            draft.narrow(scope, owner);
            if scope.paths.is_empty() {
                draft.anywhere.push(owner);
            }
            for path in &scope.paths {
                let lower = |text: &str| text.to_ascii_lowercase().into_bytes();
                match path {
                    PathScope::Exact(text) => insert(&mut draft.exact, lower(text), owner),
                    PathScope::Prefix(text) => insert(&mut draft.prefixes, lower(text), owner),
                    PathScope::Suffix(text) => {
                        let reversed = lower(text).into_iter().rev().collect();
                        insert(&mut draft.suffixes, reversed, owner);
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
        if let Some(last) = owners.last() {
            let regex = builder(program_bytes.saturating_mul(patterns.len()))
                .build_many(&patterns)
                .map_err(|error| (*last as usize, error.to_string()))?;
            draft.patterns = Some((regex, owners));
        }
        Ok(draft)
    }

    /// Notes what the scope says besides its paths.
    fn narrow(&mut self, scope: &Scope, owner: u32) {
        let mut bits = Some(0);
        for method in &scope.methods {
            let known = self.methods.iter().position(|name| name == method);
            let at = known.unwrap_or_else(|| {
                self.methods.push(method.clone());
                self.methods.len() - 1
            });
            bits = bits.and_then(|bits| Some(bits | 1_u16.checked_shl(at as u32)?));
        }
        self.bits.push(bits.unwrap_or(0));
        if bits.is_none() || !scope.hosts.is_empty() || !scope.applications.is_empty() {
            self.scopes.insert(owner, Compiled::of(scope));
        }
    }

    /// Ends with the concern of each scope's patch, in their order.
    pub(crate) fn index(self, concerns: &[Concern]) -> RouteIndex {
        let mut entries = Vec::new();
        let mut place = |owners: Vec<u32>| {
            let start = entries.len() as u32;
            let owners = owners.into_iter();
            entries.extend(owners.filter_map(|owner| {
                Some(Entry {
                    concern: *concerns.get(owner as usize)?,
                    methods: *self.bits.get(owner as usize)?,
                    narrow: self.scopes.contains_key(&owner),
                })
            }));
            let end = entries.len() as u32;
            Span { start, end }
        };
        let anywhere = place(self.anywhere);
        let [prefixes, exact, suffixes] =
            [self.prefixes, self.exact, self.suffixes].map(|keys| Affixes::new(keys, &mut place));
        let patterns = self.patterns.map(|(regex, owners)| {
            let spans = owners.into_iter().map(|owner| place(vec![owner]));
            (regex, spans.collect())
        });
        RouteIndex {
            methods: self.methods,
            scopes: self.scopes,
            entries: entries.into(),
            anywhere,
            prefixes,
            exact,
            suffixes,
            patterns,
        }
    }
}

fn insert(keys: &mut Keys, key: Vec<u8>, owner: u32) {
    keys.entry(key).or_default().push(owner);
}

/// The request of which routes are looked up.
pub(crate) struct Asked<'a> {
    pub(crate) application: &'a str,
    pub(crate) host: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
}

impl RouteIndex {
    /// Calls `each` with the patches whose scope agrees, in no order, and the number of the path's
    /// reading that says so: in each, many may come again. `buffer` is scratch.
    pub(crate) fn lookup(
        &self,
        asked: &Asked<'_>,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&Concern, usize),
    ) {
        if self.entries.is_empty() {
            return;
        }
        let known = self.methods.iter();
        let mut known = known.map(String::as_bytes);
        let at = known.position(|name| name == asked.method);
        let method = at.and_then(|at| 1_u16.checked_shl(at as u32)).unwrap_or(0);
        let host = without_port(asked.host);
        let number = Cell::new(0);
        let mut found = |span: Span| {
            let entries = self.entries.get(span.start as usize..span.end as usize);
            for entry in entries.unwrap_or_default() {
                let agrees = entry.methods == 0 || entry.methods & method != 0;
                if agrees && (!entry.narrow || self.agrees(entry, asked, host)) {
                    each(&entry.concern, number.get());
                }
            }
        };
        found(self.anywhere);
        readings(asked.target, buffer, &mut |reading| {
            let path = match reading {
                Reading::Whole(path) => {
                    self.prefixes.collect(path.iter().copied(), &mut found);
                    path
                }
                // It begins as the one before.
                Reading::Cut(path) => path,
            };
            self.exact.collect_whole(path, &mut found);
            self.suffixes
                .collect(path.iter().rev().copied(), &mut found);
            // PERF: most paths match none, which a search for the patterns' letters tells.
            if let Some((regex, owners)) = &self.patterns
                && regex.is_match(path)
            {
                let mut matched = PatternSet::new(owners.len());
                regex.which_overlapping_matches(&Haystack::new(path), &mut matched);
                let owners = matched.iter().filter_map(|at| owners.get(at.as_usize()));
                owners.for_each(|owner| found(*owner));
            }
            number.set(number.get() + 1);
        });
    }

    fn agrees(&self, entry: &Entry, asked: &Asked<'_>, host: &[u8]) -> bool {
        let scope = self.scopes.get(&entry.concern.patch);
        scope.is_none_or(|scope| scope.agrees(asked.application, host, asked.method))
    }
}

impl Compiled {
    fn of(scope: &Scope) -> Self {
        let hosts = scope.hosts.iter();
        Self {
            applications: scope.applications.clone(),
            hosts: hosts.map(|host| host.to_ascii_lowercase()).collect(),
            methods: scope.methods.clone(),
        }
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
    use crate::{Input, Limits, NoResources, PatchRules};

    fn concerned(scope: &Scope, application: &str, host: &str, method: &str, target: &str) -> bool {
        let patch = PatchRules {
            scope: scope.clone(),
            ..PatchRules::default()
        };
        let input = Input {
            patches: vec![patch],
            ..Input::default()
        };
        let plan = crate::compile(&input, Limits::default(), &NoResources).unwrap();
        let asked = Asked {
            application,
            host: host.as_bytes(),
            method: method.as_bytes(),
            target: target.as_bytes(),
        };
        let mut found = false;
        let routes = &plan.routes;
        routes.lookup(&asked, &mut Vec::new(), &mut |_, _| found = true);
        found
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
        for target in [
            "/login?x",
            "/login/",
            "/login.",
            "/login. ./",
            "/login%20",
            "/login%00x",
            "/login%2500.png",
            "/login.json",
            "/login.xml/",
            "/login%20.json",
            "/login.js",
            "/login.foo",
            "/login::$DATA",
            "/a/../login/.",
        ] {
            assert!(concerned(&exact, "", "", "GET", target), "{target}");
        }
        for target in [
            "/login/x",
            "/login/.js",
            "/login.a.b",
            "/login.verylongname",
            "/logins",
            "/logi",
            "/",
        ] {
            assert!(!concerned(&exact, "", "", "GET", target), "{target}");
        }
        let suffix = path(PathScope::Suffix(".php".into()));
        for target in [
            "/a/B.PHP",
            "/a.php/",
            "/a.php/x/y.txt",
            "/a.b.php/c",
            "/my.do/a.php/c",
            "/a.php./c",
            "/a.php::$data",
            "/x%00/a.php%2e",
            "/x%3a:$data/%61.php%20",
        ] {
            assert!(concerned(&suffix, "", "", "GET", target), "{target}");
        }
        for target in ["/a.php.txt", "/a.phpx/b", "/php/x"] {
            assert!(!concerned(&suffix, "", "", "GET", target), "{target}");
        }
        let script = path(PathScope::Exact("/cgi-bin/x.py".into()));
        assert!(concerned(&script, "", "", "GET", "/cgi-bin/x.py/z"));
        let folder = path(PathScope::Prefix("/p/q/".into()));
        assert!(concerned(&folder, "", "", "GET", "/p./q%20/x"));
        let root = path(PathScope::Exact("/".into()));
        for target in ["/", "//", "/./", "/%20"] {
            assert!(concerned(&root, "", "", "GET", target), "{target}");
        }
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

    #[test]
    fn more_methods_than_there_are_bits_are_told_apart() {
        let name = |at: usize| format!("M{at}");
        let mut patches: Vec<PatchRules> = Vec::new();
        for at in 0..40 {
            let scope = Scope {
                methods: vec![name(at), name(at + 1)],
                ..path(PathScope::Exact("/a".into()))
            };
            let id = format!("patch {at}");
            patches.push(PatchRules {
                id,
                scope,
                ..PatchRules::default()
            });
        }
        let input = Input {
            patches,
            ..Input::default()
        };
        let plan = crate::compile(&input, Limits::default(), &NoResources).unwrap();
        for at in 0..42_u32 {
            let method = name(at as usize);
            let asked = Asked {
                application: "",
                host: b"",
                method: method.as_bytes(),
                target: b"/a",
            };
            let mut found = Vec::new();
            let routes = &plan.routes;
            routes.lookup(&asked, &mut Vec::new(), &mut |it, _| found.push(it.patch));
            let both = [at.checked_sub(1), Some(at)].into_iter().flatten();
            let expected: Vec<u32> = both.filter(|at| *at < 40).collect();
            assert_eq!(found, expected, "M{at}");
        }
    }
}

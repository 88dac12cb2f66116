//! Which requests a patch concerns: the endpoint that the vulnerability is in.

use engine::body::percent;
use patch::document::{Condition, Member, Place, PlaceKind};
use patch::document::{Paths, When};

use super::parts::{self, Part};
use crate::Unknown;

/// Where an exploit goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Endpoint {
    /// The scope.
    pub(super) paths: Paths,
    /// Parameters that choose what a shared endpoint does.
    pub(super) selectors: Vec<When>,
}

/// Last segments of paths behind which a whole application may be.
const SHARED: &[&str] = &[
    "",
    "index.php",
    "index.html",
    "index.jsp",
    "index.do",
    "index.asp",
    "index.aspx",
    "default.aspx",
    "admin.php",
    "admin-ajax.php",
    "admin-post.php",
    "ajax.php",
    "main.php",
    "home.php",
    "api.php",
    "xmlrpc.php",
    "wp-login.php",
    "post.php",
    "edit.php",
    "tools.php",
    "options-general.php",
    "options.php",
    "users.php",
    "graphql",
    "api",
    "login.php",
    "index.cgi",
    "cgi-bin",
    "ajax",
];
/// Names of parameters that choose.
const SELECTORS: &[&str] = &[
    "action",
    "option",
    "page",
    "controller",
    "task",
    "view",
    "module",
    "mod",
    "do",
    "op",
    "act",
    "func",
    "function",
    "method",
    "route",
    "r",
    "rest_route",
    "class",
    "m",
    "c",
    "a",
    "tab",
    "plugin",
    "app",
    "type",
    "ct",
    "ajax_action",
    "post_type",
    "cmd",
    "s",
    "section",
    "request",
    "com",
];

/// The endpoint of a request whose path is no part of the attack. `attacked` is the
/// name of the parameter that carries it.
pub(super) fn of(
    target: &[u8],
    parts: &[Part],
    attacked: Option<&str>,
    unknowns: &[Unknown],
) -> Endpoint {
    let path = String::from_utf8_lossy(&percent::decoded(parts::path(target))).into_owned();
    Endpoint {
        paths: paths(&path, unknowns),
        selectors: match is_shared(target) {
            true => selectors(parts, attacked, unknowns),
            false => Vec::new(),
        },
    }
}

/// Whether a whole application may be behind the path.
pub(super) fn is_shared(target: &[u8]) -> bool {
    let path = String::from_utf8_lossy(parts::path(target)).to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let folder = path.trim_end_matches('/').len() > 1 && last.is_empty();
    !folder && SHARED.contains(&last)
}

/// The paths of [`of`]: what an exploit does to one record it does to any.
fn paths(path: &str, unknowns: &[Unknown]) -> Paths {
    let segments: Vec<&str> = path.split('/').collect();
    let pairs = segments.iter().zip(segments.iter().skip(1));
    let mut numbered = false;
    let patterns = pairs.map(|(before, segment)| match is_number(before, segment) {
        true => {
            numbered = true;
            "/[^/]+".to_owned()
        }
        false => format!("/{}", regex::escape(segment)),
    });
    let pattern: String = patterns.collect();
    let unknown = segments.iter().any(|segment| is_unknown(segment, unknowns));
    match numbered && !unknown && path.chars().any(char::is_alphabetic) {
        true => Paths {
            regex: vec![format!("{pattern}$")],
            ..Paths::default()
        },
        false => literally(path, unknowns),
    }
}

/// This path and none that differs in the number of a record.
pub(super) fn this(target: &[u8], unknowns: &[Unknown]) -> Paths {
    let path = String::from_utf8_lossy(&percent::decoded(parts::path(target))).into_owned();
    only(literally(&path, unknowns))
}

/// Applications live in folders of different names, so the end of a path counts.
fn literally(path: &str, unknowns: &[Unknown]) -> Paths {
    let mut paths = Paths::default();
    let trimmed = path.trim_end_matches('/');
    if path.split('/').any(|segment| is_unknown(segment, unknowns)) {
        return around(path, |_, segment| is_unknown(segment, unknowns));
    }
    if trimmed.is_empty() {
        paths.exact.push("/".to_owned());
    } else {
        paths.suffix.push(path.to_owned());
        let last = trimmed.rsplit('/').next().unwrap_or_default();
        let folder = trimmed.strip_suffix(last).unwrap_or_default();
        if last.starts_with("index.") || last.starts_with("default.") {
            match folder {
                "/" => paths.exact.push("/".to_owned()),
                folder => paths.suffix.push(folder.to_owned()),
            }
        }
    }
    paths
}

/// Whether a segment tells one record from others: a number, but not of a version, or what is
/// made of chance (RFC 9562).
fn is_number(before: &str, segment: &str) -> bool {
    const VERSIONED: &[&str] = &["api", "rest", "version", "v"];
    const CHANCE: usize = 24;
    let all = |fits: fn(&char) -> bool| segment.chars().all(|letter| fits(&letter));
    let digits = !segment.is_empty() && all(char::is_ascii_digit);
    let hexadecimal = all(|letter| letter.is_ascii_hexdigit() || *letter == '-')
        && segment.chars().any(|letter| letter.is_ascii_digit());
    match digits {
        true => !before.is_empty() && !VERSIONED.contains(&before.to_ascii_lowercase().as_str()),
        false => hexadecimal && segment.len() >= CHANCE,
    }
}

/// These paths and none below or around them.
fn only(paths: Paths) -> Paths {
    Paths {
        exact: [paths.exact, paths.suffix].concat(),
        ..Paths::default()
    }
}

/// Whether a text is, or holds, what would be another for another target.
pub(super) fn is_unknown(text: &str, unknowns: &[Unknown]) -> bool {
    const SHORT: usize = 4;
    unknowns.iter().any(|unknown| {
        text == unknown.text || (unknown.text.len() >= SHORT && text.contains(&unknown.text))
    })
}

fn selectors(parts: &[Part], attacked: Option<&str>, unknowns: &[Unknown]) -> Vec<When> {
    let word = |value: &str| {
        !value.is_empty()
            && value.len() <= 64
            && value
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_-.:\\".contains(letter))
            && !value.chars().all(|letter| letter.is_ascii_digit())
    };
    parts
        .iter()
        .filter(|part| matches!(part.place.kind, PlaceKind::Query | PlaceKind::Form))
        .filter_map(|part| {
            let name = part.name()?;
            let value = String::from_utf8(part.value.clone()).ok()?;
            let lower = name.to_ascii_lowercase();
            let fits = SELECTORS.contains(&lower.as_str())
                && attacked != Some(name)
                && word(&value)
                && !is_unknown(&value, unknowns);
            fits.then(|| When {
                places: vec![Place {
                    kind: PlaceKind::Args,
                    member: Some(Member::Name(name.to_owned())),
                }],
                decode: None,
                condition: Condition::Regex(format!(r"(?i)\A\s*{}\s*\z", regex::escape(&value))),
            })
        })
        .take(2)
        .collect()
}

/// The scope of an attack in the path: what comes before it.
pub(super) fn before(prefix: &str, unknowns: &[Unknown]) -> Paths {
    if prefix.trim_matches('/').is_empty() {
        return Paths::default();
    }
    if is_unknown(prefix, unknowns) {
        return around(prefix, |_, segment| is_unknown(segment, unknowns));
    }
    let below = |prefix: &str| Paths {
        prefix: vec![prefix.to_owned()],
        ..Paths::default()
    };
    let segments: Vec<&str> = prefix.split('/').collect();
    let known = known(&segments, &is_number);
    let start = format!("{}/", segments.get(..known).unwrap_or_default().join("/"));
    match known < segments.len() && start.len() >= LITTLE {
        true => below(&start),
        false => below(prefix),
    }
}

/// The folder of what a path leads out of: others beside it lead out of it as well.
pub(super) fn above(prefix: &str) -> &str {
    const DEEP: usize = 3;
    let trimmed = prefix.trim_end_matches('/');
    let folder = trimmed.rfind('/').and_then(|last| trimmed.get(..=last));
    match trimmed.matches('/').count() >= DEEP {
        true => folder.unwrap_or(prefix),
        false => prefix,
    }
}

/// How paths begin that are odd from the root on; the index finds them without looking at
/// others.
const ODD_ROOTS: &[&str] = &[
    "//",
    "/..",
    "/./",
    "/.;",
    "/.%",
    "/%2e",
    "/\\",
    "/%5c",
    "/%2f",
    "/%25",
    "/;",
    "/%3b",
    "/<",
    "/%3c",
    "/\"",
    "/%22",
    "/'",
    "/%27",
    "/$",
    "/%24",
    "/{",
    "/%7b",
    "/(",
    "/%28",
    "/http:",
    "/https:",
    "/http%3a",
    "/https%3a",
    "/%0",
    "/%3f",
];

/// The scope of odd paths.
pub(super) fn odd_roots() -> Paths {
    Paths {
        prefix: ODD_ROOTS.iter().map(|root| (*root).to_owned()).collect(),
        ..Paths::default()
    }
}

/// Paths, or parts of them, that are shorter say too little.
const LITTLE: usize = 4;

/// Of a path with segments that vary, the longer of what is known before and behind them;
/// nothing where that says too little, or none varies. Whether a segment does is told by the one
/// before it and itself.
fn around(path: &str, varies: impl Fn(&str, &str) -> bool) -> Paths {
    let mut paths = Paths::default();
    let segments: Vec<&str> = path.split('/').collect();
    let before = known(&segments, &varies);
    if before == segments.len() {
        return paths;
    }
    let pairs = segments.iter().zip(segments.iter().skip(1)).rev();
    let behind = pairs
        .take_while(|(before, segment)| !varies(before, segment))
        .count();
    let prefix = format!("{}/", segments.get(..before).unwrap_or_default().join("/"));
    let last = segments.get(segments.len() - behind..).unwrap_or_default();
    let suffix = format!("/{}", last.join("/"));
    if suffix.len() > prefix.len() && suffix.len() >= LITTLE {
        paths.suffix.push(suffix);
    } else if prefix.len() >= LITTLE {
        paths.prefix.push(prefix);
    }
    paths
}

/// How many segments come before the first that varies.
fn known(segments: &[&str], varies: &impl Fn(&str, &str) -> bool) -> usize {
    let mut pairs = segments.iter().zip(segments.iter().skip(1));
    pairs
        .position(|(before, segment)| varies(before, segment))
        .map_or(segments.len(), |at| at + 1)
}

//! What is read here is what `regex-syntax` reads.

#[path = "../../tests/support/corpora.rs"]
mod corpora;

use std::collections::HashSet;

use proptest::prelude::*;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, HirKind, Repetition};

use super::*;
use crate::operators::pcre::translate;

/// The tree as `regex-syntax` has it, of which the constructors simplify it in their way;
/// without groups' numbers, and without which of several matches comes first.
fn hir(tree: &Tree, place: Place) -> Hir {
    match tree.node(place) {
        Node::Empty => Hir::empty(),
        Node::Look(look) => Hir::look(look),
        Node::Text(span, Case::Matters) => Hir::literal(tree.text(span)),
        Node::Text(span, Case::Ignored) => {
            let bytes = tree.text(span).iter();
            Hir::concat(
                bytes
                    .map(|&byte| class(ByteSet::of(&[byte]).in_both_cases()))
                    .collect(),
            )
        }
        Node::Set(set) => class(set),
        Node::Characters(_) => panic!("read as bytes"),
        Node::Repeat(part, min, max) => Hir::repetition(Repetition {
            min,
            max,
            greedy: true,
            sub: Box::new(hir(tree, part)),
        }),
        Node::Capture(part) => hir(tree, part),
        Node::Concat(parts) => Hir::concat(all(tree, parts)),
        Node::Either(parts) => choice(all(tree, parts)),
    }
}

fn all(tree: &Tree, parts: Span) -> Vec<Hir> {
    let parts = tree.parts(parts).iter();
    parts.map(|&part| hir(tree, part)).collect()
}

/// Alternatives; a set if each is one byte.
fn choice(parts: Vec<Hir>) -> Hir {
    let sets: Option<Vec<ByteSet>> = parts.iter().map(one_of).collect();
    match sets {
        Some(sets) => class(sets.into_iter().fold(ByteSet::NONE, ByteSet::or)),
        None => Hir::alternation(parts),
    }
}

fn class(set: ByteSet) -> Hir {
    let ranges = set.iter().map(|byte| ClassBytesRange::new(byte, byte));
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

fn one_of(hir: &Hir) -> Option<ByteSet> {
    let class = match hir.kind() {
        HirKind::Literal(literal) if literal.0.len() == 1 => return Some(ByteSet::of(&literal.0)),
        HirKind::Class(Class::Bytes(class)) => class.clone(),
        HirKind::Class(Class::Unicode(class)) => class.to_byte_class()?,
        _ => return None,
    };
    let ranges = class.ranges().iter();
    Some(ranges.fold(ByteSet::NONE, |set, range| {
        set.or(ByteSet::range(range.start(), range.end()))
    }))
}

/// Made anew in the same way.
fn plain(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            greedy: true,
            sub: Box::new(plain(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => plain(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(plain).collect()),
        HirKind::Alternation(parts) => choice(parts.iter().map(plain).collect()),
        HirKind::Class(_) => one_of(hir).map_or_else(|| hir.clone(), class),
        _ => hir.clone(),
    }
}

/// Made anew until nothing more is to simplify.
fn settle(mut hir: Hir) -> Hir {
    for _ in 0..4 {
        hir = plain(&hir);
    }
    hir
}

/// Whether both match the same texts; None: they are too large to tell.
///
/// `regex-syntax` simplifies in more ways than [`settle`] knows (a start that alternatives
/// share, empty alternatives), so trees that differ may mean the same. Then the automata are
/// walked together, from each kind of byte that may stand before.
fn equivalent(one: Hir, other: Hir) -> Option<bool> {
    let (one, other) = (settle(one), settle(other));
    if one == other {
        return Some(true);
    }
    let (one, other) = (automaton(&one)?, automaton(&other)?);
    let before = [None, Some(b'\n'), Some(b'\r'), Some(b'a'), Some(b' ')];
    let mut open: Vec<_> = before
        .map(|before| {
            let start = start::Config::new()
                .anchored(Anchored::Yes)
                .look_behind(before);
            (
                one.start_state(&start).unwrap(),
                other.start_state(&start).unwrap(),
            )
        })
        .into();
    let mut seen: HashSet<_> = open.iter().copied().collect();
    while let Some((at, peer)) = open.pop() {
        let ends = (one.next_eoi_state(at), other.next_eoi_state(peer));
        let bytes = (0..=255).map(|byte| (one.next_state(at, byte), other.next_state(peer, byte)));
        for pair in bytes.chain([ends]) {
            if one.is_match_state(pair.0) != other.is_match_state(pair.1) {
                return Some(false);
            }
            if pair != ends && seen.insert(pair) {
                open.push(pair);
            }
        }
    }
    Some(true)
}

fn automaton(hir: &Hir) -> Option<dense::DFA<Vec<u32>>> {
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false))
        .build_from_hir(hir)
        .ok()?;
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Anchored)
                .dfa_size_limit(Some(4 << 20))
                .determinize_size_limit(Some(4 << 20)),
        )
        .build_from_nfa(&nfa)
        .ok()
}

/// Whether it was read here.
fn agrees(pattern: &str) -> bool {
    let Some(tree) = read::read(pattern) else {
        return false;
    };
    let peer = parse(pattern).unwrap_or_else(|error| panic!("{pattern:?} is wrong: {error}"));
    let alike = equivalent(hir(&tree, tree.root()), peer);
    assert_ne!(alike, Some(false), "{pattern:?} is read as {tree:?}");
    true
}

#[test]
fn common_expressions_are_read_here() {
    for pattern in [
        "",
        "abc",
        "a|b|",
        "(a)(?:b)(?i:c)(?s-i:d.)(?-s:.)(?:)()",
        r"(?i)se(?-i)lect|union\s+all",
        "(?m)^a$|(?-m)^b$",
        "(?s)a.b",
        "a*b+?c??d{2}e{2,}f{2,3}?g{0}h*+",
        "(?:ab|c){2,4}",
        r"[a-z][^a-z][-a][a-][a\-z][\w.-][^\W_]",
        r"(?i)[a-k][^a-k][\x41-\x46]",
        r"[[:alpha:][:^digit:]x][[:punct:]][[:xdigit:]]",
        r"(?i)[[:upper:]][[:^lower:]]",
        r"\d\D\s\S\w\W\b\B\A\z\n\r\t\f\v\a\x00\x7f\xff",
        r"\.\*\[\]\{\}\(\)\^\$\|\?\+\\\-\/\%\_\ \&\~",
        "a]b}c,-",
        "((((a))))",
        "^*$?",
        "[.][+]",
        "(?:(?i)a|b)c",
        r#"[\"'`]|[;&|]"#,
    ] {
        assert!(agrees(pattern), "{pattern:?}");
    }
}

#[test]
fn expressions_that_match_other_texts_are_told_apart() {
    for (one, other, alike) in [
        (" .| (-)", " (?:.|-)", true),
        (" .| (.)", " .", true),
        ("(?:[a-z]|-)|(?m)", "[a-z-]?", true),
        ("a|b|", "a|b", false),
        ("a{2,}", "a{2,3}", false),
        ("^a", "(?-m)^a", false),
        (r"\ba", "a", false),
        (r"a\b", "a", false),
        (r"a\z", "a$", false),
    ] {
        let read = |pattern| parse(pattern).unwrap();
        assert_eq!(equivalent(read(one), read(other)), Some(alike), "{one:?}");
    }
}

#[test]
fn what_is_not_known_here_is_left_to_regex_syntax() {
    for pattern in [
        "(",
        ")",
        "a)",
        "(?",
        "(?:",
        "(?i",
        "(?)",
        "(?-)",
        "(?ii)",
        "(?i-i)",
        "(?x) a",
        "(?u)é",
        "(?P<n>a)",
        "(?<n>a)",
        "(?=a)",
        "(?#a)",
        "*",
        "a|*",
        "(+)",
        "(?i)*",
        "a{",
        "a{,2}",
        "a{x}",
        "a{3,2}",
        "a{99999999999}",
        "a****",
        "é",
        "[é]",
        "[",
        "[]",
        "[a",
        "[^",
        "[z-a]",
        r"[a-\d]",
        r"[\b]",
        "[a&&b]",
        "[a--b]",
        "[a~~b]",
        "[[a]]",
        "[[:x:]]",
        "[[:alpha]",
        "\\",
        r"\1",
        r"\p{L}",
        r"\x{41}",
        r"\xg0",
        r"\b{start}",
        r"\<",
        r"\Q",
        r"\u0041",
        r"\é",
    ] {
        assert!(read::read(pattern).is_none(), "{pattern:?}");
    }
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(tree(&deep).is_err());
}

#[test]
fn nested_to_the_bound_it_is_not_too_deep_for_regex_syntax() {
    let deep = |depth: usize| format!("{}a{}", "(?:b|c".repeat(depth), "|x)*+?".repeat(depth));
    let deepest = (0..).take_while(|&depth| read::read(&deep(depth)).is_some());
    let deepest = deepest.last().unwrap();
    assert!(deepest > 10);
    assert!(agrees(&deep(deepest)));
}

#[test]
fn of_the_core_rule_set_nearly_all_is_read_here() {
    let Some(folder) = corpora::corpora("crs/rules") else {
        return;
    };
    let (mut here, mut all) = (0, 0);
    for entry in std::fs::read_dir(folder.join("crs/rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let rules = text.lines().filter_map(|line| {
            let rule = line.trim_start().strip_prefix("SecRule ")?;
            rule.split_once("\"@rx ")
        });
        for (_, pattern) in rules {
            // Quoted as the rule language does it.
            let quoted = pattern.trim_end_matches(['\\', ' ', '"']);
            all += 1;
            here += usize::from(agrees(&translate(&quoted.replace("\\\"", "\""))));
        }
    }
    assert!(all > 250 && here * 100 >= all * 95, "{here} of {all}");
}

/// Expressions, right and wrong, of what they are written with.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => "[a-dA-D0-2<=;., -]{1,3}",
        2 => r"\[\^?-?[a-d\^,;-]{0,4}(\[:\^?(alpha|digit|lower|word):\])?\\?[dwWsnx&.-]?\]",
        2 => r"\\[a-zA-Z0-9.<>\[\]{}&~-]",
        1 => r"\\x[0-9a-f]{2}",
        1 => "[.^$]",
        1 => r"\(\?[ims]{0,2}-?[imsx]{0,1}\)",
        1 => r"[(){}\[\]|*+?\\é]",
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join("|")),
            2 => (r"\((\?[ims]{0,1}(-[ims])?:)?", inner.clone())
                .prop_map(|(open, inner)| format!("{open}{inner})")),
            2 => (inner, r"[*+?]{1,3}|\{[0-9]{0,2},?[0-9]{0,2}\}\??")
                .prop_map(|(inner, count)| format!("{inner}{count}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_is_read_here_is_read_alike(pattern in pattern()) {
        agrees(&pattern);
    }

    #[test]
    fn what_is_read_otherwise_is_the_same_tree(pattern in pattern()) {
        if let Ok(peer) = parse(&pattern) {
            let tree = super::hir::convert(&peer);
            // Which characters beyond ASCII they are is not kept.
            if !tree.nodes.iter().any(|node| matches!(node, Node::Characters(_))) {
                prop_assert_ne!(equivalent(hir(&tree, tree.root()), peer), Some(false));
            }
        }
    }
}

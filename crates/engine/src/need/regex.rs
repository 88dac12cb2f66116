//! The need of a regular expression: what its syntax tree cannot do without.
//!
//! As the trigram filters of code search find it (R. Cox, "Regular Expression
//! Matching with a Trigram Index", 2012; RE2's `prefilter.cc`), with sets of
//! bytes beside texts: a part of the tree is either an exact, small set of
//! strings, or a need.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::{ByteSet, Need, plain};

/// What is known of a part: which strings it matches, or what those hold.
enum Known {
    /// All strings that it can match, in ASCII lower case.
    Exact(Vec<Vec<u8>>),
    Some(Need),
}

/// Strings of an exact set at most.
const STRINGS: usize = 300;
/// Bytes of all strings of an exact set at most.
const BYTES: usize = 8 * 1024;
/// Bytes of a class that becomes an exact set.
const CLASS: usize = 8;
/// Nesting of the tree that is looked into.
const DEPTH: usize = 100;

/// What every match of the expression holds.
pub(crate) fn need(hir: &Hir) -> Need {
    let whole = |hir: &Hir| known(hir, DEPTH).into_need();
    let mut need = whole(hir);
    plain::add(hir, &mut need, whole);
    need
}

impl Known {
    fn into_need(self) -> Need {
        match self {
            Self::Exact(strings) => {
                let mut need = Need::nothing();
                need.and_one_of(strings);
                need
            }
            Self::Some(need) => need,
        }
    }

    fn empty() -> Self {
        Self::Exact(vec![Vec::new()])
    }
}

fn fits(strings: usize, bytes: usize) -> bool {
    strings <= STRINGS && bytes <= BYTES
}

fn known(hir: &Hir, depth: usize) -> Known {
    let Some(depth) = depth.checked_sub(1) else {
        return Known::Some(Need::nothing());
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::empty(),
        HirKind::Literal(literal) => Known::Exact(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => of_class(class),
        HirKind::Repetition(repetition) => of_repetition(repetition, depth),
        HirKind::Capture(capture) => known(&capture.sub, depth),
        HirKind::Concat(parts) => of_concat(parts, depth),
        HirKind::Alternation(parts) => of_alternation(parts, depth),
    }
}

fn of_class(class: &Class) -> Known {
    // Expressions are compiled for bytes; only what switches Unicode on has characters.
    let ascii = match class {
        Class::Bytes(class) => Some(class.clone()),
        Class::Unicode(class) => class.to_byte_class(),
    };
    let Some(class) = ascii else {
        return Known::Some(Need::nothing());
    };
    of_set(class.ranges().iter().fold(ByteSet::NONE, |set, range| {
        set.or(ByteSet::range(range.start(), range.end()))
    }))
}

fn of_set(set: ByteSet) -> Known {
    let folded = set.folded();
    if folded.len() <= CLASS {
        return Known::Exact(folded.iter().map(|byte| vec![byte]).collect());
    }
    Known::Some(Need::byte(folded))
}

fn of_repetition(repetition: &Repetition, depth: usize) -> Known {
    let inner = known(&repetition.sub, depth);
    match (repetition.min, repetition.max, inner) {
        (0, Some(1), Known::Exact(mut strings)) if strings.len() < STRINGS => {
            strings.push(Vec::new());
            Known::Exact(strings)
        }
        (0, ..) => Known::Some(Need::nothing()),
        (1, Some(1), inner) => inner,
        (least, most, Known::Exact(strings)) => {
            /// Copies that are written out.
            const COPIES: u32 = 4;
            let all = most == Some(least) && least <= COPIES;
            let mut product = Product::new();
            for _ in 0..least.min(COPIES) {
                product.append(&strings);
            }
            match all {
                true => product.end(),
                false => Known::Some(product.end().into_need()),
            }
        }
        (.., Known::Some(need)) => Known::Some(need),
    }
}

/// One part after the other: the strings so far, and what is known of earlier parts.
struct Product {
    strings: Vec<Vec<u8>>,
    need: Need,
    /// Whether everything so far is in `strings`.
    exact: bool,
}

impl Product {
    fn new() -> Self {
        Self {
            strings: vec![Vec::new()],
            need: Need::nothing(),
            exact: true,
        }
    }

    fn append(&mut self, next: &[Vec<u8>]) {
        let bytes = |strings: &[Vec<u8>]| strings.iter().map(Vec::len).sum::<usize>();
        let size = bytes(&self.strings) * next.len() + bytes(next) * self.strings.len();
        if !fits(self.strings.len() * next.len(), size) {
            self.flush();
            self.strings = next.to_vec();
            return;
        }
        let mut longer = Vec::with_capacity(self.strings.len() * next.len());
        for head in &self.strings {
            for tail in next {
                longer.push([head.as_slice(), tail].concat());
            }
        }
        longer.sort_unstable();
        longer.dedup();
        self.strings = longer;
    }

    /// What is in the strings becomes part of the need.
    fn flush(&mut self) {
        self.exact = false;
        self.need.and_one_of(std::mem::take(&mut self.strings));
        self.strings = vec![Vec::new()];
    }

    fn end(mut self) -> Known {
        if self.exact {
            return Known::Exact(self.strings);
        }
        self.flush();
        Known::Some(self.need)
    }
}

fn of_concat(parts: &[Hir], depth: usize) -> Known {
    let mut product = Product::new();
    for part in parts {
        match known(part, depth) {
            Known::Exact(strings) => product.append(&strings),
            Known::Some(need) => {
                product.flush();
                product.need.and(need);
            }
        }
    }
    product.end()
}

fn of_alternation(parts: &[Hir], depth: usize) -> Known {
    let parts: Vec<Known> = parts.iter().map(|part| known(part, depth)).collect();
    let exact: Option<Vec<&Vec<Vec<u8>>>> = parts
        .iter()
        .map(|part| match part {
            Known::Exact(strings) => Some(strings),
            Known::Some(_) => None,
        })
        .collect();
    if let Some(sets) = exact {
        let mut strings: Vec<Vec<u8>> = sets.into_iter().flatten().cloned().collect();
        strings.sort_unstable();
        strings.dedup();
        if fits(strings.len(), strings.iter().map(Vec::len).sum()) {
            return Known::Exact(strings);
        }
    }
    let needs: Vec<Need> = parts.into_iter().map(Known::into_need).collect();
    Known::Some(Need::any(&needs))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::need::Clause;

    fn need_of(pattern: &str) -> Need {
        let tree = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(pattern)
            .unwrap();
        need(&tree)
    }

    #[test]
    fn the_most_telling_part_is_found() {
        for (pattern, without) in [
            (r"(?i)union\s+select", "union all"),
            (r"<script[^>]*>", "script"),
            (r"(?:etc|proc)/(?:passwd|self)", "etc-passwd"),
            (r"a?b{2}x+<", "abbx"),
            (r"[;|]\s*(?:cat|ls)\b", "cat"),
            (r"x(?:ab|cd){2}", "xabab".get(..3).unwrap_or_default()),
        ] {
            assert!(!need_of(pattern).is_met_by(without.as_bytes()), "{pattern}");
        }
        for pattern in ["", "a*", "(?:<|a?)", r"[^a]*", r"\b", "(?:x|)"] {
            assert_eq!(need_of(pattern), Need::nothing(), "{pattern}");
        }
    }

    #[test]
    fn a_text_is_better_than_its_bytes() {
        let need = need_of(r"\bhttp-equiv\b");
        let text = Clause::Text(vec![b"http-equiv".to_vec()], ByteSet::NONE);
        assert!(need.clauses().any(|(_, clause)| *clause == text));
    }

    /// Expressions of the kinds that rules have.
    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-d<=;]{1,4}",
            Just("[ab]".to_owned()),
            Just("[^<]".to_owned()),
            Just(r"\s".to_owned()),
            Just(r"\d".to_owned()),
            Just("(?i:select)".to_owned()),
            Just(r"\xff".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                (
                    inner,
                    prop_oneof!["[*+?]", Just("{2}".to_owned()), Just("{1,3}".to_owned())]
                )
                    .prop_map(|(inner, count)| format!("(?:{inner}){count}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_matches_meets_the_need(pattern in pattern()) {
            let need = need_of(&pattern);
            let strings = proptest::string::bytes_regex(&format!("(?s-u){pattern}")).unwrap();
            let mut runner = TestRunner::deterministic();
            for _ in 0..20 {
                let string = strings.new_tree(&mut runner).unwrap().current();
                prop_assert!(need.is_met_by(&string), "{:?} {}", need, string.escape_ascii());
                let upper = string.to_ascii_uppercase();
                prop_assert!(need.is_met_by(&upper), "{:?} {}", need, upper.escape_ascii());
            }
        }
    }
}

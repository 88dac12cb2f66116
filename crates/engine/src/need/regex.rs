//! The need of a regular expression: what its syntax cannot do without.
//!
//! As the trigram filters of code search find it (R. Cox, "Regular Expression
//! Matching with a Trigram Index", 2012; RE2's `prefilter.cc`), with sets of
//! bytes beside texts: a part of the tree is either an exact, small set of
//! strings, or a need.

use super::{ByteSet, Need, Strings, plain};
use crate::expression::{Node, Place, Tree};

/// What is known of a part: which strings it matches, or what those hold.
enum Known {
    /// All strings that it can match, in ASCII lower case.
    Exact(Strings),
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
pub(crate) fn need(tree: &Tree) -> Need {
    let mut need = need_within(tree, ByteSet::ALL).unwrap_or_default();
    plain::add(tree, &mut need);
    need
}

/// What every match of the expression holds in a value of these bytes alone, of which letters
/// are in both cases; none: nothing matches.
pub(super) fn need_within(tree: &Tree, alphabet: ByteSet) -> Option<Need> {
    let mut finder = Finder {
        tree,
        alphabet,
        spare: Vec::new(),
    };
    let known = finder.known(tree.root(), DEPTH)?;
    Some(finder.need(known))
}

struct Finder<'t> {
    tree: &'t Tree,
    alphabet: ByteSet,
    /// Memory to be used again.
    spare: Vec<Strings>,
}

fn fits(strings: usize, bytes: usize) -> bool {
    strings <= STRINGS && bytes <= BYTES
}

/// One part after the other: the strings so far, and what is known of earlier parts.
struct Product {
    strings: Strings,
    need: Need,
    /// Whether everything so far is in `strings`.
    exact: bool,
}

impl Finder<'_> {
    fn known(&mut self, place: Place, depth: usize) -> Option<Known> {
        let Some(depth) = depth.checked_sub(1) else {
            return Some(Known::Some(Need::nothing()));
        };
        match self.tree.node(place) {
            Node::Empty | Node::Look(_) => Some(Known::Exact(self.one(&[]))),
            Node::Text(span, _) => {
                let text = self.tree.text(span);
                let all = text.iter().all(|&byte| self.alphabet.contains(byte));
                all.then(|| Known::Exact(self.one(text)))
            }
            Node::Set(set) => self.of_set(set.and(self.alphabet)),
            Node::Characters(_) => Some(Known::Some(Need::nothing())),
            Node::Repeat(part, least, most) => self.of_repeat(part, least, most, depth),
            Node::Capture(part) => self.known(part, depth),
            Node::Concat(parts) => self.of_concat(self.tree.parts(parts), depth),
            Node::Either(parts) => self.of_either(self.tree.parts(parts), depth),
        }
    }

    fn of_set(&mut self, set: ByteSet) -> Option<Known> {
        let folded = set.folded();
        match folded.len() {
            0 => None,
            1..=CLASS => {
                let mut strings = self.strings();
                folded.iter().for_each(|byte| strings.push(&[byte]));
                Some(Known::Exact(strings))
            }
            _ => Some(Known::Some(Need::byte(folded))),
        }
    }

    fn of_repeat(
        &mut self,
        part: Place,
        least: u32,
        most: Option<u32>,
        depth: usize,
    ) -> Option<Known> {
        let Some(inner) = self.known(part, depth) else {
            return (least == 0).then(|| Known::Exact(self.one(&[])));
        };
        Some(match (least, most, inner) {
            (0, Some(1), Known::Exact(mut strings)) if strings.len() < STRINGS => {
                strings.push(&[]);
                strings.order();
                Known::Exact(strings)
            }
            (0, ..) => Known::Some(Need::nothing()),
            (1, Some(1), inner) => inner,
            (least, most, Known::Exact(strings)) => {
                /// Copies that are written out.
                const COPIES: u32 = 4;
                let all = most == Some(least) && least <= COPIES;
                let mut product = self.product();
                for _ in 0..least.min(COPIES) {
                    self.append(&mut product, &strings);
                }
                self.spare(strings);
                match (all, self.end(product)) {
                    (true, known) => known,
                    (false, known) => Known::Some(self.need(known)),
                }
            }
            (.., Known::Some(need)) => Known::Some(need),
        })
    }

    fn of_concat(&mut self, parts: &[Place], depth: usize) -> Option<Known> {
        let mut product = self.product();
        for &part in parts {
            match self.known(part, depth)? {
                Known::Exact(strings) => {
                    self.append(&mut product, &strings);
                    self.spare(strings);
                }
                Known::Some(need) => {
                    self.flush(&mut product);
                    product.need.and(need);
                }
            }
        }
        Some(self.end(product))
    }

    fn of_either(&mut self, parts: &[Place], depth: usize) -> Option<Known> {
        let known = parts.iter().filter_map(|&part| self.known(part, depth));
        let known: Vec<Known> = known.collect();
        if known.is_empty() {
            return None;
        }
        let exact: Option<Vec<&Strings>> = known
            .iter()
            .map(|known| match known {
                Known::Exact(strings) => Some(strings),
                Known::Some(_) => None,
            })
            .collect();
        if let Some(sets) = exact {
            let mut all = self.strings();
            let strings = sets.into_iter().flat_map(Strings::iter);
            strings.for_each(|string| all.push(string));
            all.order();
            if fits(all.len(), all.size()) {
                return Some(Known::Exact(all));
            }
        }
        let needs: Vec<Need> = known.into_iter().map(|known| self.need(known)).collect();
        Some(Known::Some(Need::any(&needs)))
    }

    fn product(&mut self) -> Product {
        Product {
            strings: self.one(&[]),
            need: Need::nothing(),
            exact: true,
        }
    }

    fn append(&mut self, product: &mut Product, next: &Strings) {
        let before = &product.strings;
        let size = before.size() * next.len() + next.size() * before.len();
        if !fits(before.len() * next.len(), size) {
            self.flush(product);
        }
        let mut longer = self.strings();
        for head in product.strings.iter() {
            for tail in next.iter() {
                longer.push_joined(head, tail);
            }
        }
        longer.order();
        let before = std::mem::replace(&mut product.strings, longer);
        self.spare(before);
    }

    /// What is in the strings becomes part of the need.
    fn flush(&mut self, product: &mut Product) {
        product.exact = false;
        let one = self.one(&[]);
        let strings = std::mem::replace(&mut product.strings, one);
        product.need.and_one_of(&strings);
        self.spare(strings);
    }

    fn end(&mut self, mut product: Product) -> Known {
        if product.exact {
            return Known::Exact(product.strings);
        }
        self.flush(&mut product);
        Known::Some(product.need)
    }

    fn need(&mut self, known: Known) -> Need {
        match known {
            Known::Exact(strings) => {
                let need = Need::text_of(&strings);
                self.spare(strings);
                need
            }
            Known::Some(need) => need,
        }
    }

    fn one(&mut self, string: &[u8]) -> Strings {
        let mut strings = self.strings();
        strings.push(string);
        strings
    }

    fn strings(&mut self) -> Strings {
        self.spare.pop().unwrap_or_default()
    }

    fn spare(&mut self, mut strings: Strings) {
        strings.clear();
        self.spare.push(strings);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::need::Clause;

    fn need_of(pattern: &str) -> Need {
        need(&crate::expression::tree(pattern).unwrap())
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
        let text = Clause::Text(
            [b"http-equiv".as_slice()].into_iter().collect(),
            ByteSet::NONE,
        );
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

//! What an expression needs of values that consist of ordinary bytes alone.
//!
//! Many rules look for a word with whatever may be put between its letters (`c\a"t`), or for
//! one of many things. Nothing that they have in common says much. But where a value has no
//! byte beyond letters, digits and some marks, what is left of such an expression is short:
//! plain words, or nothing at all.

use super::regex::need_within;
use super::{ByteSet, Clause, Need};
use crate::expression::Tree;

/// Ordinary bytes, letters in both cases, the most at first, and the share of ordinary values that have others.
const ALPHABETS: [(ByteSet, f64); 3] = [
    (WORDS.or(ByteSet::of(b"/:,=@+")), 0.2),
    (WORDS, 0.4),
    (ByteSet::range(b'0', b'9').or(ByteSet::of(b".-:")), 0.7),
];
const WORDS: ByteSet = ByteSet::ALPHANUMERIC.or(ByteSet::of(b" _-."));

/// A need that so few values meet is good enough.
const TELLING: f64 = 0.02;

/// Adds to the need of an expression what it needs of ordinary values.
pub(super) fn add(tree: &Tree, need: &mut Need) {
    for (alphabet, others) in ALPHABETS {
        if need.share() < TELLING {
            return;
        }
        let beyond = alphabet.complement().folded();
        let Some(within) = need_within(tree, alphabet) else {
            // Smaller alphabets would say less; so does this, where a rarer byte is needed.
            let known = need.clauses.iter().any(|(_, clause)| match clause {
                Clause::Byte(set) => set.or(beyond) == beyond,
                Clause::Text(..) => false,
            });
            if !known {
                need.insert(others, Clause::Byte(beyond));
            }
            return;
        };
        let (mut byte, mut text) = (None, None);
        for (hits, clause) in within.clauses {
            match clause {
                Clause::Byte(set) => byte.get_or_insert((hits, Clause::Byte(set.or(beyond)))),
                Clause::Text(words, _) => text.get_or_insert((hits, Clause::Text(words, beyond))),
            };
        }
        for (hits, clause) in byte.into_iter().chain(text) {
            need.insert(hits + others, clause);
        }
    }
}

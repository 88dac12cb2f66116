//! What an expression needs of values that consist of ordinary bytes alone.
//!
//! Many rules look for a word with whatever may be put between its letters (`c\a"t`), or for
//! one of many things. Nothing that they have in common says much. But where a value has no
//! byte beyond letters, digits and some marks, what is left of such an expression is short:
//! plain words, or nothing at all.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind};

use super::{ByteSet, Clause, Need};

/// Ordinary bytes, the most at first, and the share of ordinary values that have others.
const ALPHABETS: [(ByteSet, f64); 3] = [
    (WORDS.or(ByteSet::of(b"/:,=@+")), 0.2),
    (WORDS, 0.4),
    (ByteSet::range(b'0', b'9').or(ByteSet::of(b".-:")), 0.7),
];
const WORDS: ByteSet = ByteSet::ALPHANUMERIC.or(ByteSet::of(b" _-."));

/// A need that so few values meet is good enough.
const TELLING: f64 = 0.02;

/// Adds to the need of an expression what it needs of ordinary values.
pub(super) fn add(hir: &Hir, need: &mut Need, of: impl Fn(&Hir) -> Need) {
    for (alphabet, others) in ALPHABETS {
        if need.share() < TELLING {
            return;
        }
        let beyond = alphabet.complement().folded();
        let Some(rest) = restricted(hir, alphabet) else {
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
        for (hits, clause) in of(&rest).clauses {
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

/// The expression for values of these bytes only; none: it matches none of them.
fn restricted(hir: &Hir, alphabet: ByteSet) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => {
            let all = literal.0.iter().all(|&byte| alphabet.contains(byte));
            return all.then(|| hir.clone());
        }
        HirKind::Class(Class::Bytes(class)) => {
            let set = class.ranges().iter().fold(ByteSet::NONE, |set, range| {
                set.or(ByteSet::range(range.start(), range.end()))
            });
            let left = set.and(alphabet);
            if left.is_empty() {
                return None;
            }
            let ranges = left.iter().map(|byte| ClassBytesRange::new(byte, byte));
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
        // Characters are written with bytes of any kind.
        HirKind::Class(Class::Unicode(_)) => hir.clone(),
        HirKind::Repetition(repetition) => match restricted(&repetition.sub, alphabet) {
            Some(sub) => Hir::repetition(repetition.with(sub)),
            None if repetition.min == 0 => Hir::empty(),
            None => return None,
        },
        HirKind::Capture(capture) => restricted(&capture.sub, alphabet)?,
        HirKind::Concat(parts) => {
            let parts = parts.iter().map(|part| restricted(part, alphabet));
            Hir::concat(parts.collect::<Option<_>>()?)
        }
        HirKind::Alternation(parts) => {
            let parts = parts.iter().filter_map(|part| restricted(part, alphabet));
            let parts: Vec<Hir> = parts.collect();
            if parts.is_empty() {
                return None;
            }
            Hir::alternation(parts)
        }
    })
}

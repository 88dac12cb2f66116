//! What a value must hold for an operator to match it at all.
//!
//! Most values match no rule, and most rules cannot match without some rare
//! byte or word. A [`Need`] says which; the planner runs a rule only on values
//! that meet it. A need may be too weak, never too strong: what it rules out
//! must not match.

mod byte_set;
mod plain;
pub(crate) mod regex;
mod strings;

pub use byte_set::ByteSet;
pub use strings::Strings;

/// A conjunction of clauses; without any, nothing is known. ASCII case is ignored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Need {
    /// Each with the share of ordinary values that meet it, roughly.
    clauses: Vec<(f64, Clause)>,
}

/// One thing that a value must hold, in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clause {
    /// A byte of this set.
    Byte(ByteSet),
    /// One of these texts, none of them empty; or else a byte of the set.
    Text(Strings, ByteSet),
}

/// Clauses that a need keeps at most.
const CLAUSES: usize = 12;
/// Texts of one clause at most.
const TEXTS: usize = 2000;

impl Need {
    /// Nothing is known of what matches.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A byte of the set.
    pub fn byte(set: ByteSet) -> Self {
        let mut need = Self::nothing();
        need.push(Clause::Byte(set.folded()));
        need
    }

    /// One of the texts.
    pub fn text<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut texts: Strings = texts.into_iter().collect();
        texts.order();
        Self::text_of(&texts)
    }

    /// One of the texts, which are in order.
    fn text_of(texts: &Strings) -> Self {
        let mut need = Self::nothing();
        need.and_one_of(texts);
        need
    }

    /// The clauses, the most telling first, each with the share of ordinary
    /// values that meet it: an estimate, for comparison.
    pub fn clauses(&self) -> impl Iterator<Item = (f64, &Clause)> {
        self.clauses.iter().map(|(hits, clause)| (*hits, clause))
    }

    /// Whether a value meets it. For tests and small plans: it reads the value clause by clause.
    pub fn is_met_by(&self, value: &[u8]) -> bool {
        let folded = value.to_ascii_lowercase();
        self.clauses.iter().all(|(_, clause)| match clause {
            Clause::Byte(set) => folded.iter().any(|&byte| set.contains(byte)),
            Clause::Text(texts, or) => {
                folded.iter().any(|&byte| or.contains(byte))
                    || texts
                        .iter()
                        .any(|text| memchr::memmem::find(&folded, text).is_some())
            }
        })
    }

    /// Adds a clause, unless it says next to nothing.
    fn push(&mut self, clause: Clause) {
        /// A byte that nine of ten values have.
        const COMMON: f64 = 0.9;
        let hits = match &clause {
            Clause::Byte(set) => frequency(*set),
            Clause::Text(texts, _) => texts.iter().map(expected).sum(),
        };
        if matches!(clause, Clause::Byte(_)) && hits > COMMON {
            return;
        }
        self.insert(hits, clause);
    }

    fn insert(&mut self, hits: f64, clause: Clause) {
        if self.clauses.iter().any(|(_, known)| *known == clause) {
            return;
        }
        let at = self.clauses.partition_point(|(known, _)| *known <= hits);
        self.clauses.insert(at, (hits, clause));
        self.clauses.truncate(CLAUSES);
    }

    /// Both needs hold.
    fn and(&mut self, other: Self) {
        for (hits, clause) in other.clauses {
            self.insert(hits, clause);
        }
    }

    /// One of these texts, which are in order, is held: also some byte of each of them.
    fn and_one_of(&mut self, texts: &Strings) {
        if texts.is_empty() || texts.iter().any(<[u8]>::is_empty) {
            return;
        }
        self.push(Clause::Byte(rarest_bytes(texts)));
        if texts.iter().all(|text| text.len() > 1) && texts.len() <= TEXTS {
            self.push(Clause::Text(texts.clone(), ByteSet::NONE));
        }
    }

    /// The share of ordinary values that meet it, roughly: its clauses are not independent.
    fn share(&self) -> f64 {
        let clauses = self.clauses.iter().take(2);
        clauses.map(|(hits, _)| hits.min(1.0)).product()
    }

    /// At least one of the needs holds.
    fn any(needs: &[Self]) -> Self {
        let Some((first, others)) = needs.split_first() else {
            return Self::nothing();
        };
        if others.is_empty() {
            return first.clone();
        }
        let mut either = Self::nothing();
        for (_, clause) in &first.clauses {
            let Clause::Byte(set) = clause else {
                continue;
            };
            let union = others.iter().try_fold(*set, |union, need| {
                let sets = need.clauses.iter().filter_map(|(_, clause)| match clause {
                    Clause::Byte(set) => Some(set.or(union)),
                    Clause::Text(..) => None,
                });
                sets.map(|wider| (frequency(wider), wider))
                    .min_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, wider)| wider)
            });
            if let Some(union) = union {
                either.push(Clause::Byte(union));
            }
        }
        fn best(need: &Need) -> Option<&Strings> {
            need.clauses.iter().find_map(|(_, clause)| match clause {
                Clause::Text(texts, ByteSet::NONE) => Some(texts),
                _ => None,
            })
        }
        if let Some(sets) = needs.iter().map(best).collect::<Option<Vec<_>>>() {
            let mut texts: Strings = sets.into_iter().flat_map(Strings::iter).collect();
            texts.order();
            if texts.len() <= TEXTS {
                either.push(Clause::Text(texts, ByteSet::NONE));
            }
        }
        either
    }
}

/// For each text its rarest byte.
fn rarest_bytes(texts: &Strings) -> ByteSet {
    // Bytes that are chosen already cost nothing more.
    texts.iter().fold(ByteSet::NONE, |set, text| {
        if text.iter().any(|&byte| set.contains(byte)) {
            return set;
        }
        let rarest = text
            .iter()
            .min_by(|a, b| weight(**a).total_cmp(&weight(**b)));
        rarest.map_or(set, |&byte| set.with(byte))
    })
}

/// The part of so many bytes that ordinary values hold least often.
pub(crate) fn rarest_part(text: &[u8], bytes: usize) -> &[u8] {
    let parts = text.windows(bytes.max(1));
    parts
        .map(|part| (expected(part), part))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(text, |(_, part)| part)
}

/// The share of ordinary values that hold a byte of the set, roughly.
fn frequency(set: ByteSet) -> f64 {
    let mut without = 1.0;
    for byte in set.iter() {
        without *= 1.0 - weight(byte);
        if without < 0.01 {
            break;
        }
    }
    1.0 - without
}

/// How often an ordinary value of about 16 bytes holds the text, roughly.
fn expected(text: &[u8]) -> f64 {
    text.iter().map(|&byte| weight(byte) / 4.0).product::<f64>() * 16.0
}

/// The share of ordinary values (parameters, cookies, header values) that hold the byte.
fn weight(byte: u8) -> f64 {
    WEIGHTS.get(usize::from(byte)).copied().unwrap_or(1.0)
}

/// Estimates from ordinary requests; they decide what is tried first, not what matches.
const WEIGHTS: [f64; 256] = {
    let mut weights = [0.0; 256];
    let mut byte = 0;
    while byte < weights.len() {
        weights[byte] = match (byte as u8).to_ascii_lowercase() {
            b'e' | b'a' | b'o' | b'i' | b'n' | b't' | b'r' | b's' => 0.5,
            b'l' | b'c' | b'd' | b'm' | b'p' | b'u' => 0.35,
            b'a'..=b'z' => 0.2,
            b'0' | b'1' | b'2' => 0.3,
            b'0'..=b'9' => 0.2,
            b'.' | b'-' | b'/' | b' ' => 0.2,
            b'_' | b'=' | b',' | b':' => 0.12,
            b';' | b'(' | b')' | b'%' | b'+' | b'&' => 0.08,
            b'?' | b'"' | b'*' | b'@' => 0.04,
            0x80..=0xff => 0.005,
            b'\n' | b'\r' | b'\'' | b'!' | b'[' | b']' | b'{' | b'}' | b'#' => 0.015,
            _ => 0.004,
        };
        byte += 1;
    }
    weights
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_met_whatever_the_case() {
        let need = Need::text([b"SELECT".as_slice(), b"union"]);
        assert!(need.is_met_by(b"1 UNION all"));
        assert!(!need.is_met_by(b"uni on"));
        assert!(Need::nothing().is_met_by(b""));
        assert!(Need::byte(ByteSet::of(b"<Q")).is_met_by(b"q"));
        assert!(!Need::byte(ByteSet::of(b"<Q")).is_met_by(b"x"));
    }

    #[test]
    fn either_of_two_needs_asks_for_less_than_each() {
        let need = Need::any(&[
            Need::text([b"<script".as_slice()]),
            Need::text([b"<iframe".as_slice()]),
        ]);
        assert!(need.is_met_by(b"<SCRIPT>") && need.is_met_by(b"<iframe>"));
        assert!(!need.is_met_by(b"script iframe"));
        let with_nothing = Need::any(&[need, Need::nothing()]);
        assert_eq!(with_nothing, Need::nothing());
    }
}

//! What a value must hold for an operator to match it at all.
//!
//! Most values match no rule, and most rules cannot match without some rare
//! byte or word. A [`Need`] says which; the planner runs a rule only on values
//! that meet it. A need may be too weak, never too strong: what it rules out
//! must not match.

mod byte_set;
pub(crate) mod regex;

pub use byte_set::ByteSet;

/// A conjunction of clauses; without any, nothing is known. ASCII case is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    clauses: Vec<Clause>,
}

/// One thing that a value must hold, in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clause {
    /// A byte of this set.
    Byte(ByteSet),
    /// One of these texts; none of them is empty.
    Text(Vec<Vec<u8>>),
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
        Self::of(vec![Clause::Byte(set.folded())])
    }

    /// One of the texts.
    pub fn text<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut need = Self::nothing();
        need.and_one_of(texts.into_iter().map(<[u8]>::to_ascii_lowercase).collect());
        need
    }

    /// The clauses, the most telling first.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether a value meets it. For tests and small plans: it reads the value clause by clause.
    pub fn is_met_by(&self, value: &[u8]) -> bool {
        let folded = value.to_ascii_lowercase();
        self.clauses.iter().all(|clause| match clause {
            Clause::Byte(set) => folded.iter().any(|&byte| set.contains(byte)),
            Clause::Text(texts) => texts
                .iter()
                .any(|text| memchr::memmem::find(&folded, text).is_some()),
        })
    }

    fn of(clauses: Vec<Clause>) -> Self {
        let mut need = Self { clauses };
        need.tidy();
        need
    }

    /// Both needs hold.
    fn and(&mut self, other: Self) {
        self.clauses.extend(other.clauses);
        self.tidy();
    }

    /// One of these texts (in lower case) is held: also some byte of each of them.
    fn and_one_of(&mut self, mut texts: Vec<Vec<u8>>) {
        if texts.is_empty() || texts.iter().any(Vec::is_empty) {
            return;
        }
        texts.sort_unstable();
        texts.dedup();
        self.clauses.push(Clause::Byte(rarest_bytes(&texts)));
        if texts.iter().all(|text| text.len() > 1) && texts.len() <= TEXTS {
            self.clauses.push(Clause::Text(texts));
        }
        self.tidy();
    }

    /// At least one of the needs holds.
    fn any(needs: &[Self]) -> Self {
        let Some((first, others)) = needs.split_first() else {
            return Self::nothing();
        };
        if others.is_empty() {
            return first.clone();
        }
        let mut clauses = Vec::new();
        for clause in &first.clauses {
            let Clause::Byte(set) = clause else {
                continue;
            };
            let mut union = *set;
            let nearest = |union: ByteSet, need: &Self| {
                let sets = need.clauses.iter().filter_map(|clause| match clause {
                    Clause::Byte(set) => Some(set.or(union)),
                    Clause::Text(_) => None,
                });
                sets.min_by(|a, b| frequency(*a).total_cmp(&frequency(*b)))
            };
            let all = others.iter().all(|need| match nearest(union, need) {
                Some(wider) => {
                    union = wider;
                    true
                }
                None => false,
            });
            if all {
                clauses.push(Clause::Byte(union));
            }
        }
        let best = |need: &Self| {
            need.clauses.iter().find_map(|clause| match clause {
                Clause::Text(texts) => Some(texts.clone()),
                Clause::Byte(_) => None,
            })
        };
        if let Some(texts) = needs.iter().map(best).collect::<Option<Vec<_>>>() {
            let mut texts = texts.concat();
            texts.sort_unstable();
            texts.dedup();
            if texts.len() <= TEXTS {
                clauses.push(Clause::Text(texts));
            }
        }
        Self::of(clauses)
    }

    /// The most telling clauses first; what says next to nothing goes.
    fn tidy(&mut self) {
        /// A byte that nine of ten values have.
        const COMMON: f64 = 0.9;
        self.clauses
            .retain(|clause| !matches!(clause, Clause::Byte(set) if frequency(*set) > COMMON));
        self.clauses.sort_by(|a, b| a.hits().total_cmp(&b.hits()));
        self.clauses.dedup();
        self.clauses.truncate(CLAUSES);
    }
}

impl Clause {
    /// How often ordinary values meet it, roughly: for comparison alone.
    pub(crate) fn hits(&self) -> f64 {
        match self {
            Self::Byte(set) => frequency(*set),
            Self::Text(texts) => texts.iter().map(|text| expected(text)).sum(),
        }
    }
}

/// For each text its rarest byte.
fn rarest_bytes(texts: &[Vec<u8>]) -> ByteSet {
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

/// The share of ordinary values that hold a byte of the set, roughly.
fn frequency(set: ByteSet) -> f64 {
    let without: f64 = set.iter().map(|byte| 1.0 - weight(byte)).product();
    1.0 - without
}

/// How often an ordinary value of about 16 bytes holds the text, roughly.
fn expected(text: &[u8]) -> f64 {
    text.iter().map(|&byte| weight(byte) / 4.0).product::<f64>() * 16.0
}

/// The share of ordinary values (parameters, cookies, header values) that hold the byte.
///
/// Estimates from ordinary requests; they decide what is tried first, not what matches.
fn weight(byte: u8) -> f64 {
    match byte.to_ascii_lowercase() {
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
    }
}

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

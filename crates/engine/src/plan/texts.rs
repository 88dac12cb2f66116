//! Texts that gates ask for, searched all at once.
//!
//! A text is known by three bytes of its rarest part. A value is walked once:
//! a bit says of three bytes whether some text has them, and only then the
//! text is compared. That takes little memory, is made in no time, and costs a
//! few instructions a byte; automata of as many texts take megabytes and are
//! slower to make than all the rest of a rule set.

use hashbrown::HashMap;

use crate::need;

/// Bytes of a text that are searched for: more tells little more.
const BYTES: usize = 6;
/// Bits of the hash of three bytes.
const HASH_BITS: u32 = 16;
/// Words of a table of bits for two bytes, or for the hash of three.
const WORDS: usize = 1 << (16 - 6);

/// The texts of clauses, while rules are compiled.
#[derive(Default)]
pub(crate) struct Texts {
    /// Part of a text to the clauses that it satisfies.
    parts: HashMap<Box<[u8]>, Vec<u32>>,
    known: HashMap<Vec<Vec<u8>>, u32>,
}

/// [`Texts`], ready to be searched for.
pub(crate) struct TextSearch {
    /// By the hash of three bytes in lower case: whether a text has them as its key.
    seen: Box<[u64; WORDS]>,
    /// By three bytes: the texts with that key.
    keyed: HashMap<u32, Vec<Keyed>>,
    /// By two bytes: whether they are a text.
    paired: Box<[u64; WORDS]>,
    pairs: HashMap<u32, Box<[u32]>>,
}

impl Default for TextSearch {
    fn default() -> Self {
        Self {
            seen: Box::new([0; WORDS]),
            keyed: HashMap::new(),
            paired: Box::new([0; WORDS]),
            pairs: HashMap::new(),
        }
    }
}

/// A text around its key.
struct Keyed {
    /// Where the key stands in it.
    offset: usize,
    text: Box<[u8]>,
    clauses: Box<[u32]>,
}

impl Texts {
    /// The number of a clause: one of these texts (in lower case, of two bytes or more).
    pub(crate) fn add(&mut self, words: &[Vec<u8>]) -> u32 {
        let next = self.known.len() as u32;
        if let Some(&clause) = self.known.get(words) {
            return clause;
        }
        self.known.insert(words.to_vec(), next);
        for word in words {
            let part = need::rarest_part(word, BYTES);
            let clauses = self.parts.entry(part.into()).or_default();
            if clauses.last() != Some(&next) {
                clauses.push(next);
            }
        }
        next
    }

    pub(crate) fn compile(self) -> TextSearch {
        let mut search = TextSearch::default();
        for (text, clauses) in self.parts {
            let clauses = clauses.into_boxed_slice();
            if let [a, b] = *text {
                let pair = u32::from_le_bytes([a, b, 0, 0]);
                mark(&mut search.paired, pair);
                search.pairs.insert(pair, clauses);
                continue;
            }
            let rarest = need::rarest_part(&text, 3);
            let offset = text.windows(3).position(|window| window == rarest);
            let (Some(offset), &[a, b, c]) = (offset, rarest) else {
                continue;
            };
            let key = u32::from_le_bytes([a, b, c, 0]);
            mark(&mut search.seen, hash(key));
            search.keyed.entry(key).or_default().push(Keyed {
                offset,
                text,
                clauses,
            });
        }
        search
    }
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)
}

fn mark(bits: &mut [u64; WORDS], at: u32) {
    if let Some(word) = bits.get_mut(at as usize / 64) {
        *word |= 1 << (at % 64);
    }
}

fn is_marked(bits: &[u64; WORDS], at: u32) -> bool {
    bits.get(at as usize / 64 % WORDS)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

impl TextSearch {
    /// Appends the clauses that the value satisfies, ascending.
    pub(crate) fn find(&self, value: &[u8], found: &mut Vec<u32>) {
        let start = found.len();
        let Some((&first, rest)) = value.split_first() else {
            return;
        };
        // PERF: two tables of bits that stay in the first cache tell for nearly all
        // bytes that nothing is there; hash tables asked for each took four times as long.
        let mut last = u32::from(first.to_ascii_lowercase()) << 16;
        for (at, &byte) in rest.iter().enumerate() {
            last = last >> 8 | u32::from(byte.to_ascii_lowercase()) << 16;
            let pair = last >> 8;
            if is_marked(&self.paired, pair)
                && let Some(clauses) = self.pairs.get(&pair)
            {
                found.extend_from_slice(clauses);
            }
            if is_marked(&self.seen, hash(last)) && at > 0 {
                self.compare(value, at - 1, last, found);
            }
        }
        if let Some(new) = found.get_mut(start..) {
            new.sort_unstable();
        }
    }

    /// Appends the clauses of the texts with this key, which stands at `at`.
    fn compare(&self, value: &[u8], at: usize, key: u32, found: &mut Vec<u32>) {
        for keyed in self.keyed.get(&key).into_iter().flatten() {
            let there = at
                .checked_sub(keyed.offset)
                .and_then(|from| value.get(from..)?.get(..keyed.text.len()));
            if there.is_some_and(|there| there.eq_ignore_ascii_case(&keyed.text)) {
                found.extend_from_slice(&keyed.clauses);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_whose_text_is_there_is_found() {
        let mut texts = Texts::default();
        let mut clause = |words: &[&str]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            texts.add(&words)
        };
        let select = clause(&["select", "union"]);
        let long = clause(&["/etc/passwd-and-more"]);
        let short = clause(&["<?", "=:"]);
        let script = clause(&["<script"]);
        assert_eq!(clause(&["select", "union"]), select);
        let search = texts.compile();
        let found = |value: &str| {
            let mut found = Vec::new();
            search.find(value.as_bytes(), &mut found);
            found.dedup();
            found
        };
        assert_eq!(found("1 UNION SELECT"), [select]);
        assert_eq!(found("x</etc/passwd-and-more"), [long]);
        assert_eq!(found("<?php <SCRIPT>"), [short, script]);
        assert!(found("").is_empty() && found("<").is_empty() && found("uni on").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_found_wherever_it_stands(
            before in "[a-z<]{0,4}",
            text in "[a-c</.]{2,9}",
            other in "[a-c</.]{2,9}",
            after in "[a-z<]{0,4}",
        ) {
            let mut texts = Texts::default();
            texts.add(&[other.into_bytes()]);
            let clause = texts.add(&[text.clone().into_bytes()]);
            let mut found = Vec::new();
            let value = format!("{before}{}{after}", text.to_uppercase());
            texts.compile().find(value.as_bytes(), &mut found);
            proptest::prop_assert!(found.contains(&clause));
        }
    }
}

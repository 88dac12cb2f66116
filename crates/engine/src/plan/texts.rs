//! Texts that gates ask for, searched all at once.
//!
//! A text is known by four bytes of its rarest part. A value is walked once:
//! a bit says of four bytes whether some text has them, and only then the
//! text is compared. That takes little memory, is made in no time, and costs a
//! few instructions a byte; automata of as many texts take megabytes and are
//! slower to make than all the rest of a rule set.

use hashbrown::HashMap;

use crate::need::{self, Strings};

/// Bytes of a text that are searched for: more tells little more.
const BYTES: usize = 6;
/// Bits of a hash of bytes.
const HASH_BITS: u32 = 16;
/// Words of a table of bits.
const WORDS: usize = 1 << (HASH_BITS - 6);

/// The texts of clauses, while rules are compiled.
#[derive(Default)]
pub(crate) struct Texts {
    /// Part of a text to the clauses that it satisfies.
    parts: HashMap<Box<[u8]>, Vec<u32>>,
    known: HashMap<Strings, u32>,
}

/// [`Texts`], ready to be searched for.
#[derive(Default)]
pub(crate) struct TextSearch {
    /// Texts of two bytes, of three, and what they are the clauses of.
    pairs: Keys<Satisfied>,
    threes: Keys<Satisfied>,
    /// By four bytes: the longer texts with that key.
    longer: Keys<Vec<Keyed>>,
}

/// Some bytes of texts, as a number, and a table of bits that says what is not among them.
struct Keys<T> {
    seen: Box<[u64; WORDS]>,
    known: HashMap<u32, T>,
}

impl<T> Default for Keys<T> {
    fn default() -> Self {
        Self {
            seen: Box::new([0; WORDS]),
            known: HashMap::new(),
        }
    }
}

impl<T: Default> Keys<T> {
    fn entry(&mut self, key: u32) -> &mut T {
        let at = hash(key);
        if let Some(word) = self.seen.get_mut(at as usize / 64) {
            *word |= 1 << (at % 64);
        }
        self.known.entry(key).or_default()
    }
}

impl<T> Keys<T> {
    fn get(&self, key: u32) -> Option<&T> {
        let at = hash(key);
        let word = self.seen.get(at as usize / 64 % WORDS)?;
        if word >> (at % 64) & 1 == 0 {
            return None;
        }
        self.known.get(&key)
    }
}

/// What a text satisfies.
#[derive(Default)]
struct Satisfied {
    /// The text's number.
    text: u32,
    clauses: Box<[u32]>,
}

/// A text around its key.
struct Keyed {
    /// Where the key stands in it.
    offset: usize,
    text: Box<[u8]>,
    satisfied: Satisfied,
}

impl Texts {
    /// The number of a clause: one of these texts (in lower case, of two bytes or more).
    pub(crate) fn add(&mut self, words: &Strings) -> u32 {
        let next = self.known.len() as u32;
        if let Some(&clause) = self.known.get(words) {
            return clause;
        }
        self.known.insert(words.clone(), next);
        for word in words.iter() {
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
        for (number, (text, clauses)) in (0..).zip(self.parts) {
            let satisfied = Satisfied {
                text: number,
                clauses: clauses.into_boxed_slice(),
            };
            match *text {
                [a, b] => *search.pairs.entry(key([a, b, 0, 0])) = satisfied,
                [a, b, c] => *search.threes.entry(key([a, b, c, 0])) = satisfied,
                _ => {
                    let rarest = need::rarest_part(&text, 4);
                    let offset = text.windows(4).position(|window| window == rarest);
                    if let (Some(offset), &[a, b, c, d]) = (offset, rarest) {
                        let known = search.longer.entry(key([a, b, c, d]));
                        // Most keys have one text.
                        known.reserve_exact(1);
                        known.push(Keyed {
                            offset,
                            text,
                            satisfied,
                        });
                    }
                }
            }
        }
        search
    }
}

fn key(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes)
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)
}

impl TextSearch {
    /// The texts of a clause, as far as they are searched for.
    pub(crate) fn of(&self, clause: u32) -> Vec<String> {
        let short = [(&self.pairs, 2), (&self.threes, 3)];
        let short = short.into_iter().flat_map(|(keys, length)| {
            let known = keys.known.iter();
            known.map(move |(key, satisfied)| {
                let bytes = key.to_le_bytes();
                (bytes.get(..length).unwrap_or_default().to_vec(), satisfied)
            })
        });
        let longer = self.longer.known.values().flatten();
        let longer = longer.map(|keyed| (keyed.text.to_vec(), &keyed.satisfied));
        let all = short.chain(longer);
        let mut texts: Vec<String> = all
            .filter(|(_, satisfied)| satisfied.clauses.contains(&clause))
            .map(|(text, _)| text.escape_ascii().to_string())
            .collect();
        texts.sort_unstable();
        texts
    }

    /// Appends the clauses that the value satisfies, ascending.
    pub(crate) fn find(&self, value: &[u8], all: &mut Vec<u32>) {
        let start = all.len();
        let mut found = Found {
            seen: [0; SEEN],
            texts: [0; SEEN_TEXTS],
            start,
            all,
        };
        let Some((&first, rest)) = value.split_first() else {
            return;
        };
        // PERF: tables of bits that stay in the first cache tell for nearly all bytes that
        // nothing is there; hash tables asked for each took four times as long.
        let mut last = u32::from(first.to_ascii_lowercase()) << 24;
        for (at, &byte) in (1..).zip(rest) {
            last = last >> 8 | u32::from(byte.to_ascii_lowercase()) << 24;
            if let Some(satisfied) = self.pairs.get(last >> 16) {
                found.add(satisfied);
            }
            if at > 1
                && let Some(satisfied) = self.threes.get(last >> 8)
            {
                found.add(satisfied);
            }
            if at > 2
                && let Some(longer) = self.longer.get(last)
            {
                compare(longer, value, at - 3, &mut found);
            }
        }
        if let Some(new) = all.get_mut(start..) {
            new.sort_unstable();
        }
    }
}

/// The clauses of one value, each once: a value may hold a text a thousand times.
///
/// PERF: 8 requests of 16 kB of random attack words, 549 → 449 million instructions to search
/// all of their decoded forms.
struct Found<'a> {
    /// A bit for each of the first clauses that is among them.
    seen: [u64; SEEN],
    /// A bit for each of the first texts that was found.
    texts: [u64; SEEN_TEXTS],
    start: usize,
    all: &'a mut Vec<u32>,
}

/// Words of bits. What is beyond costs more, and means the same.
const SEEN: usize = 32;
const SEEN_TEXTS: usize = 96;

impl Found<'_> {
    /// Whether the text was found before.
    fn knows(&self, text: u32) -> bool {
        let bits = self.texts.get(text as usize / 64);
        bits.is_some_and(|bits| bits >> (text % 64) & 1 == 1)
    }

    fn add(&mut self, satisfied: &Satisfied) {
        if self.knows(satisfied.text) {
            return;
        }
        if let Some(bits) = self.texts.get_mut(satisfied.text as usize / 64) {
            *bits |= 1 << (satisfied.text % 64);
        }
        for &clause in &satisfied.clauses {
            let new = match self.seen.get_mut(clause as usize / 64) {
                Some(bits) => {
                    let bit = 1 << (clause % 64);
                    let new = *bits & bit == 0;
                    *bits |= bit;
                    new
                }
                None => !self
                    .all
                    .iter()
                    .skip(self.start)
                    .any(|known| *known == clause),
            };
            if new {
                self.all.push(clause);
            }
        }
    }
}

/// Appends the clauses of those texts whose key stands at `at`, and that are there whole.
fn compare(texts: &[Keyed], value: &[u8], at: usize, found: &mut Found<'_>) {
    for keyed in texts {
        if found.knows(keyed.satisfied.text) {
            continue;
        }
        let there = at
            .checked_sub(keyed.offset)
            .and_then(|from| value.get(from..)?.get(..keyed.text.len()));
        if there.is_some_and(|there| there.eq_ignore_ascii_case(&keyed.text)) {
            found.add(&keyed.satisfied);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_whose_text_is_there_is_found() {
        let mut texts = Texts::default();
        let mut clause =
            |words: &[&str]| texts.add(&words.iter().map(|word| word.as_bytes()).collect());
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
            texts.add(&[other.as_bytes()].into_iter().collect());
            let clause = texts.add(&[text.as_bytes()].into_iter().collect());
            let mut found = Vec::new();
            let value = format!("{before}{}{after}", text.to_uppercase());
            texts.compile().find(value.as_bytes(), &mut found);
            proptest::prop_assert!(found.contains(&clause));
        }
    }
}

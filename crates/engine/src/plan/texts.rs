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
pub(crate) struct TextSearch {
    /// By byte: in lower case, and whether it is the last of a short text.
    bytes: Box<[Folded; 256]>,
    /// Texts of two bytes, of three, and longer ones by four bytes.
    pairs: Keys,
    threes: Keys,
    longer: Keys,
    /// What texts satisfy, those of one text one after the other.
    clauses: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Folded {
    byte: u8,
    ends_short: bool,
}

/// Texts by some of their bytes, as a number.
#[derive(Default)]
struct Keys {
    /// A bit for each hash of such a number: whether some text has it.
    seen: Box<[u64]>,
    /// By word of these bits: how many are set in those before it.
    before: Box<[u16]>,
    /// By bit that is set: where its texts begin. One more says where the last ones end.
    starts: Box<[u32]>,
    texts: Box<[Keyed]>,
}

/// A text around its key.
struct Keyed {
    key: u32,
    /// Its bytes, as they stand in a window of eight.
    text: u64,
    /// The bits of these bytes.
    mask: u64,
    /// Unique.
    number: u32,
    /// Where its clauses begin and end.
    clauses: (u32, u32),
}

/// Bytes of a window that follow a key of four bytes, so that the whole text is in the window.
const AFTER: u32 = (BYTES - 4) as u32;

impl Keys {
    fn new(mut texts: Vec<Keyed>) -> Self {
        texts.sort_by_key(|keyed| (hash(keyed.key), keyed.key));
        if texts.is_empty() {
            return Self::default();
        }
        let mut seen = vec![0_u64; WORDS];
        let mut starts = Vec::new();
        let mut last = None;
        for (start, keyed) in (0..).zip(&texts) {
            let at = hash(keyed.key);
            if last.replace(at) == Some(at) {
                continue;
            }
            starts.push(start);
            if let Some(word) = seen.get_mut(at as usize / 64) {
                *word |= 1 << (at % 64);
            }
        }
        starts.push(texts.len() as u32);
        let mut set = 0;
        let before = seen.iter().map(|word| {
            let before = set;
            set += word.count_ones() as u16;
            before
        });
        Self {
            before: before.collect(),
            seen: seen.into(),
            starts: starts.into(),
            texts: texts.into(),
        }
    }

    /// Whether some text may have this key.
    #[inline]
    fn has(&self, key: u32) -> bool {
        let at = hash(key);
        let word = self.seen.get(at as usize / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Texts among which are those that have this key, if any do.
    fn texts(&self, key: u32) -> &[Keyed] {
        let at = hash(key);
        let word = self.seen.get(at as usize / 64).copied().unwrap_or(0);
        let before = self.before.get(at as usize / 64).copied().unwrap_or(0);
        let below = word & ((1 << (at % 64)) - 1);
        let bit = usize::from(before) + below.count_ones() as usize;
        let range = self.starts.get(bit).zip(self.starts.get(bit + 1));
        let texts = range.and_then(|(&start, &end)| self.texts.get(start as usize..end as usize));
        texts.unwrap_or_default()
    }
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
        let (mut pairs, mut threes, mut longer) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = Box::new([Folded::default(); 256]);
        for (byte, folded) in (0..=u8::MAX).zip(bytes.iter_mut()) {
            folded.byte = byte.to_ascii_lowercase();
        }
        let mut all = Vec::new();
        for (number, (text, clauses)) in (0..).zip(self.parts) {
            let start = all.len() as u32;
            all.extend(clauses);
            let mut keyed = Keyed {
                key: number_of(&text) as u32,
                text: number_of(&text),
                mask: mask_of(&text),
                number,
                clauses: (start, all.len() as u32),
            };
            if text.len() > 3 {
                let rarest = need::rarest_part(&text, 4);
                let offset = text.windows(4).position(|window| window == rarest);
                keyed.key = number_of(rarest) as u32;
                // The key's place is the same in all windows.
                let shift = 8 * (4 - AFTER - offset.unwrap_or_default() as u32);
                keyed.text <<= shift;
                keyed.mask <<= shift;
                longer.push(keyed);
                continue;
            }
            let last = text.last().copied();
            let ended = bytes.iter_mut().filter(|folded| Some(folded.byte) == last);
            ended.for_each(|folded| folded.ends_short = true);
            match text.len() {
                3 => threes.push(keyed),
                _ => pairs.push(keyed),
            }
        }
        TextSearch {
            bytes,
            pairs: Keys::new(pairs),
            threes: Keys::new(threes),
            longer: Keys::new(longer),
            clauses: all,
        }
    }
}

/// At most eight bytes as a number.
fn number_of(bytes: &[u8]) -> u64 {
    let shifted = (0..)
        .zip(bytes)
        .map(|(at, &byte)| u64::from(byte) << (8 * at));
    shifted.sum()
}

/// The bits of these bytes in such a number.
fn mask_of(bytes: &[u8]) -> u64 {
    (0..bytes.len()).map(|at| 0xff << (8 * at)).sum()
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)
}

impl TextSearch {
    /// The texts of a clause, as far as they are searched for.
    pub(crate) fn of(&self, clause: u32) -> Vec<String> {
        let all = [&self.pairs, &self.threes, &self.longer];
        let all = all.into_iter().flat_map(|keys| &keys.texts);
        let mut texts: Vec<String> = all
            .filter(|keyed| self.clauses(keyed).contains(&clause))
            .map(|keyed| {
                let bytes = keyed.text.to_le_bytes().into_iter();
                let bytes = bytes.zip(keyed.mask.to_le_bytes());
                let text: Vec<u8> = bytes
                    .filter(|(_, is)| *is != 0)
                    .map(|(byte, _)| byte)
                    .collect();
                text.escape_ascii().to_string()
            })
            .collect();
        texts.sort_unstable();
        texts
    }

    fn clauses(&self, keyed: &Keyed) -> &[u32] {
        let (start, end) = keyed.clauses;
        let clauses = self.clauses.get(start as usize..end as usize);
        clauses.unwrap_or_default()
    }

    /// Appends the clauses that the value satisfies, ascending. Before a value and after it
    /// zeros are read, so that a text with a zero may be found that is not there whole.
    pub(crate) fn find(&self, value: &[u8], all: &mut Vec<u32>) {
        let start = all.len();
        let mut found = Found {
            search: self,
            seen: [0; SEEN],
            texts: [0; SEEN_TEXTS],
            start,
            all,
        };
        // PERF: tables of bits that stay in the first cache tell for nearly all bytes that
        // nothing is there; hash tables asked for each took four times as long. Texts are compared
        // as numbers: 16 kB of random attack words, 20 → 12 million instructions.
        let mut window = 0_u64;
        for at in 0..value.len() + AFTER as usize {
            let byte = value.get(at).copied().unwrap_or(0);
            let Some(folded) = self.bytes.get(usize::from(byte)) else {
                continue;
            };
            window = window >> 8 | u64::from(folded.byte) << 56;
            if folded.ends_short {
                let [pair, three] = [window >> 48, window >> 40];
                if self.pairs.has(pair as u32) {
                    found.look(&self.pairs, pair as u32, pair);
                }
                if self.threes.has(three as u32) {
                    found.look(&self.threes, three as u32, three);
                }
            }
            let key = (window >> (32 - 8 * AFTER)) as u32;
            if self.longer.has(key) {
                found.look(&self.longer, key, window);
            }
        }
        if let Some(new) = all.get_mut(start..) {
            new.sort_unstable();
        }
    }
}

/// The clauses of one value, each once: a value may hold a text a thousand times.
struct Found<'a> {
    search: &'a TextSearch,
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
    /// Adds the clauses of those texts that may have this key, and that are in the window.
    fn look(&mut self, keys: &Keys, key: u32, window: u64) {
        for keyed in keys.texts(key) {
            if window & keyed.mask != keyed.text || self.knows(keyed.number) {
                continue;
            }
            if let Some(bits) = self.texts.get_mut(keyed.number as usize / 64) {
                *bits |= 1 << (keyed.number % 64);
            }
            let search = self.search;
            search
                .clauses(keyed)
                .iter()
                .for_each(|&clause| self.add(clause));
        }
    }

    /// Whether the text was found before.
    fn knows(&self, number: u32) -> bool {
        let bits = self.texts.get(number as usize / 64);
        bits.is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    fn add(&mut self, clause: u32) {
        let is_new = match self.seen.get_mut(clause as usize / 64) {
            Some(bits) => {
                let bit = 1 << (clause % 64);
                let is_new = *bits & bit == 0;
                *bits |= bit;
                is_new
            }
            None => {
                let known = self.all.get(self.start..).unwrap_or_default();
                !known.contains(&clause)
            }
        };
        if is_new {
            self.all.push(clause);
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

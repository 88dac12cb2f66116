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
/// Words of the table of bits for long texts, and of those for the few short ones.
const WORDS: usize = 1 << 10;
const FEW_WORDS: usize = 1 << 5;

/// The texts of clauses, while rules are compiled.
#[derive(Default)]
pub(crate) struct Texts {
    /// Part of a text to the clauses that it satisfies.
    parts: HashMap<Box<[u8]>, Vec<u32>>,
    known: HashMap<Strings, u32>,
}

/// [`Texts`], ready to be searched for.
pub(crate) struct TextSearch {
    /// By byte: in lower case.
    folded: Box<[u8; 256]>,
    ends: Ends,
    /// Texts of two bytes, of three, and longer ones by four bytes.
    pairs: Keys<FEW_WORDS>,
    threes: Keys<FEW_WORDS>,
    longer: Keys<WORDS>,
    /// What texts satisfy, those of one text one after the other.
    clauses: Vec<u32>,
}

/// By the last byte but one of a text of two or three, as far as six bits tell: a bit for each
/// last one.
struct Ends([u64; 64]);

/// Texts by some of their bytes, as a number.
struct Keys<const WORDS: usize> {
    /// A bit for each hash of such a number: whether some text has it.
    seen: Box<[u64; WORDS]>,
    /// By the first bits of the hash: where its texts begin. One more says where the last ones end.
    starts: Box<[u32]>,
    /// What is left of a hash when all but these bits are shifted out.
    shift: u32,
    texts: Box<[Placed]>,
    /// What is to know of each.
    about: Box<[About]>,
}

/// A text around its key.
struct Keyed {
    key: u32,
    placed: Placed,
    about: About,
}

/// A text as it stands in a window of eight bytes.
#[derive(Clone, Copy)]
struct Placed {
    bytes: u64,
    /// The bits of these bytes.
    mask: u64,
}

#[derive(Clone, Copy)]
struct About {
    /// Unique.
    number: u32,
    /// Where its clauses begin and end.
    clauses: (u32, u32),
}

/// Bytes of a window that follow a key of four bytes, so that the whole text is in the window.
const AFTER: u32 = (BYTES - 4) as u32;

impl<const WORDS: usize> Keys<WORDS> {
    /// What is left of a hash for the table of bits.
    const SHIFT: u32 = 32 - (WORDS * 64).trailing_zeros();

    fn new(mut texts: Vec<Keyed>) -> Self {
        texts.sort_by_key(|keyed| hash(keyed.key));
        // One text or two for each place where they begin.
        let bits = usize::BITS - (texts.len() / 2).leading_zeros();
        let shift = 32 - bits.clamp(1, 20);
        let mut seen = Box::new([0_u64; WORDS]);
        let mut starts = Vec::new();
        for (start, keyed) in (0..).zip(&texts) {
            let hash = hash(keyed.key);
            let at = hash >> Self::SHIFT;
            if let Some(word) = seen.get_mut(at as usize / 64) {
                *word |= 1 << (at % 64);
            }
            let place = (hash >> shift) as usize;
            if starts.len() <= place {
                starts.resize(place + 1, start);
            }
        }
        starts.resize((1 << (32 - shift)) + 1, texts.len() as u32);
        Self {
            seen,
            starts: starts.into(),
            shift,
            texts: texts.iter().map(|keyed| keyed.placed).collect(),
            about: texts.iter().map(|keyed| keyed.about).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = (&Placed, About)> {
        self.texts.iter().zip(self.about.iter().copied())
    }

    /// Whether some text may have this key.
    #[inline]
    fn has(&self, key: u32) -> bool {
        let at = hash(key) >> Self::SHIFT;
        let word = self.seen.get(at as usize / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Those of the texts that may have this key that are in the window.
    #[inline]
    fn within(&self, key: u32, window: u64) -> impl Iterator<Item = About> {
        let place = (hash(key) >> self.shift) as usize;
        let range = self.starts.get(place).zip(self.starts.get(place + 1));
        let range = range.map_or(0..0, |(&start, &end)| start as usize..end as usize);
        let start = range.start;
        let texts = self.texts.get(range).unwrap_or_default();
        let within = texts
            .iter()
            .enumerate()
            .filter(move |(_, text)| window & text.mask == text.bytes);
        within.filter_map(move |(at, _)| self.about.get(start + at).copied())
    }
}

impl Ends {
    fn add(&mut self, text: &[u8]) {
        if let [.., before, last] = text
            && let Some(bits) = self.0.get_mut(usize::from(before % 64))
        {
            *bits |= 1 << (last % 64);
        }
    }

    /// Whether a short text may end where a window does.
    #[inline]
    fn has(&self, window: u64) -> bool {
        let bits = self.0.get((window >> 48) as usize % 64);
        bits.is_some_and(|bits| bits >> ((window >> 56) % 64) & 1 == 1)
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
        let mut folded = Box::new([0; 256]);
        for (byte, folded) in (0..=u8::MAX).zip(folded.iter_mut()) {
            *folded = byte.to_ascii_lowercase();
        }
        let mut ends = Ends([0; 64]);
        let mut all = Vec::new();
        for (number, (text, clauses)) in (0..).zip(self.parts) {
            let start = all.len() as u32;
            all.extend(clauses);
            let mut keyed = Keyed {
                key: number_of(&text) as u32,
                placed: Placed {
                    bytes: number_of(&text),
                    mask: mask_of(&text),
                },
                about: About {
                    number,
                    clauses: (start, all.len() as u32),
                },
            };
            if text.len() > 3 {
                let rarest = need::rarest_part(&text, 4);
                let offset = text.windows(4).position(|window| window == rarest);
                keyed.key = number_of(rarest) as u32;
                // The key's place is the same in all windows.
                let shift = 8 * (4 - AFTER - offset.unwrap_or_default() as u32);
                keyed.placed.bytes <<= shift;
                keyed.placed.mask <<= shift;
                longer.push(keyed);
                continue;
            }
            ends.add(&text);
            match text.len() {
                3 => threes.push(keyed),
                _ => pairs.push(keyed),
            }
        }
        TextSearch {
            folded,
            ends,
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
    key.wrapping_mul(0x9e37_79b1)
}

impl TextSearch {
    /// The texts of a clause, as far as they are searched for.
    pub(crate) fn of(&self, clause: u32) -> Vec<String> {
        let mut texts: Vec<String> = (self.pairs.all())
            .chain(self.threes.all())
            .chain(self.longer.all())
            .filter(|(_, about)| self.clauses(*about).contains(&clause))
            .map(|(text, _)| {
                let bytes = text.bytes.to_le_bytes().into_iter();
                let bytes = bytes.zip(text.mask.to_le_bytes());
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

    fn clauses(&self, about: About) -> &[u32] {
        let (start, end) = about.clauses;
        let clauses = self.clauses.get(start as usize..end as usize);
        clauses.unwrap_or_default()
    }

    /// Appends the clauses that the value satisfies, ascending. Before a value and after it
    /// zeros are read, so that a text with a zero may be found that is not there whole.
    pub(crate) fn find(&self, value: &[u8], all: &mut Vec<u32>) {
        let start = all.len();
        let mut found = None;
        // PERF: tables of bits that stay in the first cache tell for nearly all bytes that
        // nothing is there; hash tables asked for each took four times as long. Texts are compared
        // as numbers: 16 kB of random attack words, 20 → 12 million instructions.
        let mut window = 0_u64;
        for at in 0..value.len() + AFTER as usize {
            let byte = value.get(at).copied().unwrap_or(0);
            let folded = self.folded.get(usize::from(byte)).copied().unwrap_or(0);
            window = window >> 8 | u64::from(folded) << 56;
            if self.longer.has((window >> (32 - 8 * AFTER)) as u32) || self.ends.has(window) {
                let found = found.get_or_insert_with(|| Found::new(self, start));
                found.look(window, all);
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
    /// Where they begin.
    start: usize,
}

/// Words of bits. What is beyond costs more, and means the same.
const SEEN: usize = 32;
const SEEN_TEXTS: usize = 96;

impl<'a> Found<'a> {
    fn new(search: &'a TextSearch, start: usize) -> Self {
        Self {
            search,
            seen: [0; SEEN],
            texts: [0; SEEN_TEXTS],
            start,
        }
    }

    /// Adds the clauses of texts that are in the window.
    #[inline(never)]
    fn look(&mut self, window: u64, all: &mut Vec<u32>) {
        let search = self.search;
        let key = (window >> (32 - 8 * AFTER)) as u32;
        if search.longer.has(key) {
            search
                .longer
                .within(key, window)
                .for_each(|about| self.add_text(about, all));
        }
        if search.ends.has(window) {
            let [pair, three] = [window >> 48, window >> 40];
            if search.pairs.has(pair as u32) {
                let pairs = search.pairs.within(pair as u32, pair);
                pairs.for_each(|about| self.add_text(about, all));
            }
            if search.threes.has(three as u32) {
                let threes = search.threes.within(three as u32, three);
                threes.for_each(|about| self.add_text(about, all));
            }
        }
    }

    fn add_text(&mut self, about: About, all: &mut Vec<u32>) {
        if self.knows(about.number) {
            return;
        }
        if let Some(bits) = self.texts.get_mut(about.number as usize / 64) {
            *bits |= 1 << (about.number % 64);
        }
        let search = self.search;
        let clauses = search.clauses(about).iter();
        clauses.for_each(|&clause| self.add(clause, all));
    }

    /// Whether the text was found before.
    fn knows(&self, number: u32) -> bool {
        let bits = self.texts.get(number as usize / 64);
        bits.is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    fn add(&mut self, clause: u32, all: &mut Vec<u32>) {
        let is_new = match self.seen.get_mut(clause as usize / 64) {
            Some(bits) => {
                let bit = 1 << (clause % 64);
                let is_new = *bits & bit == 0;
                *bits |= bit;
                is_new
            }
            None => {
                let known = all.get(self.start..).unwrap_or_default();
                !known.contains(&clause)
            }
        };
        if is_new {
            all.push(clause);
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

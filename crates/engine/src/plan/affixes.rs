//! Many byte strings, found as prefixes of a path in one pass over it.

use std::collections::HashMap;

use hashbrown::HashTable;

/// Owners that stand side by side.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Byte strings, and who owns them.
pub(super) type Keys = HashMap<Vec<u8>, Vec<u32>>;

/// Byte strings and their owners, found as prefixes of a path in one pass over it.
#[derive(Default)]
pub(super) struct Affixes {
    table: HashTable<(Box<[u8]>, Span)>,
    /// Whether some key has this length.
    lengths: Vec<bool>,
    /// Bits by hash, which say of most bytes that no key begins so; a power of two of words.
    seen: Vec<u64>,
    /// The same of the first bytes of longer keys, which most paths do not share with any.
    starts: Vec<u64>,
}

/// So many first bytes.
const START: usize = 4;

/// How many keys share a word of those bits.
const KEYS_OF_WORD: usize = 4;

/// FNV-1a, since it can be read off after every byte.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn hash_step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads FNV's weak high bits, which the table uses.
fn hash_end(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

fn hash_of(bytes: &[u8]) -> u64 {
    hash_end(
        bytes
            .iter()
            .fold(HASH_START, |hash, &byte| hash_step(hash, byte)),
    )
}

impl Affixes {
    /// `place` puts the owners of a key side by side.
    pub(super) fn new(keys: Keys, place: &mut impl FnMut(Vec<u32>) -> Span) -> Self {
        let longest = keys.keys().map(|key| key.len() + 1).max();
        let words = (keys.len() / KEYS_OF_WORD).next_power_of_two();
        let mut affixes = Self {
            table: HashTable::with_capacity(keys.len()),
            lengths: vec![false; longest.unwrap_or(0)],
            seen: vec![0; words],
            starts: vec![0; words],
        };
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        for (key, owners) in keys {
            let hash = hash_of(&key);
            if let Some(known) = affixes.lengths.get_mut(key.len()) {
                *known = true;
            }
            let start = key.get(..START).map(hash_of);
            for (bits, hash) in [
                (&mut affixes.seen, Some(hash)),
                (&mut affixes.starts, start),
            ] {
                let spot = hash.map(|hash| spot(hash, words));
                if let Some((word, bit)) = spot
                    && let Some(bits) = bits.get_mut(word)
                {
                    *bits |= bit;
                }
            }
            let entry = (key.into_boxed_slice(), place(owners));
            let hash_of_entry = |(key, _): &(Box<[u8]>, Span)| hash_of(key);
            affixes.table.insert_unique(hash, entry, hash_of_entry);
        }
        affixes
    }

    /// The owners of all keys that these bytes begin with.
    pub(super) fn collect(
        &self,
        bytes: impl Iterator<Item = u8> + Clone,
        found: &mut impl FnMut(Span),
    ) {
        if self.table.is_empty() {
            return;
        }
        let mut hash = HASH_START;
        let mut following = bytes.clone();
        for (at, &known) in self.lengths.iter().enumerate() {
            if known {
                self.ask(hash_end(hash), at, bytes.clone(), found);
            }
            // PERF: of most paths no longer key is asked for: 600 of 12,700 instructions a request.
            if at == START && !self.is_start(hash_end(hash)) {
                break;
            }
            match following.next() {
                Some(byte) => hash = hash_step(hash, byte),
                None => break,
            }
        }
    }

    /// Whether a key may begin with the first bytes of this hash.
    fn is_start(&self, hash: u64) -> bool {
        let (word, bit) = spot(hash, self.starts.len());
        self.starts
            .get(word)
            .is_some_and(|starts| starts & bit != 0)
    }

    /// The owners of the key that is all of these bytes.
    pub(super) fn collect_whole(&self, bytes: &[u8], found: &mut impl FnMut(Span)) {
        if self.lengths.get(bytes.len()) == Some(&true) {
            let own = bytes.iter().copied();
            self.ask(hash_of(bytes), bytes.len(), own, found);
        }
    }

    /// Looks up the key that is the first bytes, of this hash.
    fn ask(
        &self,
        hash: u64,
        length: usize,
        bytes: impl Iterator<Item = u8> + Clone,
        found: &mut impl FnMut(Span),
    ) {
        let (word, bit) = spot(hash, self.seen.len());
        if self.seen.get(word).is_none_or(|seen| seen & bit == 0) {
            return;
        }
        let same = |(key, _): &(Box<[u8]>, Span)| {
            key.len() == length && key.iter().copied().eq(bytes.clone().take(length))
        };
        if let Some((_, owners)) = self.table.find(hash, same) {
            found(*owners);
        }
    }
}

/// The word and the bit of a hash, of a power of two of words.
fn spot(hash: u64, words: usize) -> (usize, u64) {
    let word = (hash >> 6) as usize & words.wrapping_sub(1);
    (word, 1 << (hash & 63))
}

//! Chance that is the same each time: what is imported twice is the same twice.

/// A sequence of numbers that follows from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(in super::super) struct Random(u64);

impl Random {
    /// The sequence of a name and a number.
    pub(in super::super) fn of(name: &str, number: u64) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers from `low` to `high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        let step = self.next() % span.max(1);
        low.min(high).saturating_add_unsigned(step)
    }

    /// So many letters of an alphabet.
    pub(in super::super) fn letters(&mut self, length: usize, alphabet: &[u8]) -> Vec<u8> {
        (0..length)
            .filter_map(|_| {
                let at = self.next() % alphabet.len().max(1) as u64;
                alphabet.get(at as usize).copied()
            })
            .collect()
    }
}

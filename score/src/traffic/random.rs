//! Choices that are the same for the same seed (SplitMix64).

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for each name, so that one endpoint's requests do not depend on
    /// which others there are.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        let start = seed ^ 0xcbf2_9ce4_8422_2325;
        Self(name.bytes().fold(start, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        match bound {
            0 => 0,
            bound => self.next() % bound,
        }
    }

    /// `parts` times in `whole`.
    pub(crate) fn chance(&mut self, parts: u64, whole: u64) -> bool {
        self.below(whole) < parts
    }

    /// One of them; the empty text if there is none.
    pub(crate) fn pick<'a, T: AsRef<str>>(&mut self, of: &'a [T]) -> &'a str {
        let at = self.below(of.len() as u64) as usize;
        of.get(at).map_or("", AsRef::as_ref)
    }

    /// Letters of an alphabet.
    pub(crate) fn letters(&mut self, alphabet: &[u8], length: u64) -> String {
        (0..length)
            .filter_map(|_| {
                let at = self.below(alphabet.len() as u64) as usize;
                alphabet.get(at).map(|&byte| char::from(byte))
            })
            .collect()
    }
}

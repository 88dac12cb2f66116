//! A set of bytes.

/// A set of bytes: bit n of word n/64 stands for byte n.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const NONE: Self = Self([0; 4]);
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);
    /// A to Z.
    pub const UPPER: Self = Self::range(b'A', b'Z');
    /// A to Z, a to z, 0 to 9.
    pub const ALPHANUMERIC: Self = Self::UPPER
        .or(Self::range(b'a', b'z'))
        .or(Self::range(b'0', b'9'));
    /// White space as C's `isspace` has it.
    pub const SPACE: Self = Self::of(b" \t\n\x0b\x0c\r");

    /// These bytes.
    pub const fn of(bytes: &[u8]) -> Self {
        let mut set = Self::NONE;
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            set = set.with(*byte);
            rest = tail;
        }
        set
    }

    /// From `first` to `last`, both included.
    pub const fn range(first: u8, last: u8) -> Self {
        let mut set = Self::NONE;
        let mut byte = first;
        while byte <= last {
            set = set.with(byte);
            if byte == u8::MAX {
                break;
            }
            byte += 1;
        }
        set
    }

    /// The set and this byte.
    pub const fn with(self, byte: u8) -> Self {
        let Self([a, b, c, d]) = self;
        let bit = 1 << (byte % 64);
        Self(match byte / 64 {
            0 => [a | bit, b, c, d],
            1 => [a, b | bit, c, d],
            2 => [a, b, c | bit, d],
            _ => [a, b, c, d | bit],
        })
    }

    /// The bytes of either set.
    pub const fn or(self, other: Self) -> Self {
        let (Self([a, b, c, d]), Self([e, f, g, h])) = (self, other);
        Self([a | e, b | f, c | g, d | h])
    }

    /// The bytes of both sets.
    pub const fn and(self, other: Self) -> Self {
        let (Self([a, b, c, d]), Self([e, f, g, h])) = (self, other);
        Self([a & e, b & f, c & g, d & h])
    }

    /// All other bytes.
    pub const fn complement(self) -> Self {
        let Self([a, b, c, d]) = self;
        Self([!a, !b, !c, !d])
    }

    /// Whether the byte is in it.
    pub const fn contains(self, byte: u8) -> bool {
        let Self([a, b, c, d]) = self;
        let word = match byte / 64 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        word >> (byte % 64) & 1 == 1
    }

    /// How many bytes are in it.
    pub fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no byte is in it.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Its bytes, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let words = self.0.into_iter().zip([0_u8, 64, 128, 192]);
        words.flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as u8;
                word &= word.wrapping_sub(1);
                (bit < 64).then(|| base + bit)
            })
        })
    }

    /// How many ranges its bytes form.
    pub fn ranges(self) -> usize {
        let mut before = 0;
        let starts = self.0.into_iter().map(|word| {
            let starts = word & !(word << 1 | before);
            before = word >> 63;
            starts.count_ones() as usize
        });
        starts.sum()
    }

    /// With the other case of its ASCII letters.
    pub fn in_both_cases(self) -> Self {
        let Self([a, b, c, d]) = self;
        let Self([_, upper, ..]) = Self::UPPER;
        let lower = upper << 32;
        Self([a, b | (b & upper) << 32 | (b & lower) >> 32, c, d])
    }

    /// The set of its bytes in ASCII lower case.
    pub fn folded(self) -> Self {
        let Self([a, b, c, d]) = self;
        let Self([_, upper, ..]) = Self::UPPER;
        Self([a, b & !upper | (b & upper) << 32, c, d])
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: Vec<u8> = match self.len() {
            0..=128 => self.iter().collect(),
            _ => {
                f.write_str("not ")?;
                self.complement().iter().collect()
            }
        };
        write!(f, "[{}]", shown.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set = ByteSet::of(b"az\xff\0");
        assert_eq!(set.iter().collect::<Vec<_>>(), b"\0az\xff");
        assert_eq!(set.len(), 4);
        assert_eq!(set.complement().len(), 252);
        assert!(!set.complement().contains(b'z'));
        assert_eq!(set.ranges(), 4);
        assert_eq!(ByteSet::range(60, 130).with(200).with(201).ranges(), 2);
        assert_eq!(ByteSet::ALL.ranges(), 1);
        assert_eq!(ByteSet::of(b"aZ[").in_both_cases(), ByteSet::of(b"aAzZ["));
        assert_eq!(ByteSet::range(0, 255), ByteSet::ALL);
        assert_eq!(ByteSet::UPPER.folded(), ByteSet::range(b'a', b'z'));
        assert_eq!(ByteSet::of(b"a").or(ByteSet::of(b"b")), ByteSet::of(b"ab"));
        assert_eq!(
            ByteSet::of(b"ab").and(ByteSet::of(b"bc")),
            ByteSet::of(b"b")
        );
    }
}

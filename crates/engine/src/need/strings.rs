//! Several strings in one piece of memory.

/// Byte strings, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    /// From where to where each is.
    places: Vec<(u32, u32)>,
}

impl Strings {
    /// The strings.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.places.iter().map(|&place| at(&self.bytes, place))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of all together.
    pub(super) fn size(&self) -> usize {
        self.iter().map(<[u8]>::len).sum()
    }

    /// Adds a string in ASCII lower case.
    pub(super) fn push(&mut self, string: &[u8]) {
        self.push_joined(string, &[]);
    }

    /// Adds a string of two parts, in ASCII lower case.
    pub(super) fn push_joined(&mut self, head: &[u8], tail: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(tail);
        if let Some(new) = self.bytes.get_mut(from..) {
            new.make_ascii_lowercase();
        }
        self.places.push((from as u32, self.bytes.len() as u32));
    }

    /// Sorts them and leaves each once.
    pub(super) fn order(&mut self) {
        if self.places.len() < 2 {
            return;
        }
        let (bytes, places) = (&self.bytes, &mut self.places);
        places.sort_unstable_by(|&a, &b| at(bytes, a).cmp(at(bytes, b)));
        places.dedup_by(|a, b| at(bytes, *a) == at(bytes, *b));
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }
}

fn at(bytes: &[u8], (from, to): (u32, u32)) -> &[u8] {
    bytes.get(from as usize..to as usize).unwrap_or_default()
}

impl PartialEq for Strings {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Strings {}

impl std::hash::Hash for Strings {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.iter().for_each(|string| string.hash(state));
    }
}

impl<'s> FromIterator<&'s [u8]> for Strings {
    /// In ASCII lower case.
    fn from_iter<I: IntoIterator<Item = &'s [u8]>>(strings: I) -> Self {
        let mut all = Self::default();
        strings.into_iter().for_each(|string| all.push(string));
        all.bytes.shrink_to_fit();
        all.places.shrink_to_fit();
        all
    }
}

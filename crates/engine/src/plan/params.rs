//! The names of a query's parameters, and what of them is told at a glance.

use super::gate::Needs;
use super::ir::{Selector, Text};
use super::signature::{Signature, Signatures};
use crate::body::percent;

/// Which bytes, and pairs of bytes, some texts hold.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bloom([u64; 4]);

impl Bloom {
    /// Of a text, its case ignored.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut bloom = Self::default();
        let mut before = None;
        for byte in text.iter().map(u8::to_ascii_lowercase) {
            bloom.add(before, byte);
            before = Some(byte);
        }
        bloom
    }

    /// Adds a byte, in lower case, and the pair that it makes with the one before it.
    pub(super) fn add(&mut self, before: Option<u8>, byte: u8) {
        const PAIRS: u32 = 192;
        let [bytes, pairs @ ..] = &mut self.0;
        *bytes |= 1 << (byte & 63);
        if let Some(before) = before {
            let pair = u32::from(before) << 8 | u32::from(byte);
            let bit = (pair.wrapping_mul(0x9e37_79b1) >> 16) % PAIRS;
            if let Some(word) = pairs.get_mut(bit as usize / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Places of two of its bits, of pairs if there are some: fewer texts share these. None: it has
    /// no bit.
    fn telling(self) -> Option<[u8; 2]> {
        let mut places = (0..=u8::MAX).rev().filter(|place| self.has(*place));
        let first = places.next()?;
        Some([first, places.next().unwrap_or(first)])
    }

    fn has(self, place: u8) -> bool {
        let word = self.0.get(usize::from(place) / 64);
        word.is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(super) fn join(&mut self, other: Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own |= other;
        }
    }

    pub(super) fn holds(self, other: Self) -> bool {
        let mut words = self.0.iter().zip(&other.0);
        words.all(|(own, other)| own & other == *other)
    }
}

/// What a name must be like to be meant.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// What it holds.
    pub(super) texts: Bloom,
    /// What it begins with, in lower case, if it holds no line end.
    start: Box<[u8]>,
}

impl Wanted {
    /// Of a text and a beginning, in lower case; both may be empty.
    pub(super) fn new(text: &[u8], start: &[u8]) -> Self {
        Self {
            texts: Bloom::of(text),
            start: start.into(),
        }
    }
}

/// What the names are like that a selector means; without any, every name may be meant. None if
/// that is not known.
pub(super) fn wanted(selector: &Selector, needs: &mut Needs) -> Option<Box<[Wanted]>> {
    Some(match selector {
        Selector::Name(Text::Plain(name)) => {
            let name = name.to_ascii_lowercase();
            [Wanted::new(name.as_bytes(), name.as_bytes())].into()
        }
        Selector::Pattern(pattern) => {
            let start = pattern.start().map_or(&[][..], |(start, _)| start);
            match needs.words(pattern) {
                Some(words) => words.iter().map(|word| Wanted::new(word, start)).collect(),
                None if start.is_empty() => [].into(),
                None => [Wanted::new(&[], start)].into(),
            }
        }
        Selector::All => [].into(),
        Selector::Name(Text::Template(..)) | Selector::Path(..) => return None,
    })
}

/// Places among a bloom's bits, two of each name that is wanted: where those of none are set, no
/// name is.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    places: [[u8; 2]; KEYS],
    /// How many of them there are; none: any name may be wanted.
    count: Option<u8>,
}

/// Where there were more, any name may be wanted.
const KEYS: usize = 4;

impl Keys {
    pub(super) const ANY: Self = Self {
        places: [[0; 2]; KEYS],
        count: None,
    };

    /// Of names that are like one of those of any of these; one without any means all names.
    pub(super) fn of<'w>(wanted: impl Iterator<Item = &'w [Wanted]>) -> Self {
        let mut keys = Self {
            count: Some(0),
            ..Self::ANY
        };
        for wanted in wanted {
            if wanted.is_empty() {
                return Self::ANY;
            }
            for one in wanted {
                let added = one.texts.telling().and_then(|places| keys.add(places));
                if added.is_none() {
                    return Self::ANY;
                }
            }
        }
        keys
    }

    /// None: there is no room.
    fn add(&mut self, places: [u8; 2]) -> Option<()> {
        let count = usize::from(self.count?);
        if !self.places.get(..count)?.contains(&places) {
            *self.places.get_mut(count)? = places;
            self.count = Some(count as u8 + 1);
        }
        Some(())
    }

    /// Whether one of some names may be wanted, of which this is known.
    pub(crate) fn may_be_in(&self, names: Bloom) -> bool {
        let Some(count) = self.count else {
            return true;
        };
        let mut keys = self.places.iter().take(usize::from(count));
        keys.any(|[one, other]| names.has(*one) && names.has(*other))
    }
}

/// The parameters of a query, as far as they are looked at.
#[derive(Default)]
pub(super) struct Params {
    is_read: bool,
    /// There are more than are looked at.
    more: bool,
    /// What any of the names holds.
    texts: Bloom,
    params: Vec<Param>,
    /// The names, in lower case.
    names: Vec<u8>,
    value: Vec<u8>,
}

struct Param {
    /// Where its name stands among the names.
    name: (usize, usize),
    texts: Bloom,
    one_line: bool,
    shows: Shows,
}

/// The signatures of a parameter.
#[derive(Clone, Copy)]
pub(super) struct Shows {
    pub(super) name: Signature,
    pub(super) value: Signature,
}

/// Parameters of a query that are looked at; of a query with more, nothing is known.
const PARAMS: usize = 32;

impl Params {
    pub(super) fn forget(&mut self) {
        self.is_read = false;
    }

    /// Reads the query as the parser does, once. A fragment is part of the last parameter: what
    /// is read without it holds no more.
    pub(super) fn read<'q>(
        &mut self,
        query: impl Fn() -> &'q [u8],
        separator: u8,
        signatures: &Signatures,
    ) {
        if std::mem::replace(&mut self.is_read, true) {
            return;
        }
        self.params.clear();
        self.names.clear();
        self.texts = Bloom::default();
        let fields = query().split(|&byte| byte == separator);
        let mut fields = fields.filter(|field| !field.is_empty());
        for field in fields.by_ref().take(PARAMS) {
            let (name, value) = match memchr::memchr(b'=', field) {
                Some(at) => field.split_at(at),
                None => (field, &[][..]),
            };
            let start = self.names.len();
            percent::decode_form(name, &mut self.names);
            let name = self.names.get_mut(start..).unwrap_or_default();
            let signature = signatures.of(name);
            name.make_ascii_lowercase();
            let texts = Bloom::of(name);
            self.value.clear();
            percent::decode_form(value.get(1..).unwrap_or_default(), &mut self.value);
            self.texts.join(texts);
            self.params.push(Param {
                one_line: memchr::memchr(b'\n', name).is_none(),
                name: (start, self.names.len()),
                texts,
                shows: Shows {
                    name: signature,
                    value: signatures.of(&self.value),
                },
            });
        }
        self.more = fields.next().is_some();
    }

    /// Whether one of the names may be wanted.
    pub(super) fn may_have(&self, keys: &Keys) -> bool {
        self.more || keys.may_be_in(self.texts)
    }

    /// What all names and values show together; none: there are more than are looked at.
    pub(super) fn shows(&self) -> Option<Signature> {
        let each = self.params.iter().map(|param| param.shows);
        let all = each.fold(0, |all, shows| all | shows.name | shows.value);
        (!self.more).then_some(all)
    }

    /// Whether there may be one whose name is like one of these, or any, and whose signatures hold.
    pub(super) fn any(&self, wanted: &[Wanted], holds: impl Fn(Shows) -> bool) -> bool {
        if self.more {
            return true;
        }
        if wanted.is_empty() {
            return self.params.iter().any(|param| holds(param.shows));
        }
        let texts = self.texts;
        let mut meant = wanted.iter().filter(|wanted| texts.holds(wanted.texts));
        meant.any(|wanted| {
            let mut params = self.params.iter();
            params.any(|param| self.is(param, wanted) && holds(param.shows))
        })
    }

    fn is(&self, param: &Param, wanted: &Wanted) -> bool {
        let (start, end) = param.name;
        let begins = || {
            let name = self.names.get(start..end);
            name.is_some_and(|name| name.starts_with(&wanted.start))
        };
        param.texts.holds(wanted.texts) && (!param.one_line || begins())
    }
}

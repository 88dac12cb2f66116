//! Signatures: which of some sets of bytes a value has a byte of, one bit a set.
//!
//! One pass over a value answers for all rules at once whether they could
//! match it, and for all transformations whether they would change it.

use std::collections::HashMap;

use super::ir::Program;
use crate::need::ByteSet;
use crate::transformations;

/// A bit for each set.
pub(crate) type Signature = u128;

/// How many sets there are at most.
const SETS: usize = Signature::BITS as usize;

/// Gives sets their bits while rules are compiled.
pub(crate) struct Sets {
    bits: HashMap<ByteSet, u32>,
}

/// Computes signatures.
pub(crate) struct Signatures {
    table: Box<[Signature; 256]>,
    /// By position in the registry: the bit of the bytes without which the
    /// transformation changes nothing; none: it may change anything.
    touches: Vec<Option<Signature>>,
    /// By position in the registry: the bits of the bytes that the
    /// transformation may put into a value; none: it may put in anything.
    makes: Vec<Option<Signature>>,
}

impl Default for Sets {
    /// With the sets of all transformations.
    fn default() -> Self {
        let mut sets = Self {
            bits: HashMap::new(),
        };
        for spec in transformations::ALL {
            if spec.touches != ByteSet::ALL {
                sets.add(spec.touches);
            }
        }
        sets
    }
}

impl Sets {
    /// Gives the set a bit, unless all are taken. Case is folded, but for
    /// transformations' sets, which are told apart by it.
    pub(crate) fn add(&mut self, set: ByteSet) -> Option<Signature> {
        let next = self.bits.len();
        if let Some(bit) = self.bit(set) {
            return Some(bit);
        }
        if next == SETS {
            return None;
        }
        self.bits.insert(set, next as u32);
        self.bit(set)
    }

    /// The bit of a set that was added.
    pub(crate) fn bit(&self, set: ByteSet) -> Option<Signature> {
        self.bits.get(&set).map(|&bit| 1 << bit)
    }

    /// How many more can be added.
    pub(crate) fn room(&self) -> usize {
        SETS - self.bits.len()
    }
}

impl Signatures {
    /// For these sets.
    pub(crate) fn new(sets: &Sets) -> Self {
        let mut table = Box::new([0_u128; 256]);
        let touching: Vec<ByteSet> = transformations::ALL
            .iter()
            .map(|spec| spec.touches)
            .collect();
        for (set, bit) in &sets.bits {
            // Needs are in lower case; what a transformation touches is meant as it stands.
            let folded = !touching.contains(set);
            let set = if folded { set.in_both_cases() } else { *set };
            for byte in set.iter() {
                if let Some(signature) = table.get_mut(usize::from(byte)) {
                    *signature |= 1 << bit;
                }
            }
        }
        let touches = transformations::ALL
            .iter()
            .map(|spec| sets.bit(spec.touches))
            .collect();
        let of_set = |wanted: ByteSet| {
            wanted
                .iter()
                .filter_map(|byte| table.get(usize::from(byte)))
                .fold(0, |bits, byte| bits | byte)
        };
        let makes = transformations::ALL
            .iter()
            .map(|spec| (spec.makes != ByteSet::ALL).then(|| of_set(spec.makes)))
            .collect();
        Self {
            table,
            touches,
            makes,
        }
    }

    /// Notes in each link what its transformations may put into a value.
    pub(crate) fn foresee(&self, program: &mut Program) {
        for link in program.links_mut() {
            link.makes = self.made_by(&link.transformations);
        }
    }

    /// The bits of what a chain of transformations may put into a value; none: anything.
    pub(crate) fn made_by(&self, chain: &[u16]) -> Option<Signature> {
        chain.iter().try_fold(0, |bits, &transformation| {
            let made = *self.makes.get(usize::from(transformation))?;
            Some(bits | made?)
        })
    }

    /// The signature of a value.
    pub(crate) fn of(&self, value: &[u8]) -> Signature {
        value.iter().fold(0, |signature, &byte| {
            signature | self.table.get(usize::from(byte)).copied().unwrap_or(0)
        })
    }

    /// Whether a transformation (by its position in the registry) leaves every
    /// value of this signature as it is.
    pub(crate) fn leaves(&self, transformation: u16, signature: Signature) -> bool {
        match self.touches.get(usize::from(transformation)) {
            Some(Some(bit)) => signature & bit == 0,
            _ => false,
        }
    }

    /// The bits of all bytes that a chain of transformations could act on; none: any.
    pub(crate) fn touched_by(&self, chain: &[u16]) -> Option<Signature> {
        self.decoding(chain).touched
    }

    /// What a chain of transformations may do with a value.
    pub(crate) fn decoding(&self, chain: &[u16]) -> Decoding {
        let mut decoding = Decoding {
            touched: Some(0),
            wild: Some(0),
            makes: 0,
        };
        for &transformation in chain {
            let at = usize::from(transformation);
            let touches = self.touches.get(at).copied().flatten();
            decoding.touched = either(decoding.touched, touches);
            match self.makes.get(at).copied().flatten() {
                Some(makes) => decoding.makes |= makes,
                None => decoding.wild = either(decoding.wild, touches),
            }
        }
        decoding
    }
}

/// What a chain of transformations may do with a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decoding {
    /// The bits of all bytes that one of them could act on; none: any.
    touched: Option<Signature>,
    /// The same of those that may put in anything.
    wild: Option<Signature>,
    /// What the others may put in.
    makes: Signature,
}

impl Decoding {
    /// As if all were done to one value.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            touched: either(self.touched, other.touched),
            wild: either(self.wild, other.wild),
            makes: self.makes | other.makes,
        }
    }

    /// Whether it may change a value of this signature.
    pub(super) fn acts_on(&self, signature: Signature) -> bool {
        self.touched.is_none_or(|touched| signature & touched != 0)
    }

    /// Whether a value of this signature may show all of these bits, as it is or decoded so far.
    pub(super) fn may_show(&self, signature: Signature, bits: Signature) -> bool {
        if signature & bits == bits {
            return true;
        }
        let shows = signature | self.makes;
        self.acts_on(signature)
            && (shows & bits == bits || self.wild.is_none_or(|wild| shows & wild != 0))
    }
}

/// The bits of both; none: any.
fn either(one: Option<Signature>, other: Option<Signature>) -> Option<Signature> {
    Some(one? | other?)
}

//! Steps behind their gates.

use super::gate::Gate;
use super::signature::Signature;

/// Steps, and what a value must show to let each run.
#[derive(Default)]
pub(crate) struct Gated {
    /// While rules are grouped.
    gates: Vec<(Gate, u32)>,
    /// All of them, whatever texts they ask for.
    all: Vec<Ask>,
    /// Those that open without a text, by one of their bits.
    plain: Vec<Ask>,
    /// These bits, and where what asks for each of them ends, in their order.
    plain_bits: Signature,
    ends: Vec<u32>,
    /// Those that a text opens, by its clause.
    by_clause: Vec<(u32, Ask)>,
    /// Whether one of these may take longer to ask than a search for its texts.
    takes_long: bool,
    /// What of bytes one of these asks for: no set of bits here holds another.
    searched: Vec<Signature>,
}

/// Steps that are looked through to find out that only two are to be asked: a search for texts takes
/// no longer for more of them.
const LOOKED_THROUGH: usize = 1024;

/// Bits that a signature must have for a step to run, in two halves.
///
/// PERF: whole gates fill a line of the processor's cache each, and there are hundreds.
#[derive(Clone, Copy)]
struct Ask {
    bits: [u64; 2],
    step: u32,
}

/// A set of a phase's steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Steps(Vec<u64>);

fn halves(signature: Signature) -> [u64; 2] {
    [signature as u64, (signature >> 64) as u64]
}

impl Ask {
    fn new(bits: Signature, step: u32) -> Self {
        let bits = halves(bits);
        Self { bits, step }
    }

    #[inline]
    fn admits(self, [low, high]: [u64; 2]) -> bool {
        let [own_low, own_high] = self.bits;
        own_low & !low | own_high & !high == 0
    }
}

impl Gated {
    /// The gate asks for something.
    pub(super) fn add(&mut self, gate: Gate, linear: bool, step: u32) {
        self.takes_long |= gate.clause.is_some() && !linear;
        if !self.gates.contains(&(gate, step)) {
            self.gates.push((gate, step));
        }
    }

    /// Files all gates by what opens them: bytes alone, bytes in place of a text, or a text.
    pub(super) fn settle(&mut self) {
        let gates = std::mem::take(&mut self.gates);
        let asks = gates.iter().map(|(gate, step)| Ask::new(gate.bits, *step));
        self.all = asks.collect();
        let mut plain: Vec<(Signature, Ask)> = Vec::new();
        for (gate, step) in gates {
            let bytes = match gate.clause {
                None => Some(gate),
                Some(_) => gate.without_text(),
            };
            if let Some(gate) = bytes {
                plain.push((gate.rarest, Ask::new(gate.bits, step)));
            }
            if let Some(clause) = gate.clause {
                self.by_clause.push((clause, Ask::new(gate.bits, step)));
                let bits = gate.bits;
                if !self.searched.iter().any(|known| known & bits == *known) {
                    self.searched.retain(|known| known & bits != bits);
                    self.searched.push(bits);
                }
            }
        }
        self.by_clause.sort_by_key(|(clause, _)| *clause);
        plain.sort_by_key(|(rarest, _)| *rarest);
        for same in plain.chunk_by(|(one, _), (other, _)| one == other) {
            self.plain.extend(same.iter().map(|(_, ask)| *ask));
            self.plain_bits |= same.first().map_or(0, |(rarest, _)| *rarest);
            self.ends.push(self.plain.len() as u32);
        }
        self.by_clause.shrink_to_fit();
        self.plain.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The bits that every gate asks for.
    pub(super) fn asked_by_all(&self) -> Signature {
        let bits = self.all.iter().map(|ask| {
            let [low, high] = ask.bits.map(Signature::from);
            high << 64 | low
        });
        bits.reduce(|all, bits| all & bits).unwrap_or(0)
    }

    /// Whether a value of this signature could let a step run that is not among these.
    pub(super) fn could_admit(&self, signature: Signature, steps: &Steps) -> bool {
        let signature = halves(signature);
        let mut all = self.all.iter();
        all.any(|ask| ask.admits(signature) && !steps.contains(ask.step))
    }

    /// Adds the steps that a value of this signature lets run, whatever texts it holds.
    pub(crate) fn admitted(&self, signature: Signature, steps: &mut Steps) {
        let mut present = signature & self.plain_bits;
        let signature = halves(signature);
        while present != 0 {
            let bit = present & present.wrapping_neg();
            present ^= bit;
            let at = (self.plain_bits & (bit - 1)).count_ones() as usize;
            let end_of = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
            let start = at.checked_sub(1).map_or(0, end_of);
            for ask in self.plain.get(start..end_of(at)).unwrap_or_default() {
                if ask.admits(signature) {
                    steps.insert(ask.step);
                }
            }
        }
    }

    /// Whether a value of this signature may let more steps run by the texts that it holds.
    pub(crate) fn asks_for_texts(&self, signature: Signature) -> bool {
        let mut searched = self.searched.iter();
        searched.any(|bits| signature & bits == *bits)
    }

    /// Adds the steps that a value of this signature may let run by the texts that it holds, if
    /// they are so few that to ask them takes less than to search the value for all texts.
    pub(crate) fn admitted_unsearched(&self, signature: Signature, steps: &mut Steps) -> bool {
        if self.takes_long || self.by_clause.len() > LOOKED_THROUGH {
            return false;
        }
        let halves = halves(signature);
        let asks = self.by_clause.iter().filter(|(_, ask)| ask.admits(halves));
        let mut new = asks.filter(|(_, ask)| !steps.contains(ask.step));
        let [first, second, third] = [(); 3].map(|()| new.next().map(|(_, ask)| ask.step));
        let are_few = third.is_none();
        if are_few {
            let few = first.into_iter().chain(second);
            few.for_each(|step| steps.insert(step));
        }
        are_few
    }

    /// Adds the steps that a value of this signature lets run since it holds a text of the clause.
    pub(crate) fn admitted_by(&self, clause: u32, signature: Signature, steps: &mut Steps) {
        let signature = halves(signature);
        let start = self.by_clause.partition_point(|(known, _)| *known < clause);
        let rest = self.by_clause.get(start..).unwrap_or_default();
        for (_, ask) in rest.iter().take_while(|(known, _)| *known == clause) {
            if ask.admits(signature) {
                steps.insert(ask.step);
            }
        }
    }
}

#[cfg(test)]
impl Gated {
    pub(super) fn steps(&self) -> impl Iterator<Item = u32> {
        self.all.iter().map(|ask| ask.step)
    }
}

impl Steps {
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.clear();
        self.0.extend_from_slice(&other.0);
    }

    pub(crate) fn insert(&mut self, step: u32) {
        let word = step as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (step % 64);
        }
    }

    pub(crate) fn contains(&self, step: u32) -> bool {
        self.0
            .get(step as usize / 64)
            .is_some_and(|bits| bits >> (step % 64) & 1 == 1)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let step = self.next(from)?;
            from = step + 1;
            Some(step as u32)
        })
    }

    /// The first step at or after this one.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut word = from / 64;
        let mut bits = self.0.get(word)? & (u64::MAX << (from % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize);
            }
            word += 1;
            bits = *self.0.get(word)?;
        }
    }
}

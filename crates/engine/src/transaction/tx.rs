//! `TX`: what rules set, for the rest of the transaction.

use std::io::Write as _;

use std::sync::Arc;

use hashbrown::HashMap;

use super::collections::Pairs;
use crate::language::lower::means;
use crate::operators::Operator;
use crate::plan::quiet::Quiet;

/// What the engine itself sets, when an expression was stopped by the limit on backtracking.
pub(crate) const LIMITS_EXCEEDED: &[u8] = b"msc_pcre_limits_exceeded";

/// The names that rules of a program use, and what they hold from the start.
#[derive(Default)]
pub(crate) struct TxNames {
    slots: HashMap<Box<[u8]>, u32>,
    names: Vec<Box<[u8]>>,
    initial: Vec<Option<Box<[u8]>>>,
    fitting: Vec<Fitting>,
}

/// A selector's pattern, and the slots whose names fit it.
struct Fitting {
    pattern: Arc<dyn Operator>,
    slots: Box<[u32]>,
}

/// The variables of one transaction. Names compare without regard to case.
#[derive(Default)]
pub(crate) struct Tx {
    /// By slot; memory is kept from one transaction to the next.
    known: Vec<(Held, Vec<u8>)>,
    /// The slots that are not as they began, each once.
    ///
    /// PERF: rules name hundreds, and few are set in a request.
    touched: Vec<u32>,
    /// Names that came up while rules ran, and memory of earlier ones behind them.
    others: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many of them are set.
    count: usize,
}

/// `TX` of the general rules, and of each patch that concerns the request: its own.
#[derive(Default)]
pub(crate) struct Spaces {
    general: Tx,
    /// By the patch's place among those that concern the request.
    patches: HashMap<usize, Tx>,
    /// Whether a patch has set something in this transaction.
    set_by_patch: bool,
    /// What a patch finds that has set nothing.
    empty: Tx,
    /// What is set, names that came up while rules ran included.
    bytes: usize,
}

/// A name, and its slot if rules name it.
#[derive(Clone, Copy)]
pub(crate) struct Named<'n> {
    name: &'n [u8],
    slot: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Held {
    Initial,
    Absent,
    Set,
}

impl TxNames {
    /// Knows the name from now on.
    pub(crate) fn add(&mut self, name: &[u8]) {
        if !self.slots.contains_key(name) {
            self.slots.insert(name.into(), self.names.len() as u32);
            self.names.push(name.into());
            self.initial.push(None);
        }
    }

    /// What the name holds when a transaction begins; nothing if none was given.
    pub(crate) fn set_initial(&mut self, name: &[u8], value: Option<&[u8]>) {
        self.add(name);
        let slot = self.slot(name);
        if let Some(initial) = slot.and_then(|slot| self.initial.get_mut(slot)) {
            *initial = value.map(Into::into);
        }
    }

    /// Finds out which names fit a selector's pattern. No name is added later.
    pub(crate) fn know(&mut self, pattern: &Arc<dyn Operator>) {
        let slots = (0..).zip(&self.names);
        let slots = slots.filter(|(_, name)| means(&**pattern, name, &mut None));
        let slots = slots.map(|(slot, _)| slot).collect();
        let pattern = Arc::clone(pattern);
        self.fitting.push(Fitting { pattern, slots });
    }

    /// The name, looked up once for all that is done with it.
    pub(crate) fn named<'n>(&self, name: &'n [u8]) -> Named<'n> {
        let slot = self.slot(name);
        Named { name, slot }
    }

    /// Where the variable is kept, if rules name it.
    pub(crate) fn slot(&self, name: &[u8]) -> Option<usize> {
        /// Names that are longer take memory to fold.
        const ORDINARY: usize = 64;
        let mut folded = [0; ORDINARY];
        let slot = match folded.get_mut(..name.len()) {
            Some(folded) => {
                folded.copy_from_slice(name);
                folded.make_ascii_lowercase();
                self.slots.get(&*folded)
            }
            None => self.slots.get(name.to_ascii_lowercase().as_slice()),
        };
        slot.map(|&slot| slot as usize)
    }

    /// What the variable holds when a transaction begins.
    pub(crate) fn initial(&self, slot: usize) -> Option<&[u8]> {
        self.initial.get(slot)?.as_deref()
    }

    /// The slots whose names fit a selector's pattern, if they were found out.
    pub(crate) fn fitting(&self, pattern: &Arc<dyn Operator>) -> Option<&[u32]> {
        let mut known = self.fitting.iter();
        let known = known.find(|known| Arc::ptr_eq(&known.pattern, pattern));
        known.map(|known| &*known.slots)
    }
}

impl Spaces {
    /// Forgets what was set.
    pub(crate) fn reset(&mut self) {
        /// Patches whose memory is kept for the next transaction.
        const KEEP: usize = 16;
        self.general.reset();
        if std::mem::take(&mut self.set_by_patch) {
            if self.patches.len() > KEEP {
                self.patches = HashMap::new();
            }
            self.patches.values_mut().for_each(Tx::reset);
        }
        self.bytes = 0;
    }

    /// Those of the patch at this place; none: of the general rules.
    pub(crate) fn of(&self, place: Option<usize>) -> &Tx {
        let Some(place) = place else {
            return &self.general;
        };
        self.patches.get(&place).unwrap_or(&self.empty)
    }

    /// The same, where a variable is about to hold so many bytes; none if all together would
    /// then hold more than the limit.
    pub(crate) fn with_room(
        &mut self,
        place: Option<usize>,
        (named, bytes): (Named<'_>, usize),
        names: &TxNames,
        limit: usize,
    ) -> Option<&mut Tx> {
        let tx = match place {
            None => &mut self.general,
            Some(place) => {
                self.set_by_patch = true;
                self.patches.entry(place).or_default()
            }
        };
        let old = tx.get(named, names).map(<[u8]>::len);
        let new = bytes.saturating_add(old.map_or(named.name.len(), |_| 0));
        let all = self.bytes.saturating_sub(old.unwrap_or(0));
        let all = all.saturating_add(new);
        if all > limit {
            return None;
        }
        self.bytes = all;
        Some(tx)
    }
}

impl Tx {
    /// Forgets what was set.
    pub(crate) fn reset(&mut self) {
        /// Bytes of one variable that are kept for the next transaction.
        const KEEP: usize = 1024;
        /// Variables whose memory is kept.
        const KEEP_OTHERS: usize = 64;
        self.count = 0;
        self.others.truncate(KEEP_OTHERS);
        for (name, value) in &mut self.others {
            name.shrink_to(KEEP);
            value.shrink_to(KEEP);
        }
        for slot in self.touched.drain(..) {
            let Some((held, buffer)) = self.known.get_mut(slot as usize) else {
                continue;
            };
            *held = Held::Initial;
            if buffer.capacity() > KEEP {
                *buffer = Vec::new();
            }
        }
    }

    /// The variable's value.
    pub(crate) fn get<'t>(&'t self, named: Named<'_>, names: &'t TxNames) -> Option<&'t [u8]> {
        let Some(slot) = named.slot else {
            let (_, value) = self.others.get(self.other(named.name)?)?;
            return Some(value);
        };
        self.at(slot, names)
    }

    /// Where the variable of a name that no rule names is.
    fn other(&self, name: &[u8]) -> Option<usize> {
        let mut set = self.others.iter().take(self.count);
        set.position(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn at<'t>(&'t self, slot: usize, names: &'t TxNames) -> Option<&'t [u8]> {
        match self.known.get(slot) {
            None | Some((Held::Initial, _)) => names.initial(slot),
            Some((Held::Absent, _)) => None,
            Some((Held::Set, value)) => Some(value),
        }
    }

    /// Whether these variables are as the transaction began.
    pub(crate) fn is_as_it_began(&self, quiet: &Quiet) -> bool {
        let mut touched = self.touched.iter();
        !(touched.any(|slot| quiet.slots.contains(slot)) || quiet.others && self.count > 0)
    }

    /// Sets the variable.
    pub(crate) fn set(&mut self, named: Named<'_>, value: &[u8], names: &TxNames) {
        let Some(slot) = named.slot else {
            let name = named.name;
            let at = self.other(name).unwrap_or(self.count);
            if at == self.others.len() {
                self.others.push((Vec::new(), Vec::new()));
            }
            if let Some((known, old)) = self.others.get_mut(at) {
                if at == self.count {
                    self.count += 1;
                    known.clear();
                    known.extend_from_slice(name);
                }
                old.clear();
                old.extend_from_slice(value);
            }
            return;
        };
        if let Some((held, buffer)) = self.entry(slot, names) {
            *held = Held::Set;
            buffer.clear();
            buffer.extend_from_slice(value);
        }
    }

    /// Sets the variable to a number.
    pub(crate) fn set_number(&mut self, named: Named<'_>, value: i64, names: &TxNames) {
        let Some((held, buffer)) = named.slot.and_then(|slot| self.entry(slot, names)) else {
            return self.set(named, value.to_string().as_bytes(), names);
        };
        *held = Held::Set;
        buffer.clear();
        // Writing to memory does not fail.
        let _ = write!(buffer, "{value}");
    }

    /// Forgets the variable.
    pub(crate) fn unset(&mut self, named: Named<'_>, names: &TxNames) {
        if let Some(at) = self.other(named.name) {
            // The order of the others stays; the memory goes behind them.
            self.count -= 1;
            if let Some(rest) = self.others.get_mut(at..=self.count) {
                rest.rotate_left(1);
            }
        }
        if let Some(slot) = named.slot
            && let Some((held, _)) = self.entry(slot, names)
        {
            *held = Held::Absent;
        }
    }

    fn entry(&mut self, slot: usize, names: &TxNames) -> Option<&mut (Held, Vec<u8>)> {
        if self.known.len() < names.names.len() {
            self.known
                .resize_with(names.names.len(), || (Held::Initial, Vec::new()));
        }
        let known = self.known.get_mut(slot)?;
        if known.0 == Held::Initial {
            self.touched.push(slot as u32);
        }
        Some(known)
    }

    /// The variables whose names fit the pattern of a selector, with their values.
    pub(crate) fn fitting(&self, pattern: &Arc<dyn Operator>, names: &TxNames) -> Pairs {
        let known = names.fitting(pattern);
        let owned = |(name, value): (&[u8], &[u8])| (name.to_vec(), value.to_vec());
        let Some(known) = known else {
            let all = self.iter(names);
            return all
                .filter(|(name, _)| means(&**pattern, name, &mut None))
                .map(owned)
                .collect();
        };
        let slots = known.iter().filter_map(|&slot| {
            let name = names.names.get(slot as usize)?;
            Some((&**name, self.at(slot as usize, names)?))
        });
        let others = self.others.iter().take(self.count);
        let others = others.map(|(name, value)| (name.as_slice(), value.as_slice()));
        slots
            .chain(others.filter(|(name, _)| means(&**pattern, name, &mut None)))
            .map(owned)
            .collect()
    }

    /// Every variable with its value.
    pub(crate) fn iter<'t>(
        &'t self,
        names: &'t TxNames,
    ) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
        let known = names.names.iter().enumerate();
        let known = known.filter_map(|(slot, name)| Some((&**name, self.at(slot, names)?)));
        let others = self.others.iter().take(self.count);
        known.chain(others.map(|(name, value)| (name.as_slice(), value.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_holds_what_was_set_last() {
        let mut names = TxNames::default();
        names.add(b"score");
        names.set_initial(b"level", Some(b"1"));
        let mut tx = Tx::default();
        assert_eq!(tx.get(names.named(b"level"), &names), Some(b"1".as_slice()));
        assert_eq!(tx.get(names.named(b"score"), &names), None);
        tx.set(names.named(b"score"), b"5", &names);
        tx.set(names.named(b"other"), b"x", &names);
        tx.set(names.named(b"OTHER"), b"y", &names);
        tx.unset(names.named(b"Level"), &names);
        let all: Vec<_> = tx.iter(&names).collect();
        assert_eq!(
            all,
            [
                (b"score".as_slice(), b"5".as_slice()),
                (b"other".as_slice(), b"y".as_slice())
            ]
        );
        tx.unset(names.named(b"other"), &names);
        assert_eq!(tx.get(names.named(b"other"), &names), None);
        tx.set(names.named(b"third"), b"z", &names);
        tx.reset();
        assert_eq!(tx.get(names.named(b"third"), &names), None);
        let all: Vec<_> = tx.iter(&names).collect();
        assert_eq!(all, [(b"level".as_slice(), b"1".as_slice())]);
    }

    #[test]
    fn all_variables_together_are_bounded() {
        let mut names = TxNames::default();
        names.add(b"known");
        let mut spaces = Spaces::default();
        let mut set = |place, name: &[u8], value: &[u8]| {
            let named = names.named(name);
            let room = spaces.with_room(place, (named, value.len()), &names, 16);
            room.map(|tx| tx.set(named, value, &names)).is_some()
        };
        assert!(set(None, b"known", b"1234"));
        assert!(set(Some(3), b"other", b"12"));
        assert!(!set(Some(4), b"other", b"12"));
        assert!(set(None, b"known", b"12"));
        assert!(set(Some(4), b"x", b"1"));
        assert_eq!(
            spaces.of(Some(3)).get(names.named(b"other"), &names),
            Some(b"12".as_slice())
        );
        assert_eq!(spaces.of(Some(5)).get(names.named(b"other"), &names), None);
        spaces.reset();
        assert_eq!(spaces.of(Some(3)).get(names.named(b"other"), &names), None);
    }
}

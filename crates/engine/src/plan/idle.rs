//! Scratch of ended transactions, to be used again.

use std::sync::{Mutex, PoisonError};

use crate::transaction::{Scout, State, Values};

/// Scratch that a plan keeps at most.
const IDLE: usize = 64;
/// So often what is known of values, about a megabyte each.
const KNOWN: usize = 8;

/// Idle scratch. What is known of values is kept apart: transactions that wait need it not, so
/// that few serve many of them.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "states are large, and are moved in and out")]
pub(crate) struct Idle {
    states: Mutex<Vec<Box<State>>>,
    known: Mutex<Vec<Values>>,
    scouts: Mutex<Vec<Box<Scout>>>,
}

impl Idle {
    pub(crate) fn take(&self) -> Box<State> {
        let mut state = lock(&self.states).pop().unwrap_or_default();
        state.values = self.take_known();
        state
    }

    pub(crate) fn give_back(&self, mut state: Box<State>) {
        self.give_back_known(std::mem::take(&mut state.values));
        let mut states = lock(&self.states);
        if states.len() < IDLE {
            states.push(state);
        }
    }

    pub(crate) fn take_scout(&self) -> Box<Scout> {
        lock(&self.scouts).pop().unwrap_or_default()
    }

    pub(crate) fn give_back_scout(&self, scout: Box<Scout>) {
        let mut scouts = lock(&self.scouts);
        if scouts.len() < IDLE {
            scouts.push(scout);
        }
    }

    /// What was given back last: it is likely to be still in the processor's caches.
    pub(crate) fn take_known(&self) -> Values {
        lock(&self.known).pop().unwrap_or_default()
    }

    pub(crate) fn give_back_known(&self, values: Values) {
        let mut known = lock(&self.known);
        if known.len() < KNOWN && values.knows_any() {
            known.push(values);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_what_is_known_of_values_is_used_again() {
        let idle = Idle::default();
        let mut burst: Vec<_> = (0..2 * IDLE).map(|_| idle.take()).collect();
        for state in &mut burst {
            state.values.intern(b"value");
        }
        burst.into_iter().for_each(|state| idle.give_back(state));
        assert_eq!(lock(&idle.known).len(), KNOWN);
        assert_eq!(lock(&idle.states).len(), IDLE);
        for _ in 0..3 {
            let state = idle.take();
            assert_eq!(lock(&idle.known).len(), KNOWN - 1);
            idle.give_back(state);
        }
    }
}

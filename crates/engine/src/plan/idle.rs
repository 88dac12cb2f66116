//! Scratch of ended transactions, to be used again.

use std::sync::{Mutex, PoisonError};

use crate::transaction::State;

/// Scratch that a plan keeps at most.
const IDLE: usize = 64;
/// So many keep what they know of values besides, about a megabyte each.
const WARM: usize = 8;

/// Idle scratch; that which knows values is used first.
#[derive(Default)]
#[expect(clippy::vec_box, reason = "states are large, and are moved in and out")]
pub(crate) struct Idle {
    warm: Mutex<Vec<Box<State>>>,
    cold: Mutex<Vec<Box<State>>>,
}

impl Idle {
    pub(crate) fn take(&self) -> Box<State> {
        let pop = |states: &Mutex<Vec<Box<State>>>| {
            states.lock().unwrap_or_else(PoisonError::into_inner).pop()
        };
        pop(&self.warm)
            .or_else(|| pop(&self.cold))
            .unwrap_or_default()
    }

    pub(crate) fn give_back(&self, mut state: Box<State>) {
        {
            let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
            if warm.len() < WARM {
                return warm.push(state);
            }
        }
        state.cool();
        let mut cold = self.cold.lock().unwrap_or_else(PoisonError::into_inner);
        if cold.len() < IDLE - WARM {
            cold.push(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_the_scratch_that_knows_values_is_used_again() {
        let idle = Idle::default();
        let burst: Vec<_> = (0..2 * IDLE).map(|_| idle.take()).collect();
        burst.into_iter().for_each(|state| idle.give_back(state));
        assert_eq!(idle.warm.lock().unwrap().len(), WARM);
        assert_eq!(idle.cold.lock().unwrap().len(), IDLE - WARM);
        for _ in 0..3 {
            let state = idle.take();
            assert_eq!(idle.warm.lock().unwrap().len(), WARM - 1);
            idle.give_back(state);
        }
    }
}

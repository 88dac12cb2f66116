//! Scratch of ended transactions, to be used again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::transaction::{Scout, State, Values};

/// Shelves that scratch lies on; threads beyond that share them.
const SHELVES: usize = 8;
/// Scratch that is kept on each at most.
const IDLE: usize = 16;
/// So often what is known of values, about a megabyte each.
const KNOWN: usize = 2;

/// Idle scratch. What is known of values is kept apart: transactions that wait need it not, so
/// that few serve many of them.
///
/// PERF: each thread takes what it gave back last, which is likely to be still in the caches of
/// its processor, and not in those of another's.
#[derive(Default)]
pub(crate) struct Idle {
    shelves: [Shelf; SHELVES],
}

#[derive(Default)]
#[repr(align(128))]
struct Shelf(Mutex<Kept>);

#[derive(Default)]
#[expect(clippy::vec_box, reason = "states are large, and are moved in and out")]
struct Kept {
    states: Vec<Box<State>>,
    known: Vec<Values>,
    scouts: Vec<Box<Scout>>,
}

impl Idle {
    pub(crate) fn take(&self) -> Box<State> {
        let mut state = self.taken(|kept| kept.states.pop());
        state.values = self.take_known();
        state
    }

    pub(crate) fn give_back(&self, mut state: Box<State>) {
        self.give_back_known(std::mem::take(&mut state.values));
        self.own(|kept| {
            if kept.states.len() < IDLE {
                kept.states.push(state);
            }
        });
    }

    pub(crate) fn take_scout(&self) -> Box<Scout> {
        self.own(|kept| kept.scouts.pop()).unwrap_or_default()
    }

    pub(crate) fn give_back_scout(&self, scout: Box<Scout>) {
        self.own(|kept| {
            if kept.scouts.len() < IDLE {
                kept.scouts.push(scout);
            }
        });
    }

    pub(crate) fn take_known(&self) -> Values {
        self.taken(|kept| kept.known.pop())
    }

    pub(crate) fn give_back_known(&self, values: Values) {
        self.own(|kept| {
            if kept.known.len() < KNOWN && values.knows_any() {
                kept.known.push(values);
            }
        });
    }

    /// From the thread's own shelf, or any.
    fn taken<T: Default>(&self, take: impl Fn(&mut Kept) -> Option<T>) -> T {
        let others = || {
            let mut shelves = self.shelves.iter();
            shelves.find_map(|shelf| take(&mut *shelf.0.try_lock().ok()?))
        };
        self.own(&take).or_else(others).unwrap_or_default()
    }

    /// Does something with the thread's own shelf.
    fn own<T: Default>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let number = NUMBER.with(|number| number % SHELVES);
        self.shelves.get(number).map_or_else(T::default, |shelf| {
            work(&mut shelf.0.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(idle: &Idle, count: impl Fn(&Kept) -> usize) -> usize {
        let shelves = idle.shelves.iter();
        shelves.map(|shelf| count(&shelf.0.lock().unwrap())).sum()
    }

    #[test]
    fn after_a_burst_what_is_known_of_values_is_used_again() {
        let idle = Idle::default();
        let mut burst: Vec<_> = (0..2 * IDLE).map(|_| idle.take()).collect();
        for state in &mut burst {
            state.values.intern(b"value");
        }
        burst.into_iter().for_each(|state| idle.give_back(state));
        assert_eq!(kept(&idle, |kept| kept.known.len()), KNOWN);
        assert_eq!(kept(&idle, |kept| kept.states.len()), IDLE);
        for _ in 0..3 {
            let state = idle.take();
            assert_eq!(kept(&idle, |kept| kept.known.len()), KNOWN - 1);
            idle.give_back(state);
        }
    }

    #[test]
    fn a_thread_uses_its_own_and_what_others_left() {
        let idle = Idle::default();
        let with = |value: &[u8]| {
            let mut values = Values::default();
            values.reset(100, 100);
            values.intern(value);
            idle.give_back_known(values);
        };
        // Whether what is taken knows the value.
        let takes = |value: &[u8]| {
            let mut values = idle.take_known();
            values
                .knows_any()
                .then(|| values.intern(value).position() == 0)
        };
        let both = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                with(b"own");
                both.wait();
                both.wait();
                [takes(b"own"), takes(b"left"), takes(b"left")]
            });
            both.wait();
            with(b"left");
            both.wait();
            assert_eq!(other.join().unwrap(), [Some(true), Some(true), None]);
        });
    }
}

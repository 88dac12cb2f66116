//! Scratch of ended transactions, to be used again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::transaction::{Scout, State, Values};

/// Shelves that scratch lies on; threads beyond that share them.
const SHELVES: usize = 8;
/// Scratch that is kept on each at most.
const IDLE: usize = 8;
/// So often what is known of values, about a megabyte each.
const KNOWN: usize = 1;

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
        self.put(state, |kept| (&mut kept.states, IDLE));
    }

    pub(crate) fn take_scout(&self) -> Box<Scout> {
        self.taken(|kept| kept.scouts.pop())
    }

    pub(crate) fn give_back_scout(&self, scout: Box<Scout>) {
        self.put(scout, |kept| (&mut kept.scouts, IDLE));
    }

    pub(crate) fn take_known(&self) -> Values {
        self.taken(|kept| kept.known.pop())
    }

    pub(crate) fn give_back_known(&self, values: Values) {
        if values.knows_any() {
            self.put(values, |kept| (&mut kept.known, KNOWN));
        }
    }

    /// From the thread's own shelf, or any.
    fn taken<T: Default>(&self, take: impl Fn(&mut Kept) -> Option<T>) -> T {
        let others = || {
            let mut shelves = self.shelves.iter();
            shelves.find_map(|shelf| take(&mut *shelf.0.try_lock().ok()?))
        };
        let own = self.own().and_then(|mut kept| take(&mut kept));
        own.or_else(others).unwrap_or_default()
    }

    /// To the thread's own shelf, or any that has room.
    fn put<T>(&self, what: T, place: impl Fn(&mut Kept) -> (&mut Vec<T>, usize)) {
        let mut what = Some(what);
        let mut try_put = |kept: &mut Kept| {
            let (place, most) = place(kept);
            if place.len() < most {
                place.extend(what.take());
            }
            what.is_none()
        };
        if self.own().is_some_and(|mut kept| try_put(&mut kept)) {
            return;
        }
        let mut shelves = self.shelves.iter().filter_map(|it| it.0.try_lock().ok());
        shelves.any(|mut kept| try_put(&mut kept));
    }

    /// The thread's own shelf.
    fn own(&self) -> Option<MutexGuard<'_, Kept>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let number = NUMBER.with(|number| number % SHELVES);
        let shelf = self.shelves.get(number)?;
        Some(shelf.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;

    fn kept(idle: &Idle, count: impl Fn(&Kept) -> usize) -> usize {
        let shelves = idle.shelves.iter();
        shelves.map(|shelf| count(&shelf.0.lock().unwrap())).sum()
    }

    #[test]
    fn after_a_burst_what_is_known_of_values_is_used_again() {
        let idle = Idle::default();
        let mut burst: Vec<_> = (0..2 * SHELVES * IDLE).map(|_| idle.take()).collect();
        for state in &mut burst {
            state.values.intern(b"value");
        }
        burst.into_iter().for_each(|state| idle.give_back(state));
        assert_eq!(kept(&idle, |kept| kept.known.len()), SHELVES * KNOWN);
        assert_eq!(kept(&idle, |kept| kept.states.len()), SHELVES * IDLE);
        for _ in 0..3 {
            let state = idle.take();
            assert_eq!(kept(&idle, |kept| kept.known.len()), SHELVES * KNOWN - 1);
            idle.give_back(state);
        }
    }

    #[test]
    fn scratch_that_a_defect_left_half_done_is_not_used_again() {
        let rules = "SecRule ARGS \"@streq x\" \"id:1,phase:1,pass,log\"";
        let rules = seclang::parse("r.conf", rules, &seclang::Limits::default()).unwrap();
        let input = crate::Input {
            rules: vec![rules],
            patches: Vec::new(),
        };
        let plan = crate::compile(&input, crate::Limits::default(), &crate::NoResources).unwrap();
        let none: Vec<(&str, &str)> = Vec::new();
        let begin = || {
            let head = crate::RequestHead::new(b"GET", b"/?a=x", &none);
            let mut transaction = plan.begin();
            let _ = transaction.request_head(&head);
            transaction
        };
        let states = || kept(&plan.idle, |kept| kept.states.len());
        assert_eq!(begin().abandon().len(), 1, "what matched before is told");
        assert_eq!(states(), 0);
        let unwound = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let _transaction = begin();
            panic!("a defect");
        }));
        assert!(unwound.is_err());
        assert_eq!(states(), 0);
        drop(begin());
        assert_eq!(states(), 1);
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

//! Work on all processors.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does something with each item; what comes of it is in the order of the items.
pub fn in_parallel<I: Sync, T: Send>(items: &[I], each: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return done;
            };
            done.push((at, each(item)));
        }
    };
    let mut done = BTreeMap::new();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        done.extend(work());
        for other in others {
            match other.join() {
                Ok(found) => done.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.into_values().collect()
}

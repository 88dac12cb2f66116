//! How long to wait before the control side is called again.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits longer each time that something fails, and not as long as others do: a fleet that was
/// cut off must not come back all at once.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
    random: RandomState,
}

impl Backoff {
    /// It went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed; true for the first time in a row, which is worth a line in the log.
    pub(super) fn is_first(&self) -> bool {
        self.failures == 0
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// From half of the time to all of it.
    fn next(&mut self) -> Duration {
        let whole = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let random = self.random.hash_one(self.failures) % 1000;
        whole / 2 + (whole / 2).mul_f64(random as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::default();
        let mut whole = FIRST;
        for _ in 0..100 {
            let wait = backoff.next();
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn two_do_not_wait_alike() {
        let waits = || {
            let mut backoff = Backoff::default();
            (0..8).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_ne!(waits(), waits());
    }
}

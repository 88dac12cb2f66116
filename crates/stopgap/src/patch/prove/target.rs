//! The unpatched application, which says what works.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use patch::document::Case;
use patch::{Expected, Request};

use crate::live::Target;

/// Requests under way at once.
const PARALLEL: usize = 4;

/// A target and whether it has answered at all.
pub(super) struct Application {
    target: Target,
    answered: bool,
    error: Option<anyhow::Error>,
}

impl Application {
    pub(super) fn at(
        url: &str,
        authorities: Option<&Path>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            target: Target::parse(url, authorities, timeout)?,
            answered: false,
            error: None,
        })
    }

    /// Which of the requests do what the case is for. One that gets no answer does not.
    pub(super) fn works(&mut self, case: &Case, requests: &[&Request]) -> Vec<bool> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..PARALLEL.min(requests.len()) {
                scope.spawn(|| {
                    while let Some((at, request)) = {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        requests.get(at).map(|request| (at, request))
                    } {
                        let outcome = self
                            .target
                            .send(&request.wire())
                            .and_then(|reply| super::super::judge(case.success.as_ref(), &reply));
                        let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                        outcomes.push((at, outcome));
                    }
                });
            }
        });
        let mut works = vec![false; requests.len()];
        let outcomes = outcomes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (at, outcome) in outcomes {
            match outcome {
                Ok(expected) => {
                    self.answered = true;
                    if let Some(works) = works.get_mut(at) {
                        *works = expected == Expected::Yes;
                    }
                }
                Err(error) => self.error = Some(error),
            }
        }
        works
    }

    /// Why there never was an answer.
    pub(super) fn unreachable(self) -> Option<anyhow::Error> {
        self.error.filter(|_| !self.answered)
    }
}

//! What a transaction has found and decided so far.

use crate::decision::{Match, Strip};
use crate::trace::Trace;

/// Matches and edits, bounded.
#[derive(Default)]
pub(crate) struct Outcome {
    matches: Vec<Match>,
    strips: Vec<Strip>,
    limit: usize,
    /// Matches beyond the limit.
    beyond: usize,
    /// None unless asked for.
    trace: Option<Vec<Trace>>,
    trace_limit: usize,
}

impl Outcome {
    pub(crate) fn reset(&mut self, limit: usize) {
        self.matches.clear();
        self.strips.clear();
        self.limit = limit;
        self.beyond = 0;
        self.trace = None;
    }

    /// Keeps steps from now on, up to a bound.
    pub(crate) fn begin_trace(&mut self, limit: usize) {
        self.trace = Some(Vec::new());
        self.trace_limit = limit;
    }

    pub(crate) fn traces(&self) -> bool {
        self.trace.is_some()
    }

    pub(crate) fn trace(&mut self, step: impl FnOnce() -> Trace) {
        if let Some(trace) = &mut self.trace
            && trace.len() < self.trace_limit
        {
            trace.push(step());
        }
    }

    pub(crate) fn take_trace(&mut self) -> Vec<Trace> {
        self.trace.take().unwrap_or_default()
    }

    pub(crate) fn record(&mut self, found: Match) {
        if self.matches.len() < self.limit {
            self.matches.push(found);
        } else {
            self.beyond += 1;
        }
    }

    pub(crate) fn strip(&mut self, what: &Strip) {
        if !self.strips.contains(what) {
            self.strips.push(what.clone());
        }
    }

    pub(crate) fn strips(&self) -> &[Strip] {
        &self.strips
    }

    /// All matches; the last tells how many more there were.
    pub(crate) fn take_matches(&mut self) -> Vec<Match> {
        let mut matches = std::mem::take(&mut self.matches);
        if self.beyond > 0 {
            let (kept, beyond) = (matches.len(), self.beyond);
            matches.push(Match::of_engine(
                5,
                format!("{beyond} more matches than the {kept} that are recorded"),
            ));
        }
        matches
    }
}

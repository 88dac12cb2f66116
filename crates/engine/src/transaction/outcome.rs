//! What a transaction has found and decided so far.

use crate::decision::{Match, Strip};

/// Matches and edits, bounded.
#[derive(Default)]
pub(crate) struct Outcome {
    matches: Vec<Match>,
    strips: Vec<Strip>,
    limit: usize,
}

impl Outcome {
    pub(crate) fn reset(&mut self, limit: usize) {
        self.matches.clear();
        self.strips.clear();
        self.limit = limit;
    }

    pub(crate) fn record(&mut self, found: Match) {
        if self.matches.len() < self.limit {
            self.matches.push(found);
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

    pub(crate) fn take_matches(&mut self) -> Vec<Match> {
        std::mem::take(&mut self.matches)
    }
}

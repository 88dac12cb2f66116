//! Chains that can be told value by value (`plan/alone.rs`).

use super::evaluate::Run;
use super::values::ValueId;
use crate::language::variables::Variable;
use crate::plan::ir::{Alone, Link, Rule};

impl Run<'_> {
    /// Whether the chain matches, which is known where all its values have led nowhere before.
    pub(super) fn matches_alone(&mut self, rule: &Rule, first: &Link, alone: &Alone) -> bool {
        let mut selected = std::mem::take(&mut self.kept.selected);
        selected.clear();
        self.select(rule, first, false, &mut selected);
        let values = &*self.values;
        let misses = |number: u32, value: ValueId| values.misses(number, value);
        let is_known = selected.iter().all(|one| misses(alone.number, one.value));
        if is_known {
            // What was captured last stays behind.
            let fits = |value| first.remembered.is_none_or(|test| !misses(test, value));
            let last = selected.iter().rposition(|one| fits(one.value));
            selected.drain(..last.unwrap_or(selected.len()));
            selected.truncate(1);
            if let Some(test) = &first.test {
                self.ask_each(first, test, false, false, &selected);
            }
        }
        self.kept.selected = selected;
        if is_known {
            return false;
        }
        let matched = self.links(rule, None);
        if !matched && self.tells_all(alone) {
            self.lead_nowhere(rule, first, alone.number);
        }
        matched
    }

    /// Whether what came of the values is due to them alone.
    fn tells_all(&self, alone: &Alone) -> bool {
        let mut excluded = self.overrides.targets.iter();
        let mut readers = alone.readers.iter();
        !(self.values.overflowed
            || self.values.is_spent()
            || excluded.any(|(_, variable, _)| *variable == Variable::Tx)
            || readers.any(|pattern| {
                let read = self.tx().fitting(pattern, self.names);
                let mut names = read.iter().map(|(name, _)| name.to_ascii_lowercase());
                names.any(|name| name.starts_with(&alone.start))
            }))
    }

    /// Remembers that of the values that a link looks at.
    fn lead_nowhere(&mut self, rule: &Rule, link: &Link, number: u32) {
        let mut selected = std::mem::take(&mut self.kept.selected);
        selected.clear();
        self.select(rule, link, false, &mut selected);
        for one in &selected {
            // With what a name begins is not told of its other lines.
            if !self.values.get(one.value).contains(&b'\n') {
                self.values.add_miss(number, one.value);
            }
        }
        self.kept.selected = selected;
    }
}

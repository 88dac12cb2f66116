//! Which rules could match: one look at each value, before any rule runs.

use super::inputs::{Inputs, Item, Members};
use super::values::{ValueId, Values};
use crate::language::lower::means;
use crate::plan::Scan;
use crate::plan::query::{Gated, LONGEST_NAME, Looked, Query, Steps, Uses};
use crate::plan::signature::Signature;

/// Sets `candidates` to the steps of the phase that could match; `own` is scratch.
pub(crate) fn find(
    query: &Query,
    inputs: &Inputs,
    values: &mut Values,
    scan: &Scan,
    candidates: &mut Steps,
    own: &mut Steps,
) {
    candidates.copy_from(&query.always);
    let mut look = Look {
        values,
        scan,
        candidates,
        own,
    };
    for looked in &query.looked_at {
        match inputs.members(looked.variable, look.values) {
            Members::Values(first, second) => {
                for item in first.iter().chain(second) {
                    look.at_member(looked, item, item.value);
                }
            }
            Members::Names(first, second) => {
                for item in first.iter().chain(second) {
                    look.at_member(looked, item, item.name);
                }
            }
            Members::Scalar(Some(value)) => look.at(&looked.all, value),
            Members::Scalar(None) | Members::Sizes(_) | Members::Size(_) | Members::Kept => {}
        }
    }
}

/// The uses of a member by its name, case ignored.
fn named<'q>(looked: &'q Looked, name: &[u8]) -> Option<&'q Uses> {
    let mut folded = [0; LONGEST_NAME];
    let folded = folded.get_mut(..name.len())?;
    folded.copy_from_slice(name);
    folded.make_ascii_lowercase();
    looked.named.get(&*folded)
}

struct Look<'a> {
    values: &'a mut Values,
    scan: &'a Scan,
    candidates: &'a mut Steps,
    /// Those of one value.
    own: &'a mut Steps,
}

impl Look<'_> {
    fn at_member(&mut self, looked: &Looked, item: &Item, value: ValueId) {
        self.at(&looked.all, value);
        if !looked.named.is_empty()
            && let Some(uses) = named(looked, self.values.get(item.name))
        {
            self.at(uses, value);
        }
        for (pattern, uses) in &looked.patterns {
            if means(&**pattern, self.values.get(item.name)) {
                self.at(uses, value);
            }
        }
    }

    /// Lets the steps run that the value could match.
    fn at(&mut self, uses: &Uses, value: ValueId) {
        if let Some(steps) = self.values.lets(uses.id, value) {
            for &step in steps {
                self.candidates.insert(step);
            }
            return;
        }
        self.own.clear();
        self.find(uses, value);
        for step in self.own.iter() {
            self.candidates.insert(step);
        }
        self.values.add_lets(uses.id, value, self.own);
    }

    /// Sets `own` to the steps that the value could match, in all of its decoded forms.
    fn find(&mut self, uses: &Uses, value: ValueId) {
        let signature = self.values.signature(value, self.scan);
        self.admit(&uses.undecoded, value);
        if uses.leaves(signature) {
            return;
        }
        for chain in &uses.chains {
            if chain.leaves(signature) {
                continue;
            }
            let makes = chain.makes.unwrap_or(Signature::MAX);
            if !chain.rules.could_admit(signature | makes, self.own) {
                continue;
            }
            let mut decoded = value;
            for &transformation in &chain.transformations {
                decoded = self.values.transformed(decoded, transformation, self.scan);
            }
            if decoded != value {
                self.admit(&chain.rules, decoded);
            }
        }
    }

    fn admit(&mut self, rules: &Gated, value: ValueId) {
        let (values, scan) = (&mut *self.values, self.scan);
        let signature = values.signature(value, scan);
        let mut holds = |clause| values.holds(value, clause, scan);
        rules.admitted(signature, &mut holds, self.own);
    }
}

//! Which rules could match, and for which values: one look at each value, before any rule runs.

use super::inputs::{Inputs, Item, Members};
use super::values::{ValueId, Values};
use crate::language::lower::means;
use crate::language::variables::{Variable, VariableSet};
use crate::plan::Scan;
use crate::plan::gated::Gated;
use crate::plan::query::{Looked, Query, Stage, Steps, Uses};
use crate::plan::signature::Signature;

/// The steps of a phase that could match, each with the values that let it run.
#[derive(Default)]
pub(crate) struct Candidates {
    steps: Steps,
    /// By step: its last entry among `lets`, or one of the two that follow.
    last: Vec<u32>,
    /// A value that lets a step run, which of the variables looked at holds it, and the entry
    /// before it of the same step.
    lets: Vec<(ValueId, Variable, u32)>,
    /// By value: the number of the last choice that it was part of. What is left of earlier
    /// ones may at worst let a value be asked in vain.
    marks: Vec<u32>,
    choice: u32,
    /// The variables that hold values chosen last.
    holding: VariableSet,
    /// Scratch: the steps of one value.
    own: Steps,
    /// Scratch: one value, as decoded by each stage.
    decoded: Vec<Option<ValueId>>,
}

/// No entry: the step runs whatever its values are.
const NONE: u32 = u32::MAX;
/// Any value lets the step run.
const ANY: u32 = u32::MAX - 1;

/// Bytes of a value that is searched in less time than a rule is asked.
const SHORT: usize = 40;

impl Candidates {
    /// Finds those of a phase.
    pub(crate) fn find(
        &mut self,
        query: &Query,
        inputs: &Inputs,
        values: &mut Values,
        scan: &Scan,
    ) {
        self.steps.copy_from(&query.always);
        self.last.clear();
        self.lets.clear();
        let mut look = Look {
            values,
            scan,
            candidates: self,
            query,
            variable: Variable::Args,
        };
        for looked in &query.looked_at {
            look.variable = looked.variable;
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

    /// The first step at or after this one.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        self.steps.next(from)
    }

    /// Chooses the values that let the step run; false if any may.
    pub(crate) fn choose(&mut self, step: usize) -> bool {
        let mut entry = self.last.get(step).copied().unwrap_or(NONE);
        if entry >= ANY {
            return false;
        }
        self.choice = self.choice.wrapping_add(1);
        self.holding = VariableSet::default();
        while let Some(&(value, variable, before)) = self.lets.get(entry as usize) {
            self.holding.add(variable);
            let at = value.position();
            if self.marks.len() <= at {
                self.marks.resize(at + 1, 0);
            }
            if let Some(mark) = self.marks.get_mut(at) {
                *mark = self.choice;
            }
            entry = before;
        }
        true
    }

    /// Whether the variable holds one of the values chosen last.
    pub(crate) fn is_holding(&self, variable: Variable) -> bool {
        self.holding.has(variable)
    }

    /// Whether the value is one of those chosen last.
    pub(crate) fn is_chosen(&self, value: ValueId) -> bool {
        self.marks.get(value.position()) == Some(&self.choice)
    }

    fn last(&mut self, step: u32) -> Option<&mut u32> {
        let at = step as usize;
        if self.last.len() <= at {
            self.last.resize(at + 1, NONE);
        }
        self.steps.insert(step);
        self.last.get_mut(at)
    }

    fn open(&mut self, step: u32) {
        if let Some(last) = self.last(step) {
            *last = ANY;
        }
    }

    fn let_by(&mut self, step: u32, value: ValueId, variable: Variable) {
        let next = self.lets.len() as u32;
        if let Some(last) = self.last(step)
            && *last != ANY
        {
            let before = std::mem::replace(last, next);
            self.lets.push((value, variable, before));
        }
    }
}

struct Look<'a> {
    values: &'a mut Values,
    scan: &'a Scan,
    candidates: &'a mut Candidates,
    query: &'a Query,
    /// What is looked at.
    variable: Variable,
}

impl Look<'_> {
    fn at_member(&mut self, looked: &Looked, item: &Item, value: ValueId) {
        self.at(&looked.all, value);
        if !looked.named.is_empty()
            && let Some(number) = self.values.number(item.name, self.scan)
            && let Ok(at) = looked.named.binary_search_by_key(&number, |it| it.0)
            && let Some((_, uses)) = looked.named.get(at)
        {
            self.at(uses, value);
        }
        for (pattern, uses) in &looked.patterns {
            self.values.spend(self.values.get(item.name).len());
            let mut apart = self.values.apart.take();
            let means = means(&**pattern, self.values.get(item.name), &mut apart);
            self.values.apart = apart;
            if means {
                self.at(uses, value);
            }
        }
    }

    /// Lets the steps run that the value could match.
    fn at(&mut self, uses: &Uses, value: ValueId) {
        for &step in &uses.open {
            self.candidates.open(step);
        }
        // PERF: most values let none run, and are known: one look at them tells it.
        if self.values.lets_none(uses.id, value)
            || uses.undecoded.is_empty() && uses.free.is_empty()
        {
            return;
        }
        if let Some(steps) = self.values.lets(uses.id, value, self.query) {
            for &step in steps {
                self.candidates.let_by(step, value, self.variable);
            }
            return;
        }
        let mut own = std::mem::take(&mut self.candidates.own);
        own.clear();
        uses.free.iter().for_each(|&step| own.insert(step));
        self.find(uses, value, &mut own);
        for step in own.iter() {
            self.candidates.let_by(step, value, self.variable);
        }
        self.values.add_lets(uses.id, value, &own);
        self.candidates.own = own;
    }

    /// Adds the steps that the value could match, in all of its decoded forms.
    fn find(&mut self, uses: &Uses, value: ValueId, own: &mut Steps) {
        if uses.undecoded.is_empty() {
            return;
        }
        let signature = self.values.signature(value, self.scan);
        self.admit(&uses.undecoded, value, own);
        if uses.leaves(signature) {
            return;
        }
        self.candidates.decoded.clear();
        self.candidates.decoded.resize(uses.stages.len(), None);
        for (at, stage) in uses.asking(signature) {
            if stage.tells_more(signature, own) {
                let decoded = self.decoded(&uses.stages, at, value, signature);
                if decoded != value {
                    self.admit(&stage.rules, decoded, own);
                }
            }
        }
    }

    /// The value as a stage decodes it. A rule has too few transformations for this to nest deep.
    fn decoded(
        &mut self,
        stages: &[Stage],
        at: u32,
        value: ValueId,
        signature: Signature,
    ) -> ValueId {
        let known = self.candidates.decoded.get(at as usize);
        if let Some(&Some(known)) = known {
            return known;
        }
        let Some(stage) = stages.get(at as usize) else {
            return value;
        };
        if stage.leaves(signature) {
            return value;
        }
        let before = match stage.before {
            Some(before) => self.decoded(stages, before, value, signature),
            None => value,
        };
        let decoded = self
            .values
            .transformed(before, stage.transformation, self.scan);
        if let Some(known) = self.candidates.decoded.get_mut(at as usize) {
            *known = Some(decoded);
        }
        decoded
    }

    fn admit(&mut self, rules: &Gated, value: ValueId, own: &mut Steps) {
        let (values, scan) = (&mut *self.values, self.scan);
        let signature = values.signature(value, scan);
        rules.admitted(signature, own);
        if rules.asks_for_texts(signature) {
            // PERF: a request line is searched for thousands of texts, and few rules look at it.
            if values.get(value).len() > SHORT
                && !values.is_searched(value)
                && rules.admitted_unsearched(signature, own)
            {
                return;
            }
            for clause in values.found(value, scan) {
                rules.admitted_by(*clause, signature, own);
            }
        }
    }
}

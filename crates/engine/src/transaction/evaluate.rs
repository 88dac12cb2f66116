//! A phase: the base's rules in their order, then those of each concerned patch.

use std::ops::RangeInclusive;

use super::inputs::{Inputs, Item, Members};
use super::outcome::Outcome;
use super::tx::{Tx, TxNames};
use super::values::{ValueId, Values};
use super::{State, candidates};
use crate::decision::{Action, Decision, Flow, Match, Mode};
use crate::language::variables::{self, Variable};
use crate::operators::Hit;
use crate::plan::fold::number;
use crate::plan::gate::Gate;
use crate::plan::ir::{
    Allow, Change, Check, Disruptive, Effect, EngineMode, Link, Piece, Processor, Program, Rule,
    Selector, Step, Target, Test, Text,
};
use crate::plan::query::Steps;
use crate::plan::{Patch, Plan, Scan};

/// What rules have set and matched.
#[derive(Default)]
pub(crate) struct Kept {
    /// The base's variables; a patch's are its own and are forgotten after it.
    tx: Tx,
    patch_tx: Tx,
    matched: Vec<Selected>,
    hit: Hit,
    selected: Vec<Selected>,
    /// Which concerned patches are done: `allow` has ended them.
    allowed: Vec<(Option<u32>, u8)>,
}

/// What `ctl` has changed for the rest of the transaction.
#[derive(Default)]
pub(crate) struct Overrides {
    pub(crate) engine: EngineMode,
    pub(crate) processor: Option<Processor>,
    pub(crate) force_request_body: bool,
    rules: Vec<RangeInclusive<u64>>,
    tags: Vec<String>,
    targets: Vec<(RangeInclusive<u64>, Variable, Selector)>,
    tag_targets: Vec<(String, Variable, Selector)>,
}

/// A value that a target means, with the name of the member that holds it.
#[derive(Clone, Copy)]
struct Selected {
    variable: Variable,
    name: Option<ValueId>,
    value: ValueId,
}

impl Kept {
    pub(crate) fn reset(&mut self) {
        self.tx.reset();
        self.patch_tx.reset();
        self.matched.clear();
        self.selected.clear();
        self.allowed.clear();
        self.hit.clear();
    }
}

impl Overrides {
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Program {
    pub(crate) fn has_rules(&self) -> bool {
        self.phases.iter().any(|steps| !steps.is_empty())
    }

    pub(crate) fn runs_in(&self, phase: u8) -> bool {
        self.phases
            .get(usize::from(phase).wrapping_sub(1))
            .is_some_and(|steps| !steps.is_empty())
    }
}

/// Runs one phase.
pub(crate) fn phase(plan: &Plan, state: &mut State, phase: u8) -> Flow {
    if state.overrides.engine != EngineMode::Off && plan.base.runs_in(phase) {
        let mut run = Run::new(plan, state, None, None);
        if let Some(decision) = run.program(&plan.base, phase) {
            return Flow::Stop(Box::new(decision));
        }
    }
    for position in 0..state.concerned.len() {
        let Some(&at) = state.concerned.get(position) else {
            break;
        };
        let Some(patch) = plan.patches.get(at as usize) else {
            continue;
        };
        if !patch.program.runs_in(phase) {
            continue;
        }
        state.kept.patch_tx.reset();
        let mut run = Run::new(plan, state, Some(patch), Some(at));
        if let Some(decision) = run.program(&patch.program, phase) {
            return Flow::Stop(Box::new(decision));
        }
    }
    Flow::Continue
}

/// One program in one phase.
struct Run<'a> {
    values: &'a mut Values,
    inputs: &'a Inputs,
    kept: &'a mut Kept,
    overrides: &'a mut Overrides,
    outcome: &'a mut Outcome,
    patch: Option<&'a Patch>,
    names: &'a TxNames,
    owner: Option<u32>,
    scan: &'a Scan,
    candidates: &'a mut Steps,
}

impl<'a> Run<'a> {
    fn new(
        plan: &'a Plan,
        state: &'a mut State,
        patch: Option<&'a Patch>,
        owner: Option<u32>,
    ) -> Self {
        Self {
            values: &mut state.values,
            inputs: &state.inputs,
            kept: &mut state.kept,
            overrides: &mut state.overrides,
            outcome: &mut state.outcome,
            patch,
            names: patch.map_or(&plan.base.tx, |patch| &patch.program.tx),
            owner,
            scan: &plan.scan,
            candidates: &mut state.candidates,
        }
    }

    fn program(&mut self, program: &Program, phase: u8) -> Option<Decision> {
        let steps = program.phases.get(usize::from(phase) - 1)?;
        if self.kept.allowed.contains(&(self.owner, phase)) {
            return None;
        }
        let query = program
            .queries
            .as_deref()
            .and_then(|queries| queries.get(usize::from(phase) - 1));
        if let Some(query) = query {
            candidates::find(query, self.inputs, self.values, self.scan, self.candidates);
        }
        let mut at = 0;
        loop {
            if query.is_some() {
                match self.candidates.next(at) {
                    Some(next) => at = next,
                    None => return None,
                }
            }
            let rule = match steps.get(at) {
                Some(Step::Rule(rule)) => rule,
                Some(Step::Marker(_)) => {
                    at += 1;
                    continue;
                }
                None => return None,
            };
            at += 1;
            if self.is_removed(rule) || !self.matches(rule) {
                continue;
            }
            at = jump(steps, at, rule);
            if let Some(decision) = self.conclude(rule, phase) {
                return Some(decision);
            }
            if self.patch.is_none() && self.overrides.engine == EngineMode::Off
                || self.kept.allowed.contains(&(self.owner, phase))
            {
                return None;
            }
        }
    }

    fn is_removed(&self, rule: &Rule) -> bool {
        self.patch.is_none()
            && (self
                .overrides
                .rules
                .iter()
                .any(|range| range.contains(&rule.id))
                || self
                    .overrides
                    .tags
                    .iter()
                    .any(|tag| rule.tags.contains(tag)))
    }

    /// Whether every link of the chain matches; effects take place link by link, as they match.
    fn matches(&mut self, rule: &Rule) -> bool {
        rule.links.iter().all(|link| self.link(rule, link))
    }

    fn link(&mut self, rule: &Rule, link: &Link) -> bool {
        let Some(test) = &link.test else {
            self.effects(&link.effects);
            return true;
        };
        let mut selected = std::mem::take(&mut self.kept.selected);
        selected.clear();
        self.select(rule, link, &mut selected);
        let mut hit = std::mem::take(&mut self.kept.hit);
        hit.wants_groups = link.capture;
        let mut any = false;
        for &candidate in &selected {
            if let Some(value) = self.test(link, test, candidate.value, &mut hit) {
                if !any {
                    self.kept.matched.clear();
                }
                any = true;
                self.kept.matched.push(Selected { value, ..candidate });
                if link.capture && !test.negated {
                    self.capture(&hit, value);
                }
                self.effects(&link.effects);
            }
        }
        self.kept.hit = hit;
        self.kept.selected = selected;
        any
    }

    /// The transformed value, if the operator says yes.
    fn test(&mut self, link: &Link, test: &Test, value: ValueId, hit: &mut Hit) -> Option<ValueId> {
        let mut value = value;
        if link.multi_match && self.ask(test, value, hit) {
            return Some(value);
        }
        for &transformation in &link.transformations {
            let before = value;
            value = self.values.transformed(value, transformation, self.scan);
            if link.multi_match && value != before && self.ask(test, value, hit) {
                return Some(value);
            }
        }
        (!link.multi_match && self.ask(test, value, hit)).then_some(value)
    }

    /// Whether the test says yes of this value.
    fn ask(&mut self, test: &Test, value: ValueId, hit: &mut Hit) -> bool {
        hit.clear();
        let gate = test.gate;
        if gate != Gate::default()
            && (!gate.admits(self.values.signature(value, self.scan))
                || gate
                    .clause
                    .is_some_and(|clause| !self.values.holds(value, clause, self.scan)))
        {
            return false;
        }
        let found = match &test.check {
            Check::Compiled(operator) => operator.matches(self.values.get(value), hit),
            Check::Plain {
                function,
                argument: Text::Plain(argument),
                ..
            } => function(argument.as_bytes(), self.values.get(value), hit),
            Check::Plain {
                function, argument, ..
            } => {
                let argument = self.expand(argument);
                function(&argument, self.values.get(value), hit)
            }
        };
        found != test.negated
    }

    fn capture(&mut self, hit: &Hit, value: ValueId) {
        let input = self.values.get(value);
        let mut captured: Vec<(usize, Vec<u8>)> = hit
            .captures
            .iter()
            .enumerate()
            .filter_map(|(at, range)| Some((at, input.get(range.clone()?)?.to_vec())))
            .collect();
        if captured.is_empty() {
            let whole = if hit.text.is_empty() {
                hit.span
                    .clone()
                    .and_then(|span| input.get(span))
                    .unwrap_or_default()
                    .to_vec()
            } else {
                hit.text.clone()
            };
            captured.push((0, whole));
        }
        for (at, bytes) in captured {
            self.set(at.to_string().as_bytes(), &bytes);
        }
    }

    fn tx(&self) -> &Tx {
        match self.patch {
            Some(_) => &self.kept.patch_tx,
            None => &self.kept.tx,
        }
    }

    fn tx_mut(&mut self) -> &mut Tx {
        match self.patch {
            Some(_) => &mut self.kept.patch_tx,
            None => &mut self.kept.tx,
        }
    }

    fn set(&mut self, name: &[u8], value: &[u8]) {
        let names = self.names;
        self.tx_mut().set(name, value, names);
    }

    fn effects(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::SetTx { name, change } => self.set_tx(name, change),
                Effect::Engine(mode) => self.overrides.engine = *mode,
                Effect::BodyProcessor(processor) => self.overrides.processor = Some(*processor),
                Effect::ForceRequestBody => self.overrides.force_request_body = true,
                Effect::RemoveRules(range) => self.overrides.rules.push(range.clone()),
                Effect::RemoveRulesByTag(tag) => self.overrides.tags.push(tag.clone()),
                Effect::RemoveTarget {
                    rules,
                    variable,
                    selector,
                } => {
                    self.overrides
                        .targets
                        .push((rules.clone(), *variable, selector.clone()));
                }
                Effect::RemoveTargetByTag {
                    tag,
                    variable,
                    selector,
                } => {
                    self.overrides
                        .tag_targets
                        .push((tag.clone(), *variable, selector.clone()));
                }
            }
        }
    }

    fn set_tx(&mut self, name: &Text, change: &Change) {
        let name = self.expand(name);
        let names = self.names;
        let value = match change {
            Change::Unset => {
                self.tx_mut().unset(&name, names);
                return;
            }
            Change::Set(text) => self.expand(text),
            Change::Add(amount) | Change::Subtract(amount) => {
                let amount = number(&self.expand(amount));
                let old = number(self.tx().get(&name, names).unwrap_or_default());
                let new = match change {
                    Change::Subtract(_) => old.saturating_sub(amount),
                    _ => old.saturating_add(amount),
                };
                new.to_string().into_bytes()
            }
        };
        self.set(&name, &value);
    }

    /// All values that a link's targets mean, excluded ones taken away.
    fn select(&mut self, rule: &Rule, link: &Link, selected: &mut Vec<Selected>) {
        for target in link.targets.iter().filter(|target| !target.excluded) {
            let start = selected.len();
            self.members(target, selected);
            let mut at = start;
            while let Some(candidate) = selected.get(at).copied() {
                if self.is_excluded(rule, link, candidate) {
                    selected.remove(at);
                } else {
                    at += 1;
                }
            }
            if target.counted {
                let count = selected.len() - start;
                selected.truncate(start);
                let value = self.values.intern(count.to_string().as_bytes());
                selected.push(Selected {
                    variable: target.variable,
                    name: None,
                    value,
                });
            }
        }
    }

    fn is_excluded(&mut self, rule: &Rule, link: &Link, candidate: Selected) -> bool {
        let name = candidate
            .name
            .map_or_else(Vec::new, |id| self.values.get(id).to_vec());
        let in_link = link.targets.iter().any(|target| {
            target.excluded
                && target.variable == candidate.variable
                && target.selector.agrees(&name, &mut |text| self.expand(text))
        });
        if in_link || self.patch.is_some() {
            return in_link;
        }
        let agrees = |variable: &Variable, selector: &Selector| {
            *variable == candidate.variable
                && selector.agrees(&name, &mut |text| match text {
                    Text::Plain(plain) => plain.as_bytes().to_vec(),
                    Text::Template(_) => Vec::new(),
                })
        };
        self.overrides
            .targets
            .iter()
            .any(|(range, variable, selector)| {
                range.contains(&rule.id) && agrees(variable, selector)
            })
            || self
                .overrides
                .tag_targets
                .iter()
                .any(|(tag, variable, selector)| {
                    rule.tags.contains(tag) && agrees(variable, selector)
                })
    }

    fn members(&mut self, target: &Target, selected: &mut Vec<Selected>) {
        let variable = target.variable;
        let inputs = self.inputs;
        match inputs.members(variable, self.values) {
            Members::Values(first, second) => {
                for item in first.iter().chain(second) {
                    self.take(target, item, item.value, selected);
                }
            }
            Members::Names(first, second) => {
                for item in first.iter().chain(second) {
                    self.take(target, item, item.name, selected);
                }
            }
            Members::Sizes(items) => {
                for item in items {
                    let size = self.values.get(item.value).len().to_string();
                    let size = self.values.intern(size.as_bytes());
                    self.take(target, item, size, selected);
                }
            }
            Members::Scalar(Some(value)) => selected.push(Selected {
                variable,
                name: None,
                value,
            }),
            Members::Scalar(None) => {}
            Members::Size(size) => {
                let value = self.values.intern(size.to_string().as_bytes());
                selected.push(Selected {
                    variable,
                    name: None,
                    value,
                });
            }
            Members::Kept => self.kept_members(target, selected),
        }
    }

    fn take(&mut self, target: &Target, item: &Item, value: ValueId, selected: &mut Vec<Selected>) {
        let agrees = match &target.selector {
            Selector::All => true,
            Selector::Name(Text::Plain(wanted)) => self
                .values
                .get(item.name)
                .eq_ignore_ascii_case(wanted.as_bytes()),
            selector => {
                let name = self.values.get(item.name).to_vec();
                selector.agrees(&name, &mut |text| self.expand(text))
            }
        };
        if agrees {
            selected.push(Selected {
                variable: target.variable,
                name: Some(item.name),
                value,
            });
        }
    }

    fn kept_members(&mut self, target: &Target, selected: &mut Vec<Selected>) {
        let variable = target.variable;
        match variable {
            Variable::Tx => {
                if let Selector::Name(Text::Plain(name)) = &target.selector {
                    let name = name.to_ascii_lowercase();
                    let tx = match self.patch {
                        Some(_) => &self.kept.patch_tx,
                        None => &self.kept.tx,
                    };
                    if let Some(value) = tx.get(name.as_bytes(), self.names) {
                        let value = self.values.intern(value);
                        let name = Some(self.values.intern(name.as_bytes()));
                        selected.push(Selected {
                            variable,
                            name,
                            value,
                        });
                    }
                    return;
                }
                let all: Vec<(Vec<u8>, Vec<u8>)> = self
                    .tx()
                    .iter(self.names)
                    .map(|(name, value)| (name.to_vec(), value.to_vec()))
                    .collect();
                for (name, value) in all {
                    if target.selector.agrees(&name, &mut |text| self.expand(text)) {
                        let name = Some(self.values.intern(&name));
                        let value = self.values.intern(&value);
                        selected.push(Selected {
                            variable,
                            name,
                            value,
                        });
                    }
                }
            }
            Variable::MatchedVar => {
                if let Some(last) = self.kept.matched.last() {
                    selected.push(Selected {
                        variable,
                        name: None,
                        value: last.value,
                    });
                }
            }
            Variable::MatchedVars => {
                for at in 0..self.kept.matched.len() {
                    if let Some(found) = self.kept.matched.get(at).copied() {
                        selected.push(Selected { variable, ..found });
                    }
                }
            }
            Variable::MatchedVarName | Variable::MatchedVarsNames => {
                let names: Vec<String> = self
                    .kept
                    .matched
                    .iter()
                    .map(|found| self.name_of(found))
                    .collect();
                let skipped = match variable {
                    Variable::MatchedVarName => names.len().saturating_sub(1),
                    _ => 0,
                };
                for name in names.iter().skip(skipped) {
                    let value = self.values.intern(name.as_bytes());
                    selected.push(Selected {
                        variable,
                        name: None,
                        value,
                    });
                }
            }
            _ => {}
        }
    }

    /// `ARGS:q`, as rules and people write it.
    fn name_of(&self, found: &Selected) -> String {
        let variable = variables::spec(found.variable).name;
        match found.name {
            Some(name) => format!(
                "{variable}:{}",
                String::from_utf8_lossy(self.values.get(name))
            ),
            None => variable.to_owned(),
        }
    }

    fn expand(&mut self, text: &Text) -> Vec<u8> {
        let pieces = match text {
            Text::Plain(plain) => return plain.as_bytes().to_vec(),
            Text::Template(pieces) => pieces,
        };
        let mut expanded = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => expanded.extend_from_slice(literal.as_bytes()),
                Piece::Variable(variable, member) => {
                    let selector = match member {
                        Some(name) => Selector::Name(Text::Plain(name.clone())),
                        None => Selector::All,
                    };
                    let target = Target {
                        variable: *variable,
                        counted: false,
                        excluded: false,
                        selector,
                    };
                    let mut found = Vec::new();
                    self.members(&target, &mut found);
                    if let Some(first) = found.first() {
                        expanded.extend_from_slice(self.values.get(first.value));
                    }
                }
            }
        }
        expanded
    }

    /// Records the match and says what follows from it.
    fn conclude(&mut self, rule: &Rule, phase: u8) -> Option<Decision> {
        let live = match self.patch {
            Some(patch) => patch.mode == Mode::Enforce,
            None => self.overrides.engine == EngineMode::On,
        };
        let disruptive = !matches!(rule.disruptive, Disruptive::Pass | Disruptive::Allow(_));
        let enforced = live && disruptive;
        let cause = (rule.log || enforced).then(|| self.describe(rule, disruptive, enforced));
        if let Some(cause) = &cause {
            self.outcome.record(cause.clone());
        }
        if let Disruptive::Allow(what) = &rule.disruptive
            && live
        {
            let phases = match what {
                Allow::Phase => phase..=phase,
                Allow::Request => phase..=2,
                Allow::Transaction => phase..=4,
            };
            let owner = self.owner;
            self.kept.allowed.extend(phases.map(|phase| (owner, phase)));
            return None;
        }
        // Phase 5 is too late to decide.
        if !enforced || phase == 5 {
            return None;
        }
        let action = match &rule.disruptive {
            Disruptive::Block { status } => Action::Block { status: *status },
            Disruptive::Drop => Action::Drop,
            Disruptive::Redirect { status, location } => {
                let location = String::from_utf8_lossy(&self.expand(location)).into_owned();
                Action::Redirect {
                    status: *status,
                    location,
                }
            }
            Disruptive::Strip(what) => {
                self.outcome.strip(what);
                return None;
            }
            Disruptive::Pass | Disruptive::Allow(_) => return None,
        };
        cause.map(|cause| Decision { action, cause })
    }

    fn describe(&mut self, rule: &Rule, disruptive: bool, enforced: bool) -> Match {
        let found = self.kept.matched.last().copied();
        let span = self.kept.hit.span.clone();
        let value = found.map_or_else(Vec::new, |found| {
            let bytes = self.values.get(found.value);
            let start = span
                .as_ref()
                .map_or(0, |span| span.start.saturating_sub(64))
                .min(bytes.len());
            let end = (start + Match::VALUE_BYTES).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        });
        Match {
            patch: self.patch.map(|patch| patch.id.clone()),
            rule: rule.id,
            phase: rule.phase,
            target: found.map_or_else(String::new, |found| self.name_of(&found)),
            span,
            value,
            message: String::from_utf8_lossy(&self.expand(&rule.message)).into_owned(),
            tags: rule.tags.clone(),
            severity: rule.severity,
            enforced,
            disruptive,
        }
    }
}

/// Where a rule that matched sends the evaluation on.
fn jump(steps: &[Step], at: usize, rule: &Rule) -> usize {
    let rest = steps.get(at..).unwrap_or_default();
    if let Some(wanted) = &rule.skip_after {
        let marker = rest
            .iter()
            .position(|step| matches!(step, Step::Marker(name) if name == wanted));
        return at + marker.unwrap_or(rest.len());
    }
    let mut rules = rest
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step, Step::Rule(_)))
        .skip(rule.skip);
    match rule.skip {
        0 => at,
        _ => at + rules.next().map_or(rest.len(), |(offset, _)| offset),
    }
}

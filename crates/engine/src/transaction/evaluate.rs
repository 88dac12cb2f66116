//! A phase: the base's rules in their order, then those of each concerned patch.

use super::State;
use super::candidates::Candidates;
use super::collections::{Kept, Selected, Selection};
use super::inputs::{Inputs, Members};
use super::outcome::Outcome;
use super::overrides::Overrides;
use super::tx::{LIMITS_EXCEEDED, TxNames};
use super::values::{ValueId, Values};
use crate::context::Context;
use crate::decision::{Action, Decision, Flow, Match};
use crate::language::variables::Variable;
use crate::limits::Limits;
use crate::operators::{Arguments, Build, Hit, NoResources};
use crate::plan::gate::Gate;
use crate::plan::glance::Shown;
use crate::plan::ir::{
    Allow, Check, Disruptive, EngineMode, Link, Program, Rule, Settings, Step, Test, Text,
};
use crate::plan::quiet::Quiet;
use crate::plan::{Patch, Plan, Scan, jump};
use crate::share::Client;
use crate::trace::{LeftOut, Trace};
use crate::transformations;

impl Program {
    /// Whether there is a rule, or a bound on bodies that is kept without one.
    pub(crate) fn says_something(&self) -> bool {
        self.phases.iter().any(|steps| !steps.is_empty())
            || self.limits_request()
            || self.limits_response()
    }

    pub(crate) fn limits_request(&self) -> bool {
        self.request_body && self.request_body_limit.is_some()
    }

    pub(crate) fn limits_response(&self) -> bool {
        let settings = &self.settings;
        self.response_body
            && settings.response_body_reject
            && settings.response_body_limit.is_some()
    }

    pub(crate) fn runs_in(&self, phase: u8) -> bool {
        self.phases
            .get(usize::from(phase).wrapping_sub(1))
            .is_some_and(|steps| !steps.is_empty())
    }
}

/// Runs one phase.
pub(crate) fn phase(plan: &Plan, state: &mut State, context: &Context, phase: u8) -> Flow {
    if state.overrides.engine != EngineMode::Off && plan.base.runs_in(phase) {
        let mut run = Run::new(plan, state, context, None);
        if let Some(decision) = run.program(&plan.base, phase) {
            return Flow::Stop(Box::new(decision));
        }
    }
    let mut shown = None;
    state.kept.selection = None;
    for position in 0..state.concerned.len() {
        let Some(concern) = state.concerned.get(position).copied() else {
            break;
        };
        let manner = plan.concerns.manner(&concern);
        if !manner.is_some_and(|manner| manner.acts_in(phase)) {
            continue;
        }
        // PERF: hundreds of patches may share a path; few of their parameters are ever there.
        if let Some(glance) = plan.concerns.glance(&concern)
            && !state.outcome.traces()
        {
            let shown = shown.get_or_insert_with(|| shows(state));
            if !concern.clue.may_find(shown) || !glance.finds(shown) {
                continue;
            }
        }
        let at = concern.patch;
        let Some(patch) = plan.patches.get(at as usize) else {
            continue;
        };
        let mut run = Run::new(plan, state, context, Some((patch, at, position)));
        if let Some(decision) = run.program(&patch.program, phase) {
            return Flow::Stop(Box::new(decision));
        }
    }
    Flow::Continue
}

/// What can be looked at now.
fn shows(state: &mut State) -> Shown {
    let State {
        inputs,
        values,
        body,
        ..
    } = state;
    let (query, posted) = match inputs.members(Variable::Args, values) {
        Members::Values(query, posted) => (query, posted),
        _ => (&[][..], &[][..]),
    };
    let names = query.iter().chain(posted);
    let fault = inputs.scalar(Variable::ReqbodyErrorMsg).is_some();
    Shown::new(
        names.map(|item| values.get(item.name)),
        fault,
        !body.is_empty(),
    )
}

/// One program in one phase.
pub(super) struct Run<'a> {
    pub(super) values: &'a mut Values,
    pub(super) inputs: &'a Inputs,
    pub(super) body: &'a [u8],
    pub(super) kept: &'a mut Kept,
    pub(super) overrides: &'a mut Overrides,
    pub(super) outcome: &'a mut Outcome,
    pub(super) context: &'a Context,
    pub(super) settings: &'a Settings,
    pub(super) limits: &'a Limits,
    pub(super) patch: Option<&'a Patch>,
    client: Client,
    pub(super) names: &'a TxNames,
    owner: Option<u32>,
    /// Of the patch among those that concern the request.
    pub(super) place: Option<usize>,
    pub(super) scan: &'a Scan,
    pub(super) candidates: &'a mut Candidates,
    /// The rule being run.
    pub(super) current: Option<&'a Rule>,
}

impl<'a> Run<'a> {
    fn new(
        plan: &'a Plan,
        state: &'a mut State,
        context: &'a Context,
        patch: Option<(&'a Patch, u32, usize)>,
    ) -> Self {
        Self {
            values: &mut state.values,
            inputs: &state.inputs,
            body: &state.body,
            kept: &mut state.kept,
            overrides: &mut state.overrides,
            outcome: &mut state.outcome,
            context,
            settings: &plan.base.settings,
            limits: plan.limits(),
            patch: patch.map(|(patch, ..)| patch),
            client: state.client,
            names: patch.map_or(&plan.base.tx, |(patch, ..)| &patch.program.tx),
            owner: patch.map(|(_, at, _)| at),
            place: patch.map(|(.., place)| place),
            scan: &plan.scan,
            candidates: &mut state.candidates,
            current: None,
        }
    }

    fn program(&mut self, program: &'a Program, phase: u8) -> Option<Decision> {
        let steps = program.phases.get(usize::from(phase) - 1)?;
        if self.kept.allowed.contains(&(self.owner, phase)) {
            return None;
        }
        let query = program
            .queries
            .as_deref()
            .and_then(|queries| queries.get(usize::from(phase) - 1));
        if self.is_quiet(query.and_then(|query| query.quiet.as_ref())) {
            return None;
        }
        if let Some(query) = query {
            let (inputs, values) = (self.inputs, &mut *self.values);
            self.candidates.find(query, inputs, values, self.scan);
        }
        let mut at = 0;
        loop {
            if query.is_some() {
                at = self.candidates.next(at)?;
            }
            if self.values.is_spent() {
                return None;
            }
            let step = at;
            let rule = match steps.get(at)? {
                Step::Rule(rule) => rule,
                Step::Marker(_) => {
                    at += 1;
                    continue;
                }
            };
            at += 1;
            if self.is_quiet(query.and_then(|query| query.quiet(step))) {
                continue;
            }
            self.current = Some(rule);
            if self.is_removed(rule) {
                self.left_out(rule, LeftOut::Removed);
                continue;
            }
            let telling = query.filter(|_| self.candidates.choose(step));
            if !self.matches(rule, telling.map(|query| query.telling(step))) {
                continue;
            }
            let next = jump::after(steps, at, rule);
            if self.outcome.traces() {
                for step in steps.get(at..next).unwrap_or_default() {
                    if let Step::Rule(rule) = step {
                        self.left_out(rule, LeftOut::Skipped);
                    }
                }
            }
            at = next;
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

    /// Whether nothing comes of what is quiet under these conditions.
    fn is_quiet(&self, quiet: Option<&Quiet>) -> bool {
        quiet.is_some_and(|quiet| self.tx().is_as_it_began(quiet))
            && !self.overrides.change_quiet_rules()
            && !self.outcome.traces()
    }

    fn left_out(&mut self, rule: &Rule, why: LeftOut) {
        let rule = rule.id;
        self.outcome.trace(|| Trace::LeftOut { rule, why });
    }

    fn is_removed(&self, rule: &Rule) -> bool {
        self.patch.is_none() && self.overrides.removes(rule)
    }

    /// Whether every link of the chain matches; effects take place link by link, as they match.
    /// Only chosen values can match the telling link.
    fn matches(&mut self, rule: &Rule, telling: Option<usize>) -> bool {
        self.kept.matched.clear();
        self.kept.span = None;
        if let (Some(alone), [first, ..]) = (&rule.alone, rule.links.as_slice())
            && !self.outcome.traces()
        {
            return self.matches_alone(rule, first, alone);
        }
        self.links(rule, telling)
    }

    pub(super) fn links(&mut self, rule: &Rule, telling: Option<usize>) -> bool {
        let (id, phase) = (rule.id, rule.phase);
        rule.links.iter().enumerate().all(|(at, link)| {
            self.outcome.trace(|| Trace::Begins {
                rule: id,
                phase,
                link: at,
            });
            // Where it matched is told of the last test alone.
            let later = rule.links.iter().skip(at + 1);
            let is_last = later.into_iter().all(|link| link.test.is_none());
            let matched = self.link(rule, link, is_last, telling == Some(at));
            self.outcome.trace(|| Trace::Ends { rule: id, matched });
            matched
        })
    }

    fn link(&mut self, rule: &Rule, link: &Link, is_last: bool, only_chosen: bool) -> bool {
        let Some(test) = &link.test else {
            self.effects(&link.effects);
            return true;
        };
        let Some(number) = link.selection else {
            let mut selected = std::mem::take(&mut self.kept.selected);
            selected.clear();
            self.kept.selection = None;
            self.select(rule, link, only_chosen, &mut selected);
            let any = self.ask_each(link, test, is_last, only_chosen, &selected);
            self.kept.selected = selected;
            return any;
        };
        // PERF: a detector is several rules about one place: what it means is found once, and
        // most of them ask for bytes that it does not hold.
        let known = self.kept.selection.filter(|known| known.number == number);
        let mut selected = std::mem::take(&mut self.kept.selected);
        let passes = match known {
            Some(known) => self.may_any_pass(link, test, known, &selected),
            None => {
                selected.clear();
                self.select(rule, link, false, &mut selected);
                let shows = None;
                self.kept.selection = Some(Selection { number, shows });
                true
            }
        };
        let any = passes && self.ask_each(link, test, is_last, false, &selected);
        self.kept.selected = selected;
        any
    }

    /// Whether one of the values that another link has selected could pass the gate.
    fn may_any_pass(
        &mut self,
        link: &Link,
        test: &Test,
        known: Selection,
        selected: &[Selected],
    ) -> bool {
        let Some(makes) = link.makes.filter(|_| test.gate.bits != 0) else {
            return true;
        };
        let all = known.shows.unwrap_or_else(|| {
            let each = selected.iter().map(|one| one.value);
            each.fold(0, |all, value| {
                all | self.values.signature(value, self.scan)
            })
        });
        let shows = Some(all);
        self.kept.selection = Some(Selection { shows, ..known });
        test.gate.admits(all | makes)
    }

    /// Asks a link's test of each value.
    pub(super) fn ask_each(
        &mut self,
        link: &Link,
        test: &Test,
        is_last: bool,
        only_chosen: bool,
        selected: &[Selected],
    ) -> bool {
        let mut hit = self.kept.hit.take().unwrap_or_default();
        hit.apart = self.values.apart.take();
        hit.wants_groups = link.capture;
        hit.wants_span = link.capture || is_last;
        let mut any = false;
        for &candidate in selected {
            if self.values.is_spent() {
                break;
            }
            // What the gate keeps out once it is decoded need not be decoded.
            if !only_chosen && !self.may_pass(link, test, candidate.value) {
                continue;
            }
            let known = link.remembered;
            if known.is_some_and(|test| self.values.misses(test, candidate.value)) {
                continue;
            }
            let before = any;
            any = false;
            let mut value = candidate.value;
            // With multiMatch, every stage that differs from the one before it is asked.
            if link.multi_match {
                any |= self.asked(link, test, candidate, value, &mut hit);
            }
            for &transformation in &link.transformations {
                let before = value;
                value = self.transformed(value, transformation);
                if link.multi_match && value != before {
                    any |= self.asked(link, test, candidate, value, &mut hit);
                }
            }
            if !link.multi_match {
                any |= self.asked(link, test, candidate, value, &mut hit);
            }
            if let (Some(test), false) = (known, any) {
                self.values.add_miss(test, candidate.value);
            }
            any |= before;
        }
        self.values.apart = hit.apart.take();
        self.kept.hit = Some(hit);
        any
    }

    /// Whether a value could pass the gate once it is decoded.
    fn may_pass(&mut self, link: &Link, test: &Test, value: ValueId) -> bool {
        match link.makes {
            Some(makes) if test.gate.bits != 0 => {
                let signature = self.values.signature(value, self.scan);
                test.gate.admits(signature | makes)
            }
            _ => true,
        }
    }

    fn transformed(&mut self, value: ValueId, transformation: u16) -> ValueId {
        let value = self.values.transformed(value, transformation, self.scan);
        if self.outcome.traces() {
            let name = transformations::ALL
                .get(usize::from(transformation))
                .map_or("", |spec| spec.name);
            let value = self.values.get(value).to_vec();
            self.outcome.trace(|| Trace::Transformed { name, value });
        }
        value
    }

    /// Asks the operator; a match takes effect.
    fn asked(
        &mut self,
        link: &Link,
        test: &Test,
        candidate: Selected,
        value: ValueId,
        hit: &mut Hit,
    ) -> bool {
        let matched = self.admits(test, value) && self.ask(test, value, hit);
        if self.outcome.traces() {
            let target = self.name_of(&candidate);
            let value = self.values.get(value).to_vec();
            self.outcome.trace(|| Trace::Asked {
                target,
                value,
                matched,
            });
        }
        if matched {
            let found = Selected { value, ..candidate };
            self.kept.last_matched = Some(found);
            self.kept.span.clone_from(&hit.span);
            self.kept.matched.push(found);
            if link.capture && !test.negated {
                self.capture(hit, value);
            }
            self.effects(&link.effects);
        }
        matched
    }

    fn admits(&mut self, test: &Test, value: ValueId) -> bool {
        let gate = test.gate;
        if gate == Gate::default() {
            return true;
        }
        let signature = self.values.signature(value, self.scan);
        let Some(clause) = gate.asks_for(signature) else {
            return gate.admits(signature);
        };
        // PERF: to search a value for all texts takes longer than to ask one rule. Many rules of
        // patches may ask for the same value; of the general ones those are left that it lets run.
        // 16 kB of random attack words: 26 of 77 million instructions were such searches.
        let is_dear = matches!(&test.check, Check::Compiled(operator) if !operator.is_linear());
        gate.admits(signature)
            && match self.patch.is_some() || is_dear {
                true => self.values.holds(value, clause, self.scan),
                false => self.values.may_hold(value, clause),
            }
    }

    /// Whether the test says yes of this value.
    fn ask(&mut self, test: &Test, value: ValueId, hit: &mut Hit) -> bool {
        hit.clear();
        let steps = match &test.check {
            Check::Compiled(operator) if !operator.is_linear() => self.limits.regex_backtracks,
            _ => 0,
        };
        self.values
            .spend(self.values.get(value).len().saturating_add(steps));
        let said = match &test.check {
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
                let said = function(&argument, self.values.get(value), hit);
                self.recycle(argument);
                said
            }
            Check::Expanded(spec, template) => {
                let argument = self.expand_text(template);
                let Build::Compiled(build) = &spec.build else {
                    return false;
                };
                let arguments = Arguments {
                    text: &argument,
                    limits: self.limits,
                    resources: &NoResources,
                    source: "",
                    places: None,
                    datasets: None,
                };
                // It is asked once: nothing of it is kept.
                let apart = hit.apart.take();
                // What the macros make of it may be no argument: then nothing matches.
                let said = build(&arguments)
                    .is_ok_and(|operator| operator.matches(self.values.get(value), hit));
                hit.apart = apart;
                said
            }
        };
        if hit.exceeded {
            self.kept.gave_up = true;
            self.set(LIMITS_EXCEEDED, b"1");
        }
        said != test.negated
    }

    /// Records the match and says what follows from it.
    fn conclude(&mut self, rule: &Rule, phase: u8) -> Option<Decision> {
        if let Some(severity) = rule.severity {
            let highest = self.kept.highest_severity.get_or_insert(severity);
            *highest = (*highest).min(severity);
        }
        let live = match self.patch {
            Some(patch) => patch.stops(self.client),
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
                let location = self.expand_text(location);
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
        let span = self.kept.span.clone();
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
            message: self.expand_text(&rule.message),
            data: self.expand_text(&rule.data),
            tags: rule.tags.clone(),
            severity: rule.severity,
            enforced,
            disruptive,
        }
    }
}

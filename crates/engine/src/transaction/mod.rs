//! One request's way through a plan.

mod alone;
mod candidates;
mod collections;
mod collector;
mod effects;
mod evaluate;
mod fill;
mod inputs;
mod macros;
mod outcome;
mod overrides;
mod request_body;
mod rest;
mod scout;
mod select;
mod time;
pub(crate) mod tx;
mod values;

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::body::Anomaly;
use crate::context::Context;
use crate::decision::{Action, Decision, Flow, Match, Strip};
use crate::language::variables::{Variable, VariableSet};
use crate::limits::Limits;
use crate::operators::{Apart, Expressions};
use crate::plan::concern::Concern;
use crate::plan::interest::Joint;
use crate::plan::ir::{EngineMode, Program, XmlIntoArgs};
use crate::plan::{Patch, Plan};
use crate::request::{RequestHead, ResponseHead};
use crate::share::Client;
use crate::trace::Trace;
use candidates::Candidates;
use collections::Kept;
use collector::Reading;
use inputs::Inputs;
use outcome::Outcome;
use overrides::Overrides;
use request_body::{body_need, processor_of, read_body};
use rest::Resting;
pub(crate) use scout::Scout;
pub(crate) use values::Values;

/// What the concerned rules want of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyNeed {
    /// Nothing: forward it as it comes.
    None,
    /// Hold it back, with the head, until the decision; feed it chunk by chunk.
    Hold {
        /// Bytes to hold at most.
        bytes: usize,
        /// What to do with a body that is larger.
        oversize: Oversize,
    },
}

/// What to do with a body that is larger than the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Oversize {
    /// Answer 413.
    #[default]
    Block,
    /// Inspect what fits, record that it was not all, forward the rest unseen.
    Partial,
    /// Do not inspect the body, record that, forward it.
    PassAndRecord,
}

/// One request (and its response) under inspection.
///
/// The phases come in order: [`request_head`](Self::request_head), then, if
/// [`request_body_need`](Self::request_body_need) says so,
/// [`request_body`](Self::request_body) for each chunk and
/// [`request_body_end`](Self::request_body_end); the same for the response;
/// then [`finish`](Self::finish). `request_body_end` is called also where
/// there is no body or none is wanted: phase 2 has rules that need none.
pub struct Transaction {
    plan: Arc<Plan>,
    context: Context,
    traced: bool,
    /// Where expressions are compiled, if not in the plan.
    apart: Apart,
    /// Taken from the plan only when something concerns the request.
    state: Option<Box<State>>,
}

/// One transaction's scratch, reused from one to the next.
#[derive(Default)]
pub(crate) struct State {
    /// Whose request it is.
    client: Client,
    concerned: Vec<Concern>,
    /// What they look at.
    joint: Joint,
    /// Scratch of the content type.
    path: Vec<u8>,
    pub(crate) values: Values,
    resting: Resting,
    inputs: Inputs,
    kept: Kept,
    overrides: Overrides,
    outcome: Outcome,
    candidates: Candidates,
    body: Vec<u8>,
    body_cut: bool,
    response_body: Vec<u8>,
    response_cut: bool,
    need: Option<(usize, Oversize)>,
    /// Whether inspection was given up, since it took too much work.
    gave_up: bool,
}

impl State {
    pub(crate) fn reset(&mut self, limits: &Limits) {
        const KEEP: usize = 256 * 1024;
        self.concerned.clear();
        let bytes = limits.scratch_bytes.min(i32::MAX as usize);
        self.values.reset(bytes, limits.work_bytes);
        self.gave_up = false;
        self.resting.reset();
        self.inputs.reset();
        self.kept.reset();
        self.overrides.reset();
        self.outcome.reset(limits.matches);
        for buffer in [&mut self.body, &mut self.response_body] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        self.body_cut = false;
        self.response_cut = false;
        self.need = None;
    }
}

impl State {
    /// Records that the request was not seen whole, and stops it if that is enforced.
    fn refuse(&mut self, phase: u8, message: String, status: u16, enforced: bool) -> Flow {
        self.inputs.notice(Anomaly::TooLarge, &mut self.values);
        self.record(phase, message, status, enforced)
    }

    fn record(&mut self, phase: u8, message: String, status: u16, enforced: bool) -> Flow {
        let cause = Match {
            enforced,
            disruptive: true,
            ..Match::of_engine(phase, message)
        };
        self.outcome.record(cause.clone());
        if enforced {
            return Flow::Stop(Box::new(Decision {
                action: Action::Block { status },
                cause,
            }));
        }
        Flow::Continue
    }
}

impl Transaction {
    pub(crate) fn new(plan: Arc<Plan>, context: Context) -> Self {
        Self {
            plan,
            context,
            traced: false,
            apart: None,
            state: None,
        }
    }

    /// Keeps expressions that are compiled for this transaction here, not in the plan;
    /// called before `request_head`.
    pub(crate) fn compile_apart(&mut self, expressions: Box<Expressions>) {
        self.apart = Some(expressions);
    }

    /// What was compiled apart, with what was there before.
    pub(crate) fn compiled_apart(&mut self) -> Box<Expressions> {
        let state = self.state.as_mut();
        let used = state.and_then(|state| state.values.apart.take());
        used.or_else(|| self.apart.take()).unwrap_or_default()
    }

    /// Keeps every step of evaluation, for [`finish_traced`](Self::finish_traced);
    /// called before `request_head`. This is slow.
    pub fn trace(&mut self) {
        self.traced = true;
    }

    /// Phase 1. Everything that is needed later is copied; the head is not kept.
    pub fn request_head(&mut self, head: &RequestHead<'_>) -> Flow {
        let plan = &self.plan;
        if plan.is_empty() {
            return Flow::Continue;
        }
        let base = plan.has_general_rules();
        let mut scout = plan.idle.take_scout();
        scout.look(plan, head, self.traced);
        if !base && scout.concerned.is_empty() {
            plan.idle.give_back_scout(scout);
            return Flow::Continue;
        }
        let mut state = plan.take_state();
        std::mem::swap(&mut state.concerned, &mut scout.concerned);
        plan.idle.give_back_scout(scout);
        state.values.apart = self.apart.take();
        state.client = Client::at(head.client.ip());
        let State {
            inputs,
            values,
            concerned,
            ..
        } = &mut *state;
        values.unicode.clone_from(&plan.base.settings.unicode);
        let mut reading = plan.reading(XmlIntoArgs::Off);
        if !base && !self.traced {
            reading.used = plan.used_by(concerned);
        }
        inputs.fill_request(head, reading, &self.context, values);
        state.need = body_need(plan, &state.concerned, base && plan.base.request_body, None);
        state.overrides.engine = plan.base.engine;
        if self.traced {
            state.outcome.begin_trace(plan.limits().trace_steps);
        }
        if let Some(processor) = processor_of(&state, !state.concerned.is_empty()) {
            state.overrides.processor = Some(processor);
        }
        self.state = Some(state);
        let flow = self.run(1);
        self.apply_overrides(base);
        flow
    }

    /// What `ctl` says of the request's body, now that phase 1 is over.
    fn apply_overrides(&mut self, base: bool) {
        let Some(state) = self.state.as_mut() else {
            return;
        };
        let overrides = &state.overrides;
        let on = overrides
            .request_body
            .unwrap_or(self.plan.base.request_body);
        if overrides.request_body.is_some() || overrides.request_body_limit.is_some() {
            let limit = overrides.request_body_limit;
            state.need = body_need(&self.plan, &state.concerned, base && on, limit);
        }
    }

    /// Whether any rule of this plan concerns the request. If not, the adapter
    /// may skip all other calls.
    pub fn is_concerned(&self) -> bool {
        self.state.is_some()
    }

    /// Whether inspection was given up since it took too much work
    /// ([`Limits::work_bytes`]): the phase in which that happened stops the request, where
    /// rules are enforced at all. An adapter that rather lets such requests pass asks this.
    pub fn gave_up(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.gave_up)
    }

    /// What to do with the request body; asked after `request_head`.
    pub fn request_body_need(&self) -> BodyNeed {
        match self.state.as_ref().and_then(|state| state.need) {
            Some((bytes, oversize)) => BodyNeed::Hold { bytes, oversize },
            None => BodyNeed::None,
        }
    }

    /// The next bytes of the request body, still transfer-decoded but content-encoded.
    ///
    /// Stops with 413 when the body outgrows its budget and the concerned
    /// patches say [`Oversize::Block`].
    pub fn request_body(&mut self, chunk: &[u8]) -> Flow {
        let Some(state) = self.state.as_mut() else {
            return Flow::Continue;
        };
        let Some((limit, oversize)) = state.need else {
            return Flow::Continue;
        };
        let room = limit.saturating_sub(state.body.len());
        state
            .body
            .extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if chunk.len() <= room {
            return Flow::Continue;
        }
        let what = format!("it is larger than the {limit} bytes that are held for inspection");
        self.cut(what, oversize)
    }

    /// More of the body follows than the adapter can show: it is treated as one that has
    /// outgrown its budget. Called after [`request_body`](Self::request_body).
    pub fn request_body_cut(&mut self) -> Flow {
        match self.request_body_need() {
            BodyNeed::Hold { oversize, .. } => {
                let what = "more of it follows than the ingress point can hold";
                self.cut(what.to_owned(), oversize)
            }
            BodyNeed::None => Flow::Continue,
        }
    }

    /// Notes, once, that the body is not seen whole.
    fn cut(&mut self, what: String, oversize: Oversize) -> Flow {
        let Some(state) = self.state.as_mut().filter(|state| !state.body_cut) else {
            return Flow::Continue;
        };
        state.body_cut = true;
        let one = state.values.intern(b"1");
        state.inputs.set(Variable::InboundDataError, one);
        if oversize != Oversize::Block {
            // Where it may pass, that is no fault of the body's.
            return state.record(2, what, 413, false);
        }
        let enforced = self.plan.enforces(&state.concerned, state.client);
        state.refuse(2, what, 413, enforced)
    }

    /// Phase 2: the request is complete, or as much of it as will be seen.
    pub fn request_body_end(&mut self) -> Flow {
        if let Some(state) = self.state.as_mut() {
            let into_args = state.overrides.xml_into_args;
            let into_args = into_args.unwrap_or(self.plan.base.settings.xml_into_args);
            read_body(&self.plan, state, self.plan.reading(into_args));
        }
        self.run(2)
    }

    /// What to take out of the request before it is forwarded; asked after `request_body_end`.
    pub fn strips(&self) -> &[Strip] {
        self.state
            .as_ref()
            .map_or(&[], |state| state.outcome.strips())
    }

    /// Whether any rule wants the response (phases 3 and 4).
    pub fn wants_response(&self) -> bool {
        self.state.as_ref().is_some_and(|state| {
            let base = &self.plan.base;
            base.runs_in(3)
                || base.runs_in(4)
                || base.limits_response()
                || self.plan.any_acts_in(3..=4, &state.concerned)
        })
    }

    /// Phase 3.
    pub fn response_head(&mut self, head: &ResponseHead<'_>) -> Flow {
        self.wake();
        if let Some(state) = self.state.as_mut() {
            let State { inputs, values, .. } = &mut **state;
            inputs.fill_response(head, values);
        }
        self.run(3)
    }

    /// What to do with the response body; asked after `response_head`.
    pub fn response_body_need(&self) -> BodyNeed {
        let Some(state) = self.state.as_ref() else {
            return BodyNeed::None;
        };
        let wanted = self
            .plan
            .programs(&state.concerned)
            .any(|(patch, program)| {
                let on = state
                    .overrides
                    .response_body
                    .unwrap_or(program.response_body);
                (program.uses.response_body || program.limits_response())
                    && (patch.is_some() || on && self.inspects_type(state))
            });
        if wanted {
            BodyNeed::Hold {
                bytes: self.response_limit(state),
                oversize: Oversize::Partial,
            }
        } else {
            BodyNeed::None
        }
    }

    /// Whether SecLang asked for responses of this media type.
    fn inspects_type(&self, state: &State) -> bool {
        let kind = state.inputs.scalar(Variable::ResponseContentType);
        let kind = kind.map_or(b"(null)".as_slice(), |id| state.values.get(id));
        self.plan
            .base
            .settings
            .response_types
            .iter()
            .any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(kind))
    }

    fn response_limit(&self, state: &State) -> usize {
        let said = state.overrides.response_body_limit;
        said.or(self.plan.base.settings.response_body_limit)
            .unwrap_or(usize::MAX)
            .min(self.plan.limits().response_body_bytes)
    }

    /// The next bytes of the response body. Content that is beyond the budget is
    /// not inspected, unless `SecResponseBodyLimitAction Reject` stops it.
    pub fn response_body(&mut self, chunk: &[u8]) -> Flow {
        self.wake();
        let Some(limit) = self.state.as_ref().map(|state| self.response_limit(state)) else {
            return Flow::Continue;
        };
        let Some(state) = self.state.as_mut() else {
            return Flow::Continue;
        };
        let room = limit
            .saturating_sub(state.response_body.len())
            .min(chunk.len());
        state
            .response_body
            .extend_from_slice(chunk.get(..room).unwrap_or_default());
        if room == chunk.len() || state.response_cut {
            return Flow::Continue;
        }
        state.response_cut = true;
        let one = state.values.intern(b"1");
        state.inputs.set(Variable::OutboundDataError, one);
        if !self.plan.base.settings.response_body_reject {
            return Flow::Continue;
        }
        let enforced = state.overrides.engine == EngineMode::On;
        let what = format!("its response is larger than the {limit} bytes that are held");
        state.refuse(4, what, 500, enforced)
    }

    /// Phase 4.
    pub fn response_body_end(&mut self) -> Flow {
        self.wake();
        let wanted = self.response_body_need() != BodyNeed::None;
        if let Some(state) = self.state.as_mut() {
            let State {
                inputs,
                values,
                response_body,
                ..
            } = &mut **state;
            if wanted {
                let body = values.intern(response_body);
                inputs.set(Variable::ResponseBody, body);
            }
            let length = values.intern(response_body.len().to_string().as_bytes());
            inputs.set(Variable::ResponseContentLength, length);
        }
        self.run(4)
    }

    /// Phase 5; then everything that matched, in the order of evaluation.
    pub fn finish(self) -> Vec<Match> {
        self.finish_traced().0
    }

    /// As [`finish`](Self::finish), with the steps that [`trace`](Self::trace) asked for.
    pub fn finish_traced(mut self) -> (Vec<Match>, Vec<Trace>) {
        self.end()
    }

    /// Ends it where a call panicked: what matched before. What the defect left half done is not
    /// used again.
    pub fn abandon(mut self) -> Vec<Match> {
        let state = self.state.take();
        state.map_or_else(Vec::new, |mut state| state.outcome.take_matches())
    }

    pub(crate) fn end(&mut self) -> (Vec<Match>, Vec<Trace>) {
        self.wake();
        // Phase 5 records; it decides nothing.
        let _: Flow = self.run(5);
        self.state.as_mut().map_or_else(Default::default, |state| {
            (state.outcome.take_matches(), state.outcome.take_trace())
        })
    }

    fn run(&mut self, phase: u8) -> Flow {
        let Some(state) = self.state.as_mut() else {
            return Flow::Continue;
        };
        let flow = evaluate::phase(&self.plan, state, &self.context, phase);
        if let Flow::Stop(decision) = &flow
            && let Action::Block { status } | Action::Redirect { status, .. } = decision.action
        {
            // The client gets this answer, and phase 5 sees it.
            let status = state.values.intern(status.to_string().as_bytes());
            state.inputs.set(Variable::ResponseStatus, status);
        }
        if flow != Flow::Continue {
            return flow;
        }
        if state.values.is_spent() && !state.gave_up {
            state.gave_up = true;
            let bytes = self.plan.limits().work_bytes;
            let what = format!("its inspection reads more than the {bytes} bytes that it may");
            let enforced = phase < 5 && self.plan.stops(&state.concerned, state.client);
            return state.refuse(phase, what, 503, enforced);
        }
        if !state.values.overflowed {
            return flow;
        }
        // Rules have seen values cut short: what they did not find proves nothing.
        state.values.overflowed = false;
        // What a body needs is let through where patches let larger bodies through.
        let enforces = match phase {
            1 => self.plan.stops(&state.concerned, state.client),
            _ => self.plan.enforces(&state.concerned, state.client),
        };
        let enforced = phase < 5 && (self.plan.stops_generally() || enforces);
        let bytes = self.plan.limits().scratch_bytes;
        let what = format!(
            "its values need more than the {bytes} bytes that inspection may use, or inflate beyond their bound"
        );
        state.refuse(phase, what, 413, enforced)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(state) = self.state.take()
            // Else it is what a defect left half done.
            && !std::thread::panicking()
        {
            self.plan.give_back(state);
        }
    }
}

impl Plan {
    fn reading(&self, xml_into_args: XmlIntoArgs) -> Reading<'_> {
        Reading {
            separator: self.base.argument_separator,
            settings: &self.base.settings,
            limits: self.limits(),
            xml_into_args,
            xml_tree: self.xml_tree,
            used: self.used,
        }
    }

    /// What the patches look at.
    fn used_by(&self, concerned: &[Concern]) -> VariableSet {
        let mut used = VariableSet::default();
        for concern in concerned {
            let manner = self.concerns.manner(concern);
            used.add_all(manner.map_or(self.used, |manner| manner.used));
        }
        used
    }

    /// Whether a patch has something to do in one of these phases.
    fn any_acts_in(&self, phases: RangeInclusive<u8>, concerned: &[Concern]) -> bool {
        let mut manners = concerned.iter().filter_map(|it| self.concerns.manner(it));
        manners.any(|manner| phases.clone().any(|phase| manner.acts_in(phase)))
    }

    /// The patches that concern a request.
    fn concerned<'a>(&'a self, concerned: &'a [Concern]) -> impl Iterator<Item = &'a Patch> {
        let concerned = concerned.iter();
        concerned.filter_map(|concern| self.patches.get(concern.patch as usize))
    }

    /// The programs that concern a request: the base's, then each patch's.
    fn programs<'a>(
        &'a self,
        concerned: &'a [Concern],
    ) -> impl Iterator<Item = (Option<&'a Patch>, &'a Program)> {
        let patches = self.concerned(concerned);
        let patches = patches.map(|patch| (Some(patch), &patch.program));
        std::iter::once((None, &self.base)).chain(patches)
    }

    /// Whether the general rules are enforced.
    fn stops_generally(&self) -> bool {
        self.base.engine == EngineMode::On && self.base.says_something()
    }

    /// Whether the base or a concerned patch is enforced.
    fn stops(&self, concerned: &[Concern], client: Client) -> bool {
        self.stops_generally() || self.concerned(concerned).any(|patch| patch.stops(client))
    }

    /// Whether a concerned patch that wants the body, or the base, is enforced.
    fn enforces(&self, concerned: &[Concern], client: Client) -> bool {
        let base = self.base.engine == EngineMode::On && self.base.request_body;
        base || self.concerned(concerned).any(|patch| {
            patch.stops(client) && patch.body_bytes.is_some() && patch.oversize == Oversize::Block
        })
    }
}

//! A transaction that waits for its response: what is known of values serves others meanwhile.

use super::values::ValueId;
use super::{State, Transaction};
use crate::plan::Plan;

/// What a waiting transaction keeps of its values.
#[derive(Default)]
pub(crate) struct Resting {
    /// The bytes of the values that are still needed, one after the other.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Bytes that the transaction may still keep, and read.
    left: (usize, usize),
    rests: bool,
}

impl Resting {
    pub(super) fn reset(&mut self) {
        self.rests = false;
    }
}

impl Transaction {
    /// Says that the transaction will wait for a response now: it gives away what it needs no
    /// more. Called after [`request_body_end`](Self::request_body_end), if at all.
    pub fn rest(&mut self) {
        let Some(state) = self.state.as_mut() else {
            return;
        };
        let later = self.plan.any_acts_in(3..=5, &state.concerned);
        if self.plan.lets_rest && !later && !state.outcome.traces() {
            rest(&self.plan, state);
        }
    }

    /// Goes on after a rest.
    pub(super) fn wake(&mut self) {
        if let Some(state) = self.state.as_mut()
            && state.resting.rests
        {
            wake(&self.plan, state);
        }
    }
}

fn rest(plan: &Plan, state: &mut State) {
    let State {
        inputs,
        kept,
        values,
        resting,
        ..
    } = state;
    inputs.leave_fields(plan.used_later);
    resting.bytes.clear();
    resting.ends.clear();
    let mut keep = |id: &mut ValueId| {
        resting.bytes.extend_from_slice(values.get(*id));
        resting.ends.push(resting.bytes.len());
    };
    inputs.each_scalar(&mut keep);
    kept.each_value(&mut keep);
    resting.left = values.left();
    resting.rests = true;
    let apart = values.apart.take();
    plan.idle.give_back_known(std::mem::take(values));
    values.apart = apart;
}

fn wake(plan: &Plan, state: &mut State) {
    let State {
        inputs,
        kept,
        values,
        resting,
        ..
    } = state;
    let apart = values.apart.take();
    *values = plan.idle.take_known();
    values.reset(resting.left.0, resting.left.1);
    values.apart = apart;
    values.unicode.clone_from(&plan.base.settings.unicode);
    let Resting { bytes, ends, .. } = &*resting;
    let mut ends = ends.iter();
    let mut start = 0;
    let mut find = |id: &mut ValueId| {
        let end = ends.next().copied().unwrap_or(start);
        *id = values.intern(bytes.get(start..end).unwrap_or_default());
        start = end;
    };
    inputs.each_scalar(&mut find);
    kept.each_value(&mut find);
    resting.rests = false;
}

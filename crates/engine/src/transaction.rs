//! One request's way through a plan.

use std::sync::Arc;

use crate::decision::{Flow, Match, Strip};
use crate::plan::Plan;
use crate::request::{RequestHead, ResponseHead};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
}

impl Transaction {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self { plan }
    }

    /// Phase 1. Everything that is needed later is copied; the head is not kept.
    pub fn request_head(&mut self, _head: &RequestHead<'_>) -> Flow {
        let _ = &self.plan;
        Flow::Continue
    }

    /// Whether any rule of this plan concerns the request. If not, the adapter
    /// may skip all other calls.
    pub fn is_concerned(&self) -> bool {
        false
    }

    /// What to do with the request body; asked after `request_head`.
    pub fn request_body_need(&self) -> BodyNeed {
        BodyNeed::None
    }

    /// The next bytes of the request body, still transfer-decoded but content-encoded.
    ///
    /// Stops with 413 when the body outgrows its budget and the concerned
    /// patches say [`Oversize::Block`].
    pub fn request_body(&mut self, _chunk: &[u8]) -> Flow {
        Flow::Continue
    }

    /// Phase 2: the request is complete, or as much of it as will be seen.
    pub fn request_body_end(&mut self) -> Flow {
        Flow::Continue
    }

    /// What to take out of the request before it is forwarded; asked after `request_body_end`.
    pub fn strips(&self) -> &[Strip] {
        &[]
    }

    /// Whether any rule wants the response (phases 3 and 4).
    pub fn wants_response(&self) -> bool {
        false
    }

    /// Phase 3.
    pub fn response_head(&mut self, _head: &ResponseHead<'_>) -> Flow {
        Flow::Continue
    }

    /// What to do with the response body; asked after `response_head`.
    pub fn response_body_need(&self) -> BodyNeed {
        BodyNeed::None
    }

    /// The next bytes of the response body. Content that is beyond the budget is not inspected.
    pub fn response_body(&mut self, _chunk: &[u8]) -> Flow {
        Flow::Continue
    }

    /// Phase 4.
    pub fn response_body_end(&mut self) -> Flow {
        Flow::Continue
    }

    /// Phase 5; then everything that matched, in the order of evaluation.
    pub fn finish(self) -> Vec<Match> {
        Vec::new()
    }
}

//! A recorded exchange, inspected at once: for tests of patches and for programs.

use std::sync::Arc;

use crate::decision::{Action, Decision, Flow, Match, Strip};
use crate::operators::Expressions;
use crate::plan::Plan;
use crate::request::{RequestHead, ResponseHead};
use crate::transaction::{BodyNeed, Transaction};

/// A request and perhaps its response, whole, as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The application that the request is for; empty if none is known.
    pub application: String,
    /// For example `GET`.
    pub method: Vec<u8>,
    /// The request target.
    pub target: Vec<u8>,
    /// `HTTP/1.1`, …
    pub version: Vec<u8>,
    /// In the order received.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Transfer-decoded, content-encoded.
    pub body: Vec<u8>,
    /// What the application answered.
    pub response: Option<Answer>,
}

/// A recorded response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// For example 200.
    pub status: u16,
    /// In the order received.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Transfer-decoded, content-encoded.
    pub body: Vec<u8>,
}

/// What the plan says of an exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Why the exchange is stopped, if it is.
    pub decision: Option<Decision>,
    /// What is taken out of the request before it is forwarded.
    pub strips: Vec<Strip>,
    /// Every match, in the order of evaluation.
    pub matches: Vec<Match>,
}

impl Verdict {
    /// `pass`, `block`, `redirect` or `strip`.
    pub fn action(&self) -> &'static str {
        match self.decision.as_ref().map(|decision| &decision.action) {
            Some(Action::Block { .. } | Action::Drop) => "block",
            Some(Action::Redirect { .. }) => "redirect",
            None if !self.strips.is_empty() => "strip",
            None => "pass",
        }
    }

    /// The status that the client gets instead of the application's, if any.
    pub fn status(&self) -> Option<u16> {
        match self.decision.as_ref()?.action {
            Action::Block { status } | Action::Redirect { status, .. } => Some(status),
            Action::Drop => None,
        }
    }
}

/// Tries a plan out, as with the cases of all its patches before there is traffic.
///
/// What is compiled for that, traffic may never ask: it is kept here, within a bound, and
/// not by the plan.
pub struct Rehearsal {
    plan: Arc<Plan>,
    expressions: Box<Expressions>,
}

impl Rehearsal {
    /// Of this plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            expressions: Box::default(),
        }
    }

    /// Runs all phases.
    pub fn inspect(&mut self, exchange: &Exchange) -> Verdict {
        let mut tx = self.plan.begin();
        tx.compile_apart(std::mem::take(&mut self.expressions));
        let verdict = exchange.pass(&mut tx);
        self.expressions = tx.compiled_apart();
        verdict
    }
}

impl Exchange {
    /// The value of the first header of that name, case ignored.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }

    /// Runs all phases.
    pub fn inspect(&self, plan: &Arc<Plan>) -> Verdict {
        self.pass(&mut plan.begin())
    }

    fn pass(&self, tx: &mut Transaction) -> Verdict {
        let decision = match self.feed(tx) {
            Flow::Continue => None,
            Flow::Stop(decision) => Some(*decision),
        };
        let strips = tx.strips().to_vec();
        Verdict {
            decision,
            strips,
            matches: tx.end().0,
        }
    }

    /// The life of a transaction, in the order of the phases.
    fn feed(&self, tx: &mut Transaction) -> Flow {
        let mut head = RequestHead::new(&self.method, &self.target, &self.headers);
        head.application = &self.application;
        head.version = &self.version;
        head.host = self.header("host").unwrap_or_default();
        head.bodiless = self.body.is_empty();
        let mut flow = tx.request_head(&head);
        if flow == Flow::Continue && tx.request_body_need() != BodyNeed::None {
            flow = tx.request_body(&self.body);
        }
        if flow == Flow::Continue {
            flow = tx.request_body_end();
        }
        let Some(response) = self.response.as_ref().filter(|_| tx.wants_response()) else {
            return flow;
        };
        if flow == Flow::Continue {
            flow = tx.response_head(&ResponseHead {
                status: response.status,
                version: &self.version,
                headers: &response.headers,
            });
        }
        if flow == Flow::Continue && tx.response_body_need() != BodyNeed::None {
            flow = tx.response_body(&response.body);
        }
        if flow == Flow::Continue {
            flow = tx.response_body_end();
        }
        flow
    }
}

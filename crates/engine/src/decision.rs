//! What the engine says.

use std::ops::Range;
use std::sync::Arc;

use crate::share::Share;

/// What a phase makes the adapter do.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// Go on with the next phase.
    Continue,
    /// The transaction is decided: send nothing on, do what the decision says.
    Stop(Box<Decision>),
}

/// Why and how a transaction is stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What to do with the client.
    pub action: Action,
    /// The match that decided.
    pub cause: Match,
}

/// What to do when a transaction is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answer with this status and the block page.
    Block {
        /// For example 403.
        status: u16,
    },
    /// Answer with this status and `Location`.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// An absolute or relative URI.
        location: String,
    },
    /// Close the connection without an answer.
    Drop,
}

/// Something to take out of the request before it is forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Strip {
    /// Every header of this name (lower case).
    Header(String),
    /// Every cookie of this name.
    Cookie(String),
    /// Every query parameter of this (decoded) name.
    QueryParameter(String),
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The virtual patch that the rule belongs to; none for a rule that was loaded as SecLang.
    pub patch: Option<Arc<str>>,
    /// The rule's id; patches number theirs from 1.
    pub rule: u64,
    /// 1 to 5.
    pub phase: u8,
    /// What matched, as rules name it: `ARGS:q`.
    pub target: String,
    /// Which bytes of the (transformed) value matched, where the operator can say.
    pub span: Option<Range<usize>>,
    /// The start of the value that matched, at most [`Match::VALUE_BYTES`] bytes around the span.
    pub value: Vec<u8>,
    /// The rule's message, macros expanded; may be empty.
    pub message: String,
    /// What the rule records besides (`logdata`), macros expanded; may be empty.
    pub data: String,
    /// The rule's tags.
    pub tags: Arc<[String]>,
    /// The rule's severity, 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// Whether the rule's action was carried out; `false` in shadow and detection-only mode,
    /// and for rules that only record.
    pub enforced: bool,
    /// Whether the rule would stop or change the request if it were enforced.
    pub disruptive: bool,
}

impl Match {
    /// Bytes of a value that a match keeps at most.
    pub const VALUE_BYTES: usize = 256;

    /// What is told of inspection itself, in this phase; no rule matched.
    pub fn of_engine(phase: u8, message: String) -> Self {
        Self {
            patch: None,
            rule: 0,
            phase,
            target: "REQUEST".to_owned(),
            span: None,
            value: Vec::new(),
            message,
            data: String::new(),
            tags: Arc::from([]),
            severity: None,
            enforced: false,
            disruptive: false,
        }
    }
}

/// How a patch takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Does what its rules say.
    #[default]
    Enforce,
    /// Records what it would have done.
    Shadow,
    /// Does what its rules say to a share of the clients, and records the others.
    Canary(Share),
}

//! Rules as the evaluator runs them: names resolved, constants folded.

use std::sync::Arc;

use seclang::Location;

use super::gate::Gate;
use super::query::Query;
use crate::language::variables::Variable;
use crate::operators;
use crate::transaction::tx::TxNames;

/// Rules in the order of evaluation, by phase.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) phases: [Vec<Step>; 5],
    pub(crate) engine: EngineMode,
    /// Whether SecLang asked for request bodies (`SecRequestBodyAccess On`).
    pub(crate) request_body: bool,
    /// Whether SecLang asked for response bodies.
    pub(crate) response_body: bool,
    pub(crate) request_body_limit: Option<usize>,
    pub(crate) argument_separator: u8,
    /// What the rules look at, so that nothing else is collected.
    pub(crate) uses: Uses,
    /// The variables of `TX` that rules name, and what they hold from the start.
    pub(crate) tx: TxNames,
    /// The phases as queries; none: every rule runs in its turn.
    pub(crate) queries: Option<Box<[Query; 5]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EngineMode {
    #[default]
    On,
    DetectionOnly,
    Off,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Uses {
    pub(crate) request_body: bool,
    pub(crate) response_head: bool,
    pub(crate) response_body: bool,
}

/// A place in a phase.
pub(crate) enum Step {
    Rule(Box<Rule>),
    Marker(String),
}

pub(crate) struct Rule {
    /// 0 for a `SecAction` or `SecRule` without one.
    pub(crate) id: u64,
    pub(crate) phase: u8,
    /// The rule and those chained to it.
    pub(crate) links: Vec<Link>,
    pub(crate) message: Text,
    pub(crate) tags: Arc<[String]>,
    pub(crate) severity: Option<u8>,
    pub(crate) disruptive: Disruptive,
    /// Whether a match is reported.
    pub(crate) log: bool,
    pub(crate) skip: usize,
    pub(crate) skip_after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Disruptive {
    Pass,
    Block { status: u16 },
    Redirect { status: u16, location: Text },
    Drop,
    Allow(Allow),
    Strip(crate::decision::Strip),
}

/// What `allow` lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allow {
    Transaction,
    Phase,
    Request,
}

pub(crate) struct Link {
    pub(crate) targets: Vec<Target>,
    /// None for a `SecAction`.
    pub(crate) test: Option<Test>,
    /// Positions in the registry of transformations.
    pub(crate) transformations: Vec<u16>,
    pub(crate) multi_match: bool,
    pub(crate) capture: bool,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) struct Target {
    pub(crate) variable: Variable,
    pub(crate) counted: bool,
    pub(crate) excluded: bool,
    pub(crate) selector: Selector,
}

#[derive(Clone)]
pub(crate) enum Selector {
    All,
    Name(Text),
    Pattern(Arc<dyn operators::Operator>),
}

pub(crate) struct Test {
    pub(crate) negated: bool,
    pub(crate) check: Check,
    /// Values that it keeps out cannot match.
    pub(crate) gate: Gate,
}

#[derive(Clone)]
pub(crate) enum Check {
    Plain {
        function: fn(&[u8], &[u8], &mut operators::Hit) -> bool,
        argument: Text,
        /// Whether a value that matches contains the argument, ASCII case ignored.
        contains: bool,
    },
    Compiled(Arc<dyn operators::Operator>),
}

/// What a match does besides deciding.
#[derive(Clone)]
pub(crate) enum Effect {
    SetTx {
        name: Text,
        change: Change,
    },
    RemoveRules(std::ops::RangeInclusive<u64>),
    RemoveRulesByTag(String),
    RemoveTarget {
        rules: std::ops::RangeInclusive<u64>,
        variable: Variable,
        selector: Selector,
    },
    RemoveTargetByTag {
        tag: String,
        variable: Variable,
        selector: Selector,
    },
    Engine(EngineMode),
    BodyProcessor(Processor),
    ForceRequestBody,
}

#[derive(Clone)]
pub(crate) enum Change {
    Set(Text),
    Add(Text),
    Subtract(Text),
    Unset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processor {
    Urlencoded,
    Multipart,
    Json,
    Xml,
}

/// Text with macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    Plain(String),
    Template(Vec<Piece>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Variable(Variable, Option<String>),
}

/// For errors while lowering.
pub(crate) struct Fault {
    pub(crate) location: Option<Location>,
    pub(crate) message: String,
}

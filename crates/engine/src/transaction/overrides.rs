//! What `ctl` has changed for the rest of the transaction.

use std::ops::RangeInclusive;

use crate::language::variables::Variable;
use crate::plan::ir::{EngineMode, Processor, Rule, Selector, XmlIntoArgs};

/// What `ctl` has changed.
#[derive(Default)]
pub(crate) struct Overrides {
    pub(crate) engine: EngineMode,
    pub(crate) processor: Option<Processor>,
    pub(crate) force_request_body: bool,
    pub(crate) request_body: Option<bool>,
    pub(crate) response_body: Option<bool>,
    pub(crate) request_body_limit: Option<usize>,
    pub(crate) response_body_limit: Option<usize>,
    pub(crate) xml_into_args: Option<XmlIntoArgs>,
    pub(super) rules: Vec<RangeInclusive<u64>>,
    pub(super) tags: Vec<String>,
    pub(super) messages: Vec<String>,
    pub(super) targets: Vec<(Which, Variable, Selector)>,
}

/// The rules that lose a target.
pub(super) enum Which {
    Ids(RangeInclusive<u64>),
    Tag(String),
    Message(String),
}

impl Which {
    pub(super) fn is(&self, rule: &Rule) -> bool {
        match self {
            Self::Ids(range) => range.contains(&rule.id),
            Self::Tag(tag) => rule.tags.contains(tag),
            Self::Message(text) => rule.message.is(text),
        }
    }
}

impl Overrides {
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether rules are left out, or variables of `TX` as targets of them.
    pub(super) fn change_quiet_rules(&self) -> bool {
        let texts = [&self.tags, &self.messages];
        let any = |texts: &Vec<String>| !texts.is_empty();
        let mut targets = self.targets.iter();
        !self.rules.is_empty()
            || texts.into_iter().any(any)
            || targets.any(|(_, variable, _)| *variable == Variable::Tx)
    }

    /// Whether the rule is left out.
    pub(super) fn removes(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|range| range.contains(&rule.id))
            || self.tags.iter().any(|tag| rule.tags.contains(tag))
            || self.messages.iter().any(|text| rule.message.is(text))
    }
}

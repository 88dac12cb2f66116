//! What rules read and set.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::language::variables::{Variable, VariableSet};
use crate::operators::Operator;
use crate::plan::ir::{
    Change, Check, Disruptive, Effect, Link, Piece, Program, Rule, Selector, Step, Text,
};

/// The variables that rules of the phases look at.
pub(crate) fn variables(phases: &[Vec<Step>]) -> VariableSet {
    let mut all = in_texts(phases);
    for step in phases.iter().flatten() {
        let Step::Rule(rule) = step else {
            continue;
        };
        for target in rule.links.iter().flat_map(|link| &link.targets) {
            all.add(target.variable);
            if let Selector::Name(name) = &target.selector {
                name.variables()
                    .into_iter()
                    .for_each(|variable| all.add(variable));
            }
        }
    }
    all
}

/// The variables that macros in their texts name.
pub(crate) fn in_texts(phases: &[Vec<Step>]) -> VariableSet {
    let mut all = VariableSet::default();
    for step in phases.iter().flatten() {
        let Step::Rule(rule) = step else {
            continue;
        };
        let links = rule.links.iter().flat_map(Link::texts);
        for variable in rule.texts().chain(links).flat_map(Text::variables) {
            all.add(variable);
        }
    }
    all
}

/// The variables of `TX` that rules of the program name, in order.
pub(crate) fn names_of_tx(program: &Program) -> BTreeSet<Vec<u8>> {
    let mut names = HashSet::new();
    for step in program.phases.iter().flatten() {
        if let Step::Rule(rule) = step {
            for link in &rule.links {
                link.names_of_tx(&mut names);
            }
            for text in rule.texts() {
                names_in(text, &mut names);
            }
        }
    }
    names.into_iter().collect()
}

/// The patterns by which rules of the program select variables of `TX`.
pub(crate) fn patterns_of_tx(program: &Program) -> Vec<Arc<dyn Operator>> {
    let steps = program.phases.iter().flatten();
    let links = steps.flat_map(|step| match step {
        Step::Rule(rule) => rule.links.as_slice(),
        Step::Marker(_) => &[],
    });
    let targets = links.flat_map(|link| &link.targets);
    targets
        .filter(|target| target.variable == Variable::Tx)
        .filter_map(|target| match &target.selector {
            Selector::Pattern(pattern) => Some(Arc::clone(pattern)),
            _ => None,
        })
        .collect()
}

impl Rule {
    /// Whether it asks what an earlier rule has matched.
    pub(super) fn reads_matched(&self) -> bool {
        let Some(first) = self.links.first() else {
            return false;
        };
        let targets = first.targets.iter().map(|target| target.variable);
        let texts: Vec<&Text> = match first.test.as_ref().map(|test| &test.check) {
            // What follows a match of its own reads that.
            Some(Check::Plain { argument, .. } | Check::Expanded(_, argument)) => vec![argument],
            Some(Check::Compiled(_)) => Vec::new(),
            None => {
                let effects = first.effects.iter().flat_map(Effect::texts);
                effects.chain(self.texts()).collect()
            }
        };
        let in_texts = texts.into_iter().flat_map(Text::variables);
        targets
            .chain(in_texts)
            .any(|variable| matches!(variable, Variable::MatchedVar | Variable::MatchedVarName))
    }

    /// What it says of a match.
    pub(in crate::plan) fn texts(&self) -> impl Iterator<Item = &Text> {
        let location = match &self.disruptive {
            Disruptive::Redirect { location, .. } => Some(location),
            _ => None,
        };
        [&self.message, &self.data].into_iter().chain(location)
    }
}

impl Link {
    /// Adds the variables of `TX` that it reads or sets; `true`: it may be any.
    pub(super) fn names_of_tx(&self, names: &mut HashSet<Vec<u8>>) -> bool {
        let mut any = false;
        if self.capture {
            names.extend((b'0'..=b'9').map(|group| vec![group]));
        }
        for target in &self.targets {
            if target.variable == Variable::Tx {
                match &target.selector {
                    Selector::Name(Text::Plain(name)) => {
                        names.insert(name.to_ascii_lowercase().into_bytes());
                    }
                    _ => any = true,
                }
            }
        }
        if let Some(test) = &self.test
            && let Check::Plain { argument, .. } | Check::Expanded(_, argument) = &test.check
        {
            any |= names_in(argument, names);
        }
        for effect in &self.effects {
            for text in effect.texts() {
                any |= names_in(text, names);
            }
            match effect {
                Effect::SetTx {
                    name: Text::Plain(name),
                    ..
                } => {
                    names.insert(name.clone().into_bytes());
                }
                Effect::SetTx { .. } => any = true,
                _ => {}
            }
        }
        any
    }
}

impl Link {
    /// Its texts, which may have macros.
    pub(in crate::plan) fn texts(&self) -> Vec<&Text> {
        let argument = match self.test.as_ref().map(|test| &test.check) {
            Some(Check::Plain { argument, .. } | Check::Expanded(_, argument)) => Some(argument),
            _ => None,
        };
        let effects = self.effects.iter().flat_map(Effect::texts);
        effects.chain(argument).collect()
    }
}

impl Effect {
    /// Its texts, which may have macros.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match self {
            Self::SetTx { name, change } | Self::SetKept { name, change, .. } => match change {
                Change::Set(text) | Change::Add(text) | Change::Subtract(text) => vec![name, text],
                Change::Unset => vec![name],
            },
            Self::InitCollection { key, .. } => vec![key],
            Self::Expire { name, seconds, .. } => vec![name, seconds],
            Self::SetEnv { value, .. } => vec![value],
            Self::RemoveRulesByTag(text)
            | Self::RemoveRulesByMessage(text)
            | Self::RemoveTargetByTag { tag: text, .. }
            | Self::RemoveTargetByMessage { message: text, .. } => vec![text],
            _ => Vec::new(),
        }
    }
}

impl Text {
    pub(super) fn variables(&self) -> Vec<Variable> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Template(_, pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Variable(variable, _) => Some(*variable),
                    Piece::Literal(_) => None,
                })
                .collect(),
        }
    }
}

/// Adds the variables of `TX` that a text's macros read; `true`: it may be any.
pub(super) fn names_in(text: &Text, names: &mut HashSet<Vec<u8>>) -> bool {
    let Text::Template(_, pieces) = text else {
        return false;
    };
    let mut any = false;
    for piece in pieces {
        match piece {
            Piece::Variable(Variable::Tx, Some(name)) => {
                names.insert(name.to_ascii_lowercase().into_bytes());
            }
            Piece::Variable(Variable::Tx, None) => any = true,
            _ => {}
        }
    }
    any
}

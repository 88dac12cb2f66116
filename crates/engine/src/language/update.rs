//! `SecRuleRemoveBy…` and `SecRuleUpdate…`: changes to rules, made when all are read.

use std::ops::RangeInclusive;

use seclang::Location;

use super::actions::Actions;
use super::lower::{Default, disruptive};
use crate::plan::ir::{Program, Rule, Step, Target, Text};

/// A change to some rules.
pub(crate) struct Update {
    pub(crate) location: Option<Location>,
    pub(crate) which: Which,
    pub(crate) change: Change,
}

/// The rules that are meant.
pub(crate) enum Which {
    Ids(Vec<RangeInclusive<u64>>),
    Tag(String),
    Message(String),
}

pub(crate) enum Change {
    Remove,
    Targets(Vec<Target>),
    /// Of the rule at this place in its chain.
    Actions(usize, Box<Actions>),
}

impl Which {
    fn is(&self, rule: &Rule) -> bool {
        match self {
            Self::Ids(ranges) => ranges.iter().any(|range| range.contains(&rule.id)),
            Self::Tag(tag) => rule.tags.contains(tag),
            Self::Message(text) => rule.message.is(text),
        }
    }
}

/// Carries out an update; `false` if it concerns no rule.
pub(crate) fn apply(update: Update, program: &mut Program, defaults: &[Default; 5]) -> bool {
    let Update { which, change, .. } = update;
    let mut any = false;
    for (steps, default) in program.phases.iter_mut().zip(defaults) {
        if let Change::Remove = change {
            let before = steps.len();
            steps.retain(|step| !matches!(step, Step::Rule(rule) if which.is(rule)));
            any |= before != steps.len();
            continue;
        }
        for step in steps {
            let Step::Rule(rule) = step else { continue };
            if !which.is(rule) {
                continue;
            }
            any = true;
            match &change {
                Change::Remove => {}
                Change::Targets(targets) => {
                    if let Some(link) = rule.links.first_mut() {
                        link.targets.extend(targets.iter().cloned());
                    }
                }
                Change::Actions(at, actions) => change_actions(rule, *at, actions, default),
            }
        }
    }
    any
}

fn change_actions(rule: &mut Rule, at: usize, actions: &Actions, default: &Default) {
    if let Some(link) = rule.links.get_mut(at) {
        if actions.clears_transformations {
            link.transformations.clear();
        }
        link.transformations
            .extend_from_slice(&actions.transformations);
        link.capture |= actions.capture;
        link.multi_match |= actions.multi_match;
        link.effects.extend(actions.effects.iter().cloned());
    }
    if at > 0 {
        return;
    }
    if let Some(verb) = &actions.disruptive {
        let status = actions.status.unwrap_or(default.status);
        rule.disruptive = disruptive(verb.clone(), status, default);
    } else if let (Some(status), crate::plan::ir::Disruptive::Block { status: old }) =
        (actions.status, &mut rule.disruptive)
    {
        *old = status;
    }
    if let Some(log) = actions.log {
        rule.log = log;
    }
    if actions.message != Text::default() {
        rule.message = actions.message.clone();
    }
    if actions.data != Text::default() {
        rule.data = actions.data.clone();
    }
    if actions.severity.is_some() {
        rule.severity = actions.severity;
    }
    if !actions.tags.is_empty() {
        rule.tags = rule.tags.iter().chain(&actions.tags).cloned().collect();
    }
    if actions.skip_after.is_some() {
        rule.skip_after.clone_from(&actions.skip_after);
    }
    if actions.skip > 0 {
        rule.skip = actions.skip;
    }
}

//! Chains that can be told value by value.
//!
//! A rule may note each value that it looks at in a variable of `TX` of its own, and then ask
//! something of all variables of that kind, as the core rule set does with names of headers.
//! Where nobody else reads or sets such variables, what comes of a value depends on that value
//! alone, so that values which led nowhere need not be noted and asked again.

use std::sync::Arc;

use crate::language::variables::Variable;
use crate::operators::Operator;
use crate::plan::ir::{
    Alone, Change, Check, Effect, Link, Piece, Program, Rule, Selector, Step, Text,
};

/// Numbers the chains of the program that can be told so.
pub(crate) fn number(program: &mut Program, numbers: &mut std::ops::RangeFrom<u32>) {
    let steps = program.phases.iter().flatten();
    let rules: Vec<&Rule> = steps.filter_map(rule_of).collect();
    let found: Vec<Option<Box<Alone>>> = (0..rules.len())
        .map(|at| {
            let start = notes(rules.get(at)?)?;
            let others = rules.iter().enumerate().filter(|(other, _)| *other != at);
            let mut readers = Vec::new();
            for (_, other) in others {
                if touches(other, &start) {
                    return None;
                }
                readers.extend(selectors(other, &start).cloned());
            }
            Some(Box::new(Alone {
                number: numbers.next()?,
                start: start.into(),
                readers,
            }))
        })
        .collect();
    let steps = program.phases.iter_mut().flatten();
    let rules = steps.filter_map(|step| match step {
        Step::Rule(rule) => Some(rule),
        Step::Marker(_) => None,
    });
    for (rule, alone) in rules.zip(found) {
        rule.alone = alone;
    }
}

fn rule_of(step: &Step) -> Option<&Rule> {
    match step {
        Step::Rule(rule) => Some(rule),
        Step::Marker(_) => None,
    }
}

/// With what the names begin by which a rule notes values that nothing but its last link reads.
fn notes(rule: &Rule) -> Option<Vec<u8>> {
    let [first, last] = rule.links.as_slice() else {
        return None;
    };
    let test = first.test.as_ref()?;
    let groups = match &test.check {
        Check::Compiled(operator) => operator.has_groups(),
        Check::Plain { .. } | Check::Expanded(..) => false,
    };
    let [
        Effect::SetTx {
            name: Text::Template(_, name),
            change: Change::Set(value),
        },
    ] = first.effects.as_slice()
    else {
        return None;
    };
    let [Piece::Literal(start), rest @ ..] = name.as_slice() else {
        return None;
    };
    let value = match value {
        Text::Plain(_) => &[][..],
        Text::Template(_, pieces) => pieces,
    };
    let [target] = last.targets.as_slice() else {
        return None;
    };
    let Selector::Pattern(pattern) = &target.selector else {
        return None;
    };
    let start = start.to_ascii_lowercase().into_bytes();
    let tells = first.capture
        && first.remembered.is_some()
        && !(test.negated || first.multi_match || groups)
        && first
            .targets
            .iter()
            .all(|target| target.variable != Variable::Tx)
        && rest.iter().chain(value).all(is_match)
        && last.remembered.is_some()
        && target.variable == Variable::Tx
        && !(target.counted || target.excluded)
        && pattern.start() == Some((&start, true));
    tells.then_some(start)
}

/// Whether it is a literal, or what the link has matched.
fn is_match(piece: &Piece) -> bool {
    match piece {
        Piece::Literal(_) => true,
        Piece::Variable(variable, member) => {
            *variable == Variable::Tx && member.as_deref() == Some("0")
        }
    }
}

/// Whether the rule may read or set a variable of `TX` whose name begins so, selectors by
/// pattern left aside.
fn touches(rule: &Rule, start: &[u8]) -> bool {
    let mut read = rule.links.iter().flat_map(Link::texts).chain(rule.texts());
    let mut targets = rule.links.iter().flat_map(|link| &link.targets);
    let mut effects = rule.links.iter().flat_map(|link| &link.effects);
    read.any(|text| reads(text, start))
        || targets.any(|target| match &target.selector {
            Selector::Name(name) => {
                reads(name, start) || target.variable == Variable::Tx && may_begin(name, start)
            }
            Selector::All => target.variable == Variable::Tx,
            Selector::Pattern(_) | Selector::Path(..) => false,
        })
        || effects
            .any(|effect| matches!(effect, Effect::SetTx { name, .. } if may_begin(name, start)))
}

/// The patterns by which the rule may select a variable of `TX` whose name begins so.
fn selectors<'a>(rule: &'a Rule, start: &'a [u8]) -> impl Iterator<Item = &'a Arc<dyn Operator>> {
    let targets = rule.links.iter().flat_map(|link| &link.targets);
    let targets = targets.filter(|target| target.variable == Variable::Tx);
    targets.filter_map(move |target| match &target.selector {
        Selector::Pattern(pattern) => {
            let apart = pattern.start().is_some_and(|(own, _)| !meet(own, start));
            (!apart).then_some(pattern)
        }
        _ => None,
    })
}

/// Whether its macros may read a variable whose name begins so.
fn reads(text: &Text, start: &[u8]) -> bool {
    let Text::Template(_, pieces) = text else {
        return false;
    };
    pieces.iter().any(|piece| match piece {
        Piece::Variable(Variable::Tx, Some(name)) => {
            meet(name.to_ascii_lowercase().as_bytes(), start)
        }
        Piece::Variable(Variable::Tx, None) => true,
        _ => false,
    })
}

/// Whether what it means may begin so.
fn may_begin(name: &Text, start: &[u8]) -> bool {
    let own = match name {
        Text::Plain(name) => Some(name),
        Text::Template(_, pieces) => match pieces.first() {
            Some(Piece::Literal(own)) => Some(own),
            _ => None,
        },
    };
    own.is_none_or(|own| meet(own.to_ascii_lowercase().as_bytes(), start))
}

/// Whether one of them begins as the other.
fn meet(one: &[u8], other: &[u8]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

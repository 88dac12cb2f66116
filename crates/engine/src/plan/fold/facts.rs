//! What is known of `TX` at a place of the program, and what that makes of rules.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::language::variables::Variable;
use crate::limits::Limits;
use crate::operators::{Arguments, Build, Hit, NoResources};
use crate::plan::ir::{Change, Check, Effect, Link, Piece, Rule, Selector, Target, Text};
use crate::store::number;
use crate::transaction::tx::LIMITS_EXCEEDED;
use crate::transformations;

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    Holds(Rc<[u8]>),
    Absent,
    Unknown,
}

/// What is known of all variables at a place in the program.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// By name, ascending. Shared, since most rules change nothing.
    names: Rc<Vec<(Rc<[u8]>, Fact)>>,
    /// How names begin that only the request tells: any of them may be set.
    open: Rc<BTreeSet<Vec<u8>>>,
}

impl Default for Facts {
    /// When a transaction begins: nothing is set, and the engine itself may set something.
    fn default() -> Self {
        Self {
            names: Rc::default(),
            open: Rc::new(BTreeSet::from([LIMITS_EXCEEDED.to_vec()])),
        }
    }
}

impl Facts {
    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.names
            .binary_search_by(|(known, _)| (**known).cmp(name))
    }

    pub(super) fn get(&self, name: &[u8]) -> &Fact {
        let known = self.place(name).ok().and_then(|at| self.names.get(at));
        known.map_or_else(|| self.unnamed(name), |(_, fact)| fact)
    }

    /// What is known of a variable that no rule so far has named.
    fn unnamed(&self, name: &[u8]) -> &'static Fact {
        match self.open.iter().any(|start| name.starts_with(start)) {
            true => &Fact::Unknown,
            false => &Fact::Absent,
        }
    }

    /// What is known where both may be so.
    pub(super) fn join(mut self, other: Self) -> Self {
        if !Rc::ptr_eq(&self.names, &other.names) {
            let names = self.names.len().max(other.names.len());
            let mut joined = Vec::with_capacity(names);
            let (mut ours, mut theirs) =
                (self.names.iter().peekable(), other.names.iter().peekable());
            loop {
                let order = match (ours.peek(), theirs.peek()) {
                    (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (None, None) => break,
                };
                let our = ours.next_if(|_| order.is_le());
                let their = theirs.next_if(|_| order.is_ge());
                let Some((name, _)) = our.or(their) else {
                    break;
                };
                let our = our.map_or_else(|| self.unnamed(name), |(_, fact)| fact);
                let their = their.map_or_else(|| other.unnamed(name), |(_, fact)| fact);
                let both = if our == their { our } else { &Fact::Unknown };
                joined.push((Rc::clone(name), both.clone()));
            }
            self.names = Rc::new(joined);
        }
        if !other.open.is_subset(&self.open) {
            Rc::make_mut(&mut self.open).extend(other.open.iter().cloned());
        }
        self
    }

    fn set(&mut self, name: &[u8], fact: Fact) {
        let place = self.place(name);
        let names = Rc::make_mut(&mut self.names);
        match place {
            Ok(at) => {
                if let Some((_, known)) = names.get_mut(at) {
                    *known = fact;
                }
            }
            Err(at) => names.insert(at, (name.into(), fact)),
        }
    }

    /// A variable is set whose name only the request tells.
    pub(super) fn forget(&mut self, name: &Text) {
        let start = match name {
            Text::Template(_, pieces) => match pieces.first() {
                Some(Piece::Literal(start)) => start.to_ascii_lowercase().into_bytes(),
                _ => Vec::new(),
            },
            Text::Plain(name) => name.to_ascii_lowercase().into_bytes(),
        };
        for (name, fact) in Rc::make_mut(&mut self.names) {
            if name.starts_with(&start) {
                *fact = Fact::Unknown;
            }
        }
        Rc::make_mut(&mut self.open).insert(start);
    }
}

pub(super) fn join(known: &mut Option<Facts>, other: &Facts) {
    *known = Some(match known.take() {
        Some(known) => known.join(other.clone()),
        None => other.clone(),
    });
}
/// Whether a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Never,
    Sometimes,
    Always,
}

impl Rule {
    pub(super) fn outcome(&self, before: &Facts, during: &Facts) -> Outcome {
        let mut outcome = Outcome::Always;
        let mut effects = false;
        for (at, link) in self.links.iter().enumerate() {
            let facts = if at == 0 { before } else { during };
            match link.outcome(facts) {
                // What earlier links have done stays done.
                Outcome::Never if effects => return Outcome::Sometimes,
                Outcome::Never => return Outcome::Never,
                Outcome::Sometimes => outcome = Outcome::Sometimes,
                Outcome::Always => {}
            }
            effects |= !link.effects.is_empty() || link.capture;
        }
        outcome
    }

    /// What is known after it has matched.
    pub(super) fn after(&self, mut facts: Facts) -> Facts {
        for link in &self.links {
            if link.capture || !link.is_once() {
                link.blur(&mut facts);
                continue;
            }
            for effect in &link.effects {
                effect.apply(&mut facts);
            }
        }
        facts
    }
}
impl Link {
    /// Whether its effects take place exactly once.
    pub(super) fn is_once(&self) -> bool {
        match self.targets.as_slice() {
            [] => self.test.is_none(),
            [target] => {
                target.counted
                    || target.variable == Variable::Tx
                        && matches!(target.selector, Selector::Name(Text::Plain(_)))
            }
            _ => false,
        }
    }

    pub(super) fn outcome(&self, facts: &Facts) -> Outcome {
        let Some(test) = &self.test else {
            return Outcome::Always;
        };
        if self.multi_match {
            return Outcome::Sometimes;
        }
        let mut outcome = Outcome::Never;
        for target in &self.targets {
            let value = match target.value(facts) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(()) => return Outcome::Sometimes,
            };
            let value = self.transformations.iter().fold(value, |value, &at| {
                let mut output = Vec::new();
                let changed = transformations::ALL
                    .get(usize::from(at))
                    .is_some_and(|spec| (spec.apply)(&value, &mut output));
                if changed { output } else { value }
            });
            let mut hit = Hit::default();
            let found = match &test.check {
                Check::Compiled(operator) => operator.matches(&value, &mut hit),
                Check::Plain {
                    function,
                    argument: Text::Plain(argument),
                    ..
                } => function(argument.as_bytes(), &value, &mut hit),
                Check::Plain { .. } | Check::Expanded(..) => return Outcome::Sometimes,
            };
            if found != test.negated {
                outcome = Outcome::Always;
            }
        }
        outcome
    }

    /// Whatever it may set is not known.
    pub(super) fn blur(&self, facts: &mut Facts) {
        if self.capture {
            for group in b'0'..=b'9' {
                facts.set(&[group], Fact::Unknown);
            }
        }
        for effect in &self.effects {
            match effect {
                Effect::SetTx {
                    name: Text::Plain(name),
                    ..
                } => {
                    facts.set(name.as_bytes(), Fact::Unknown);
                }
                Effect::SetTx { name, .. } => facts.forget(name),
                _ => {}
            }
        }
    }

    /// Macros of constants become text.
    pub(super) fn substitute(&mut self, facts: &Facts, limits: &Limits) {
        match self.test.as_mut().map(|test| &mut test.check) {
            Some(Check::Plain { argument, .. }) => argument.substitute(facts),
            Some(check @ Check::Expanded(..)) => check.compile(facts, limits),
            _ => {}
        }
        for effect in &mut self.effects {
            if let Effect::SetTx { name, change } = effect {
                name.substitute(facts);
                if let Change::Set(text) | Change::Add(text) | Change::Subtract(text) = change {
                    text.substitute(facts);
                }
            }
        }
    }
}

impl Check {
    /// Compiles an operator whose argument turns out to be constant.
    pub(super) fn compile(&mut self, facts: &Facts, limits: &Limits) {
        let Self::Expanded(spec, argument) = self else {
            return;
        };
        argument.substitute(facts);
        if let (Text::Plain(text), Build::Compiled(build)) = (&*argument, &spec.build) {
            let arguments = Arguments {
                text,
                limits,
                resources: &NoResources,
                source: "",
                places: None,
                datasets: None,
            };
            // What is no argument matches nothing, whenever it is asked.
            if let Ok(operator) = build(&arguments) {
                *self = Self::Compiled(operator.into());
            }
        }
    }
}

impl Target {
    /// The only value that it means; an error: that depends on the request.
    pub(super) fn value(&self, facts: &Facts) -> Result<Option<Vec<u8>>, ()> {
        let Selector::Name(Text::Plain(name)) = &self.selector else {
            return Err(());
        };
        if self.variable != Variable::Tx || self.excluded {
            return Err(());
        }
        let fact = facts.get(name.to_ascii_lowercase().as_bytes());
        match (self.counted, fact) {
            (_, Fact::Unknown) => Err(()),
            (false, Fact::Absent) => Ok(None),
            (false, Fact::Holds(value)) => Ok(Some(value.to_vec())),
            (true, Fact::Absent) => Ok(Some(b"0".to_vec())),
            (true, Fact::Holds(_)) => Ok(Some(b"1".to_vec())),
        }
    }
}
impl Effect {
    pub(super) fn apply(&self, facts: &mut Facts) {
        let Self::SetTx { name, change } = self else {
            return;
        };
        let Text::Plain(name) = name else {
            facts.forget(name);
            return;
        };
        let name = name.as_bytes();
        let fact = match (change, facts.get(name)) {
            (Change::Unset, _) => Fact::Absent,
            (Change::Set(Text::Plain(text)), _) => Fact::Holds(text.as_bytes().into()),
            (Change::Add(Text::Plain(amount)), known) => sum(known, number(amount.as_bytes())),
            (Change::Subtract(Text::Plain(amount)), known) => {
                sum(known, number(amount.as_bytes()).saturating_neg())
            }
            _ => Fact::Unknown,
        };
        facts.set(name, fact);
    }
}

pub(super) fn sum(known: &Fact, amount: i64) -> Fact {
    let base = match known {
        Fact::Holds(value) => number(value),
        Fact::Absent => 0,
        Fact::Unknown => return Fact::Unknown,
    };
    Fact::Holds(base.saturating_add(amount).to_string().as_bytes().into())
}
impl Text {
    pub(super) fn substitute(&mut self, facts: &Facts) {
        let Self::Template(_, pieces) = self else {
            return;
        };
        for piece in pieces.iter_mut() {
            if let Piece::Variable(Variable::Tx, Some(name)) = piece {
                let value = match facts.get(name.to_ascii_lowercase().as_bytes()) {
                    Fact::Holds(value) => std::str::from_utf8(value).ok().map(str::to_owned),
                    Fact::Absent => Some(String::new()),
                    Fact::Unknown => None,
                };
                if let Some(value) = value {
                    *piece = Piece::Literal(value);
                }
            }
        }
        let literals: Option<Vec<&str>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Variable(..) => None,
            })
            .collect();
        if let Some(literals) = literals {
            *self = Self::Plain(literals.concat());
        }
    }
}

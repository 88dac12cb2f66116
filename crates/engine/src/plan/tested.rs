//! Tests by number, so that what one of them has said no of is remembered, whichever rule asks.
//!
//! PERF: many patches of a path have the same detector, and look at the same value.

use std::collections::HashMap;
use std::ops::RangeFrom;
use std::sync::Arc;

use super::ir::{Check, Link, Program, Text};

/// The tests of a plan's programs, which are all kept meanwhile: they are told by where their
/// operators are in memory.
pub(super) struct Tests {
    known: HashMap<Key, u32>,
    /// Those that are not yet given.
    pub(super) numbers: RangeFrom<u32>,
}

/// What a test makes of a value depends on this alone.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    operator: usize,
    argument: Option<String>,
    negated: bool,
    transformations: Vec<u16>,
    multi_match: bool,
}

impl Default for Tests {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            numbers: 0..,
        }
    }
}

impl Tests {
    /// Numbers those of a program.
    pub(super) fn number(&mut self, program: &mut Program) {
        for link in program.links_mut() {
            link.remembered = Key::of(link).and_then(|key| match self.known.get(&key) {
                Some(number) => Some(*number),
                None => {
                    let number = self.numbers.next()?;
                    self.known.insert(key, number);
                    Some(number)
                }
            });
        }
    }
}

impl Key {
    /// None: it depends on more than the value.
    fn of(link: &Link) -> Option<Self> {
        let test = link.test.as_ref()?;
        let (operator, argument) = match &test.check {
            Check::Compiled(operator) if operator.is_linear() => {
                (Arc::as_ptr(operator).addr(), None)
            }
            Check::Plain {
                function,
                argument: Text::Plain(argument),
                ..
            } => (*function as usize, Some(argument.to_string())),
            _ => return None,
        };
        Some(Self {
            operator,
            argument,
            negated: test.negated,
            transformations: link.transformations.clone(),
            multi_match: link.multi_match,
        })
    }
}

//! Which fields of a body the rules of a program look at: the others need not be kept.
//!
//! A field that no selector means, or whose bytes no gate lets through, matches
//! nothing, so that rules find the same whether it is there or not.

use std::sync::Arc;

use super::fold::reads;
use super::gate::Gate;
use super::ir::{Program, Selector, Step, Target, Text};
use super::signature::{Signature, Signatures};
use crate::language::variables::{Variable, VariableSet};

/// What a program looks at.
#[derive(Default)]
pub(crate) struct Interest {
    /// All variables of its rules.
    pub(crate) used: VariableSet,
    /// Fields of bodies; none: every one of them.
    fields: Option<Box<[Look]>>,
}

/// Fields that are looked at by one selector.
struct Look {
    selector: Selector,
    /// What their values must show; none: nothing.
    doors: Option<Box<[Door]>>,
}

/// A gate, and what decoding may put into a value before it is asked.
#[derive(PartialEq)]
struct Door {
    gate: Gate,
    makes: Signature,
}

impl Interest {
    /// Of a program whose gates are set.
    pub(crate) fn of(program: &Program) -> Self {
        let used = reads::variables(program);
        let whole = [
            Variable::ArgsCombinedSize,
            Variable::ArgsNames,
            Variable::ArgsPostNames,
        ];
        let mut every = whole.into_iter().any(|variable| used.has(variable));
        let in_texts = reads::in_texts(program);
        every |= FIELDS.into_iter().any(|variable| in_texts.has(variable));
        let looks = if every { None } else { looks(program) };
        Self {
            used,
            fields: looks.map(Vec::into_boxed_slice),
        }
    }

    /// Whether a rule could match, or count, this field.
    pub(crate) fn wants(&self, field: &mut Field<'_>, signatures: &Signatures) -> bool {
        let Some(fields) = &self.fields else {
            return true;
        };
        fields.iter().any(|look| {
            look.means(field.name, field.one_line)
                && look.doors.as_ref().is_none_or(|doors| {
                    let signature = field.signature(signatures);
                    let open = |door: &Door| door.gate.admits(signature | door.makes);
                    doors.iter().any(open)
                })
        })
    }
}

/// A field of a body, and what was found out about it.
pub(crate) struct Field<'a> {
    name: &'a [u8],
    value: &'a [u8],
    one_line: bool,
    signature: Option<Signature>,
}

impl<'a> Field<'a> {
    /// `one_line`: it is known that the name holds no line end.
    pub(crate) fn new(name: &'a [u8], value: &'a [u8], one_line: bool) -> Self {
        Self {
            name,
            value,
            one_line: one_line || memchr::memchr(b'\n', name).is_none(),
            signature: None,
        }
    }

    fn signature(&mut self, signatures: &Signatures) -> Signature {
        *self
            .signature
            .get_or_insert_with(|| signatures.of(self.value))
    }
}

impl Look {
    /// PERF: what a name begins with is compared here, its last byte first, since names of
    /// one document begin alike: `bench as inspector` with 3 patches and 2 kB of JSON,
    /// 231,600 → 208,300 instructions a request.
    fn means(&self, name: &[u8], one_line: bool) -> bool {
        if one_line
            && let Selector::Pattern(pattern) = &self.selector
            && let Some((start, whole)) = pattern.start()
        {
            let last = start.len().saturating_sub(1);
            let same = |a: Option<&u8>, b: Option<&u8>| match (a, b) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                _ => false,
            };
            let begins = same(name.get(last), start.last())
                && name
                    .get(..last)
                    .zip(start.get(..last))
                    .is_some_and(|(own, start)| own.eq_ignore_ascii_case(start));
            if !begins || whole {
                return begins;
            }
        }
        self.selector.agrees(name)
    }
}

/// Whose members fields of bodies are.
const FIELDS: [Variable; 2] = [Variable::Args, Variable::ArgsPost];

/// None: every field is looked at.
fn looks(program: &Program) -> Option<Vec<Look>> {
    let mut looks: Vec<(Selector, Option<Vec<Door>>)> = Vec::new();
    let rules = program
        .phases
        .iter()
        .flatten()
        .filter_map(|step| match step {
            Step::Rule(rule) => Some(rule),
            Step::Marker(_) => None,
        });
    for link in rules.flat_map(|rule| &rule.links) {
        let of_fields = |target: &&Target| !target.excluded && FIELDS.contains(&target.variable);
        for target in link.targets.iter().filter(of_fields) {
            let gate = link.test.as_ref().map(|test| test.gate);
            let door = match (gate, link.makes) {
                (Some(gate), Some(makes)) if gate.bits != 0 && !target.counted => {
                    Some(Door { gate, makes })
                }
                _ => None,
            };
            if door.is_none() && matches!(target.selector, Selector::All) {
                return None;
            }
            if matches!(target.selector, Selector::Name(Text::Template(..))) {
                return None;
            }
            let at = match looks
                .iter()
                .position(|(known, _)| same(known, &target.selector))
            {
                Some(at) => at,
                None => {
                    looks.push((target.selector.clone(), Some(Vec::new())));
                    looks.len() - 1
                }
            };
            let doors = &mut looks[at].1;
            match (door, doors.as_mut()) {
                (Some(door), Some(doors)) if !doors.contains(&door) => doors.push(door),
                (None, Some(_)) => *doors = None,
                _ => {}
            }
        }
    }
    let boxed = looks.into_iter().map(|(selector, doors)| Look {
        selector,
        doors: doors.map(Vec::into_boxed_slice),
    });
    Some(boxed.collect())
}

fn same(a: &Selector, b: &Selector) -> bool {
    match (a, b) {
        (Selector::All, Selector::All) => true,
        (Selector::Name(a), Selector::Name(b)) => a == b,
        (Selector::Pattern(a), Selector::Pattern(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

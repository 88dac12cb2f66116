//! Which fields of a body the rules of a program look at: the others need not be kept.
//!
//! A field that no selector means, or whose bytes no gate lets through, matches
//! nothing, so that rules find the same whether it is there or not.

use std::sync::Arc;

use super::fold::reads;
use super::gate::{Gate, Needs};
use super::ir::{Program, Selector, Step, Target, Text};
use super::params::{self, Bloom, Keys, Wanted};
use super::signature::{Signature, Signatures};
use crate::language::variables::{Variable, VariableSet};
use crate::operators::Apart;

/// What a program looks at.
#[derive(Default)]
pub(crate) struct Interest {
    /// All variables of its rules.
    pub(crate) used: VariableSet,
    /// Fields of bodies; none: every one of them.
    fields: Option<Fields>,
}

struct Fields {
    /// Those that are looked at whatever they hold.
    any: Box<[Look]>,
    /// Those that are looked at if they pass a door.
    shown: Box<[Look]>,
    /// The doors of all of those.
    doors: Box<[Door]>,
}

/// Fields that are looked at by one selector.
struct Look {
    selector: Selector,
    /// What their names are like, where they hold no line end.
    hint: Hint,
    /// What their names hold; without any, anything.
    wanted: Box<[Wanted]>,
    /// Their values must pass one of them; unless there is none.
    doors: Box<[Door]>,
}

/// Bits that a value must show, so that it or what is decoded from it passes a gate.
#[derive(Clone, Copy, PartialEq)]
struct Door(Signature);

impl Door {
    /// None: a value may pass whatever it shows.
    fn new(gate: Gate, makes: Signature) -> Option<Self> {
        let bits = gate.bits & !makes;
        (bits != 0).then_some(Self(bits))
    }

    fn admits(self, signature: Signature) -> bool {
        signature & self.0 == self.0
    }
}

impl Interest {
    /// Of a program whose gates are set.
    pub(crate) fn of(program: &Program, needs: &mut Needs) -> Self {
        let used = reads::variables(&program.phases);
        let whole = [
            Variable::ArgsCombinedSize,
            Variable::ArgsNames,
            Variable::ArgsPostNames,
        ];
        let mut every = whole.into_iter().any(|variable| used.has(variable));
        let in_texts = reads::in_texts(&program.phases);
        every |= FIELDS.into_iter().any(|variable| in_texts.has(variable));
        let looks = if every { None } else { looks(program, needs) };
        Self {
            used,
            fields: looks.map(Fields::new),
        }
    }

    /// Of the names of fields that it looks at.
    pub(super) fn keys(&self) -> Keys {
        let Some(fields) = &self.fields else {
            return Keys::ANY;
        };
        let looks = fields.any.iter().chain(&fields.shown);
        Keys::of(looks.map(|look| &*look.wanted))
    }

    /// Whether a rule could match, or count, this field; `texts` is what its name holds.
    pub(crate) fn wants(&self, field: &Field<'_>, texts: Bloom, apart: &mut Apart) -> bool {
        let Some(fields) = &self.fields else {
            return true;
        };
        // PERF: what an expression for names needs is told by some bits; most are not asked.
        let mut means = |look: &Look| {
            field.may_be(look.hint)
                && look.may_mean(texts)
                && look.selector.agrees(field.name, apart)
        };
        fields.any.iter().any(&mut means) || {
            let mut shown = fields.shown.iter();
            shown.any(|look| field.passes(&look.doors) && means(look))
        }
    }
}

impl Fields {
    fn new(looks: Vec<Look>) -> Self {
        let mut doors = Vec::new();
        for door in looks.iter().flat_map(|look| &look.doors) {
            if !doors.contains(door) {
                doors.push(*door);
            }
        }
        let (any, shown): (Vec<_>, Vec<_>) =
            looks.into_iter().partition(|look| look.doors.is_empty());
        Self {
            any: any.into(),
            shown: shown.into(),
            doors: doors.into(),
        }
    }
}

/// What several programs look at together.
///
/// PERF: most fields pass no door of any of them, which is found out here once for all.
/// `bench as inspector` with 3 patches and 2 kB of JSON, 134,800 → 106,200 instructions a request, with what else was done for names and strings.
#[derive(Default)]
pub(crate) struct Joint {
    /// One of them looks at every field.
    every: bool,
    /// Of the fields that one of them looks at whatever these hold.
    any: Vec<Hint>,
    doors: Vec<Door>,
    /// A bit of each door: without any of them none is passed.
    keys: Signature,
}

/// What a name is like that a look may mean: at this offset it has this byte, in either case.
type Hint = Option<(usize, u8)>;

impl Joint {
    /// Becomes that of these.
    pub(crate) fn join<'a>(&mut self, interests: impl Iterator<Item = Option<&'a Interest>>) {
        self.every = false;
        self.any.clear();
        self.doors.clear();
        self.keys = 0;
        for interest in interests {
            let Some(fields) = interest.and_then(|interest| interest.fields.as_ref()) else {
                self.every = true;
                return;
            };
            self.any.extend(fields.any.iter().map(|look| look.hint));
            for door in &fields.doors {
                if !self.doors.contains(door) {
                    self.doors.push(*door);
                    self.keys |= 1 << door.0.trailing_zeros();
                }
            }
        }
    }

    /// Whether every field is looked at.
    pub(crate) fn wants_every(&self) -> bool {
        self.every
    }

    /// Whether one of these, which it was made of, may look at the field.
    pub(crate) fn may_want(&self, field: &Field<'_>) -> bool {
        self.every
            || field.signature & self.keys != 0 && field.passes(&self.doors)
            || self.any.iter().any(|hint| field.may_be(*hint))
    }
}

/// A field of a body.
pub(crate) struct Field<'a> {
    name: &'a [u8],
    /// Of its value.
    signature: Signature,
    one_line: bool,
}

impl<'a> Field<'a> {
    /// `one_line`: it is known that the name holds no line end.
    pub(crate) fn new(
        name: &'a [u8],
        value: &[u8],
        one_line: bool,
        signatures: &Signatures,
    ) -> Self {
        Self {
            name,
            signature: signatures.of(value),
            one_line: one_line || memchr::memchr(b'\n', name).is_none(),
        }
    }

    /// What its name holds.
    pub(crate) fn texts(&self) -> Bloom {
        Bloom::of(self.name)
    }

    /// Whether its name may be one of which this is known.
    fn may_be(&self, hint: Hint) -> bool {
        !self.one_line
            || hint.is_none_or(|(at, byte)| {
                let own = self.name.get(at);
                own.is_some_and(|own| own.to_ascii_lowercase() == byte)
            })
    }

    fn passes(&self, doors: &[Door]) -> bool {
        doors.iter().any(|door| door.admits(self.signature))
    }
}

impl Look {
    fn may_mean(&self, texts: Bloom) -> bool {
        let mut wanted = self.wanted.iter();
        self.wanted.is_empty() || wanted.any(|wanted| texts.holds(wanted.texts))
    }

    fn new(selector: Selector, wanted: Box<[Wanted]>, doors: Vec<Door>) -> Self {
        let start = match &selector {
            Selector::Pattern(pattern) => pattern.start(),
            _ => None,
        };
        // Names of one document begin alike: the last byte tells most.
        let hint = start.and_then(|(start, _)| {
            let at = start.len().checked_sub(1)?;
            Some((at, start.last()?.to_ascii_lowercase()))
        });
        Self {
            hint,
            wanted,
            selector,
            doors: doors.into(),
        }
    }
}

/// Whose members fields of bodies are.
const FIELDS: [Variable; 2] = [Variable::Args, Variable::ArgsPost];

/// None: every field is looked at.
fn looks(program: &Program, needs: &mut Needs) -> Option<Vec<Look>> {
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
                (Some(gate), Some(makes)) if !target.counted => Door::new(gate, makes),
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
            let (_, doors) = looks.get_mut(at)?;
            match (door, doors.as_mut()) {
                (Some(door), Some(doors)) if !doors.contains(&door) => doors.push(door),
                (None, Some(_)) => *doors = None,
                _ => {}
            }
        }
    }
    let look = |(selector, doors): (_, Option<_>)| {
        let wanted = params::wanted(&selector, needs).unwrap_or_default();
        Look::new(selector, wanted, doors.unwrap_or_default())
    };
    Some(looks.into_iter().map(look).collect())
}

fn same(a: &Selector, b: &Selector) -> bool {
    match (a, b) {
        (Selector::All, Selector::All) => true,
        (Selector::Name(a), Selector::Name(b)) => a == b,
        (Selector::Pattern(a), Selector::Pattern(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

//! The gate of a test: what a value's signature and texts must show before the
//! operator is asked. Made from the operator's [`Need`].

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ir::{Check, Program, Selector, Step, Test, Text};
use super::signature::{Sets, Signature};
use super::texts::Texts;
use crate::need::{ByteSet, Clause, Need, Strings};
use crate::operators::Operator;

/// An open gate lets every value through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Gate {
    /// Bits that the signature must have.
    pub(crate) bits: Signature,
    /// The rarest of them; 0 if there is none.
    pub(crate) rarest: Signature,
    /// The clause of which one text must be found, unless the signature has one of these bits.
    pub(crate) clause: Option<u32>,
    pub(super) unless: Signature,
}

/// Sets that one gate asks for at most.
const SETS_OF_GATE: usize = 4;
/// A gate that lets through less of ordinary values asks for nothing more.
const ENOUGH: f64 = 0.002;
/// Clauses that so many ordinary values satisfy are not worth a search.
const TOO_COMMON: f64 = 0.6;
/// Texts of a clause that is searched for at most.
const TEXTS_OF_CLAUSE: usize = 2000;
/// The needs of operators, each found out once, however many rules share it.
#[derive(Default)]
pub(crate) struct Needs {
    /// By where the operator is in memory; all are held by the rules meanwhile.
    of_operators: HashMap<*const (), Rc<Need>>,
}

impl Needs {
    /// What a value must hold for a test to say yes.
    fn of(&mut self, test: &Test) -> Rc<Need> {
        match &test.check {
            Check::Compiled(operator) => {
                let need = self.of_operator(operator);
                if test.negated { Rc::default() } else { need }
            }
            _ if test.negated => Rc::default(),
            Check::Plain {
                contains: true,
                argument: Text::Plain(text),
                ..
            } => Rc::new(Need::text([text.as_bytes()])),
            Check::Plain { .. } | Check::Expanded(..) => Rc::default(),
        }
    }
}

impl Needs {
    /// Finds out the needs of the program's tests now, so that what they are read off does not
    /// stay in memory.
    pub(crate) fn learn(&mut self, program: &mut Program) {
        for test in tests(program) {
            self.of(test);
        }
        let steps = program.phases.iter().flatten();
        let links = steps.flat_map(|step| match step {
            Step::Rule(rule) => rule.links.as_slice(),
            Step::Marker(_) => &[],
        });
        for target in links.flat_map(|link| &link.targets) {
            if let Selector::Pattern(pattern) = &target.selector {
                self.of_operator(pattern);
            }
        }
    }

    /// The texts of which whatever an operator says yes of holds one.
    pub(crate) fn words(&mut self, operator: &Arc<dyn Operator>) -> Option<Vec<Vec<u8>>> {
        let need = self.of_operator(operator);
        need.clauses().find_map(|(_, clause)| match clause {
            Clause::Text(words, or) if or.is_empty() => {
                Some(words.iter().map(<[u8]>::to_vec).collect())
            }
            _ => None,
        })
    }

    fn of_operator(&mut self, operator: &Arc<dyn Operator>) -> Rc<Need> {
        let place = Arc::as_ptr(operator).cast::<()>();
        let need = self.of_operators.entry(place);
        Rc::clone(need.or_insert_with(|| Rc::new(operator.need())))
    }
}

/// Sets the gates of all tests of the program. Without texts, signatures alone decide.
pub(crate) fn close(
    program: &mut Program,
    needs: &mut Needs,
    sets: &mut Sets,
    mut texts: Option<&mut Texts>,
) {
    let of_tests: Vec<Rc<Need>> = tests(program).map(|test| needs.of(test)).collect();
    reserve(&of_tests, sets);
    for (test, need) in tests(program).zip(&of_tests) {
        test.gate = gate(need, sets, texts.as_deref_mut());
    }
}

fn tests(program: &mut Program) -> impl Iterator<Item = &mut Test> {
    let links = program.links_mut();
    links.filter_map(|link| link.test.as_mut())
}

/// Gives bits to the sets that help most.
fn reserve(needs: &[Rc<Need>], sets: &mut Sets) {
    let mut worth: HashMap<ByteSet, f64> = HashMap::new();
    for need in needs {
        for (set, hits) in byte_clauses(need).take(SETS_OF_GATE) {
            *worth.entry(set).or_default() += 1.0 - hits;
        }
        if let Some((_, set, hits)) = text_clause(need)
            && !set.is_empty()
        {
            *worth.entry(set).or_default() += 1.0 - hits;
        }
    }
    let mut ranked: Vec<(ByteSet, f64)> = worth.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for (set, _) in ranked.into_iter().take(sets.room()) {
        sets.add(set);
    }
}

fn byte_clauses(need: &Need) -> impl Iterator<Item = (ByteSet, f64)> {
    need.clauses().filter_map(|(hits, clause)| match clause {
        Clause::Byte(set) => Some((*set, hits)),
        Clause::Text(..) => None,
    })
}

/// The texts that are searched for, and the bytes that do in their place.
fn text_clause(need: &Need) -> Option<(&Strings, ByteSet, f64)> {
    need.clauses().find_map(|(hits, clause)| match clause {
        Clause::Text(words, or) if words.len() <= TEXTS_OF_CLAUSE && hits < TOO_COMMON => {
            Some((words, *or, hits))
        }
        _ => None,
    })
}

fn gate(need: &Need, sets: &Sets, texts: Option<&mut Texts>) -> Gate {
    let mut gate = Gate::default();
    let mut share = 1.0;
    for (set, hits) in byte_clauses(need).take(SETS_OF_GATE) {
        if let Some(bit) = sets.bit(set)
            && share > ENOUGH
        {
            if gate.bits == 0 {
                gate.rarest = bit;
            }
            gate.bits |= bit;
            share *= hits;
        }
    }
    let Some(texts) = texts.filter(|_| share > ENOUGH) else {
        return gate;
    };
    if let Some((words, or, _)) = text_clause(need)
        && let Some(unless) = if or.is_empty() { Some(0) } else { sets.bit(or) }
    {
        gate.clause = Some(texts.add(words));
        gate.unless = unless;
    }
    gate
}

impl Gate {
    /// Whether a value of this signature may pass, its texts left aside.
    pub(crate) fn admits(self, signature: Signature) -> bool {
        signature & self.bits == self.bits
    }

    /// A gate that opens by the bytes that stand in place of a text, if there are any.
    pub(crate) fn without_text(self) -> Option<Self> {
        (self.unless != 0).then_some(Self {
            bits: self.bits | self.unless,
            rarest: self.unless,
            clause: None,
            unless: 0,
        })
    }

    /// The clause of which a value of this signature must hold a text, if any.
    pub(crate) fn asks_for(self, signature: Signature) -> Option<u32> {
        self.clause.filter(|_| signature & self.unless == 0)
    }
}

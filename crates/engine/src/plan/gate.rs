//! The gate of a test: what a value's signature and texts must show before the
//! operator is asked. Made from the operator's [`Need`].

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::ir::{Check, Program, Step, Test, Text};
use super::signature::{Sets, Signature};
use crate::need::{ByteSet, Clause, Need};

/// An open gate lets every value through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gate {
    /// Bits that the signature must have.
    pub(crate) bits: Signature,
    /// The rarest of them; 0 if there is none.
    pub(crate) rarest: Signature,
    /// The clause of which one text must be found.
    pub(crate) clause: Option<u32>,
}

/// Texts that gates ask for, searched all at once.
#[derive(Default)]
pub(crate) struct Texts {
    /// Text to the clauses that it satisfies.
    clauses: HashMap<Vec<u8>, Vec<u32>>,
    known: HashMap<Vec<Vec<u8>>, u32>,
}

/// [`Texts`], compiled.
pub(crate) struct TextSearch {
    automaton: AhoCorasick,
    /// By pattern: the clauses that it satisfies.
    clauses: Vec<Box<[u32]>>,
}

/// Sets that one gate asks for at most.
const SETS_OF_GATE: usize = 4;
/// A gate that lets through less of ordinary values asks for nothing more.
const ENOUGH: f64 = 0.002;
/// Clauses that so many ordinary values satisfy are not worth a search.
const TOO_COMMON: f64 = 0.6;
/// Texts of a clause that is searched for at most; operators with more search by themselves.
const TEXTS_OF_CLAUSE: usize = 200;

/// What a value must hold for a test to say yes.
pub(crate) fn need_of(test: &Test) -> Need {
    if test.negated {
        return Need::nothing();
    }
    match &test.check {
        Check::Compiled(operator) => operator.need(),
        Check::Plain {
            contains: true,
            argument: Text::Plain(text),
            ..
        } => Need::text([text.as_bytes()]),
        Check::Plain { .. } | Check::Expanded(..) => Need::nothing(),
    }
}

/// Sets the gates of all tests of the program. Without texts, signatures alone decide.
pub(crate) fn close(program: &mut Program, sets: &mut Sets, mut texts: Option<&mut Texts>) {
    reserve(program, sets);
    for test in tests(program) {
        test.gate = gate(&need_of(test), sets, texts.as_deref_mut());
    }
}

fn tests(program: &mut Program) -> impl Iterator<Item = &mut Test> {
    program.phases.iter_mut().flatten().flat_map(|step| {
        let links = match step {
            Step::Rule(rule) => rule.links.as_mut_slice(),
            Step::Marker(_) => &mut [],
        };
        links.iter_mut().filter_map(|link| link.test.as_mut())
    })
}

/// Gives bits to the sets that help most.
fn reserve(program: &mut Program, sets: &mut Sets) {
    let mut worth: HashMap<ByteSet, f64> = HashMap::new();
    for test in tests(program) {
        let need = need_of(test);
        for (set, hits) in byte_clauses(&need).take(SETS_OF_GATE) {
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
        Clause::Text(_) => None,
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
    let clause = need.clauses().find_map(|(hits, clause)| match clause {
        Clause::Text(words) if words.len() <= TEXTS_OF_CLAUSE && hits < TOO_COMMON => Some(words),
        _ => None,
    });
    gate.clause = clause.map(|words| texts.add(words));
    gate
}

impl Gate {
    /// Whether a value of this signature may pass, its texts left aside.
    pub(crate) fn admits(self, signature: Signature) -> bool {
        signature & self.bits == self.bits
    }
}

impl Texts {
    fn add(&mut self, words: &[Vec<u8>]) -> u32 {
        let next = self.known.len() as u32;
        if let Some(&clause) = self.known.get(words) {
            return clause;
        }
        self.known.insert(words.to_vec(), next);
        for word in words {
            self.clauses.entry(word.clone()).or_default().push(next);
        }
        next
    }

    /// # Errors
    /// The texts are too many for the automaton.
    pub(crate) fn compile(self) -> Result<Option<TextSearch>, String> {
        if self.clauses.is_empty() {
            return Ok(None);
        }
        let mut entries: Vec<_> = self.clauses.into_iter().collect();
        entries.sort();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            // PERF: values are short; the table is what a search costs.
            .kind(Some(AhoCorasickKind::DFA))
            .build(entries.iter().map(|(text, _)| text))
            .map_err(|error| error.to_string())?;
        let clauses = entries
            .into_iter()
            .map(|(_, clauses)| clauses.into_boxed_slice())
            .collect();
        Ok(Some(TextSearch { automaton, clauses }))
    }
}

impl TextSearch {
    /// Appends the clauses that the value satisfies, ascending.
    pub(crate) fn find(&self, value: &[u8], found: &mut Vec<u32>) {
        let start = found.len();
        for hit in self.automaton.find_overlapping_iter(value) {
            let clauses = self.clauses.get(hit.pattern().as_usize());
            for &clause in clauses.into_iter().flat_map(|clauses| clauses.iter()) {
                if !found.get(start..).unwrap_or_default().contains(&clause) {
                    found.push(clause);
                }
            }
        }
        if let Some(new) = found.get_mut(start..) {
            new.sort_unstable();
        }
    }
}

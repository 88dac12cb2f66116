//! The bytes that transactions are about: stored once, transformed once.
//!
//! Values are interned: equal bytes have one [`ValueId`], whichever variable
//! they came from, so that what follows from them is found out once: their
//! signature, their decoded forms, the rules that could match them, the tests
//! that say no. All that depends on the bytes and the plan alone, so it is kept
//! from one transaction to the next, within a bound: most header values and
//! names of parameters come again and again.

use hashbrown::{HashMap, HashSet, HashTable};
use std::hash::BuildHasher;

use std::sync::Arc;

use crate::operators::Apart;
use crate::plan::Scan;
use crate::plan::query::{Query, Steps};
use crate::plan::signature::Signature;
use crate::transformations::unicode_map::UnicodeMap;
use crate::transformations::{self, inflate, url_decode_uni};

/// A byte string of this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(u32);

impl ValueId {
    /// Its place among the values of the transaction.
    pub(crate) fn position(self) -> usize {
        self.0 as usize
    }
}

/// Arena, table of values, and what is known of each.
#[derive(Default)]
pub(crate) struct Values {
    bytes: Vec<u8>,
    records: Vec<Record>,
    table: HashTable<u32>,
    /// What is known of values besides, those of one value linked.
    facts: Vec<Fact>,
    /// Clauses found in values, those of one value after the other.
    clauses: Vec<u32>,
    /// Tests that say no of a value.
    misses: HashSet<(u32, ValueId)>,
    /// What expressions for names say of a value.
    meant: HashMap<(u32, ValueId), bool>,
    /// Steps that values let run, those of one value and of rules that look at the same members
    /// one after the other.
    steps_let: Vec<u32>,
    hasher: hashbrown::DefaultHashBuilder,
    scratch: Vec<u8>,
    /// Where this transaction's own bytes begin.
    base: usize,
    pub(crate) apart: Apart,
    /// The code page of `t:urlDecodeUni`.
    pub(crate) unicode: Option<Arc<UnicodeMap>>,
    limit: usize,
    /// Bytes that this transaction may still read.
    work: usize,
    /// Whether something was left out because the arena was full.
    pub(crate) overflowed: bool,
    /// Whether that has happened since everything was forgotten: then what is
    /// remembered may be of values that were cut.
    tainted: bool,
}

/// A value's place in the arena, and what was found out about it.
///
/// PERF: less than a line of the processor's cache; options would make it two.
#[derive(Clone, Copy)]
struct Record {
    signature: Signature,
    start: u32,
    end: u32,
    /// Which of `clauses` it holds; [`NONE`] as the first: not searched yet.
    clauses: (u32, u32),
    /// The last of its decoded forms among `facts`, by transformation.
    decoded: u32,
    /// The last entry of steps that it lets run, by rules that look at the same members.
    lets: u32,
    /// A bit for each of the first such groups of rules of which it lets none run.
    lets_none: u64,
    /// Its number, if it is the name of a member that rules ask for, [`NONE`] or [`UNKNOWN`].
    number: u32,
    knows_signature: bool,
}

/// What is known of a value.
///
/// PERF: a value has few, so that lists beat hash tables of those of all values: with what else
/// came at once, 1,104,000 → 1,010,200 instructions for 2 kB of JSON under the core rule set.
#[derive(Clone, Copy)]
struct Fact {
    /// By which transformation, or by which rules.
    by: u32,
    /// The value that it becomes, or a range of `steps_let`.
    found: (u32, u32),
    /// How often steps were looked for among these that have said no meanwhile.
    settled: u8,
    /// The fact before it of the same kind and value.
    before: u32,
}

/// No fact; no number.
const NONE: u32 = u32::MAX;
/// A number that was not looked up yet.
const UNKNOWN: u32 = u32::MAX - 1;

/// The bit of rules that look at the same members, by their number.
fn bit_of(rules: u32) -> u64 {
    1_u64.checked_shl(rules).unwrap_or(0)
}

impl Record {
    fn of(self, arena: &[u8]) -> &[u8] {
        arena
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Values {
    /// Begins a transaction, which may use so many bytes. Earlier values are kept up to a bound.
    pub(crate) fn reset(&mut self, limit: usize, work: usize) {
        /// Bytes, and what is known of them.
        const KEEP: (usize, usize) = (256 * 1024, 32 * 1024);
        let known = self.records.len() + self.facts.len() + self.misses.len() + self.meant.len();
        if self.tainted || self.bytes.len() > KEEP.0 || known > KEEP.1 {
            self.forget();
        }
        self.limit = limit;
        self.work = work;
        self.base = self.bytes.len();
        self.overflowed = false;
    }

    /// Whether any value is known.
    pub(crate) fn knows_any(&self) -> bool {
        !self.records.is_empty()
    }

    /// Bytes that the transaction may still keep, and read.
    pub(crate) fn left(&self) -> (usize, usize) {
        let used = self.bytes.len().saturating_sub(self.base);
        (self.limit.saturating_sub(used), self.work)
    }

    /// Forgets all values, and memory beyond what is ordinary.
    pub(crate) fn forget(&mut self) {
        const KEEP: usize = 256 * 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.scratch.clear();
        self.scratch.shrink_to(KEEP);
        self.records.clear();
        self.records.shrink_to(KEEP / 64);
        self.clauses.clear();
        self.clauses.shrink_to(KEEP / 64);
        self.table.clear();
        self.table.shrink_to(KEEP / 64, |_| 0);
        self.facts.clear();
        self.facts.shrink_to(KEEP / 16);
        self.misses.clear();
        self.misses.shrink_to(KEEP / 16);
        self.meant.clear();
        self.meant.shrink_to(KEEP / 16);
        self.steps_let.clear();
        self.steps_let.shrink_to(KEEP / 64);
        self.tainted = false;
    }

    /// Counts that so many bytes are read.
    pub(crate) fn spend(&mut self, bytes: usize) {
        /// What it takes to begin.
        const EACH: usize = 64;
        self.work = self.work.saturating_sub(bytes.saturating_add(EACH));
    }

    /// Whether the transaction has read all that it may.
    pub(crate) fn is_spent(&self) -> bool {
        self.work == 0
    }

    /// Whether the test is known to say no of the value.
    pub(crate) fn misses(&self, test: u32, id: ValueId) -> bool {
        self.misses.contains(&(test, id))
    }

    /// Remembers that the test says no of the value.
    pub(crate) fn add_miss(&mut self, test: u32, id: ValueId) {
        self.misses.insert((test, id));
    }

    /// Whether the expression for names means the value, if that is known.
    pub(crate) fn meant(&self, pattern: u32, id: ValueId) -> Option<bool> {
        self.meant.get(&(pattern, id)).copied()
    }

    /// Remembers whether the expression for names means the value.
    pub(crate) fn add_meant(&mut self, pattern: u32, id: ValueId, means: bool) {
        self.meant.insert((pattern, id), means);
    }

    /// Whether the value is known to let none of the rules run that look at the same members.
    pub(crate) fn lets_none(&self, rules: u32, id: ValueId) -> bool {
        let record = self.records.get(id.0 as usize);
        record.is_some_and(|record| record.lets_none & bit_of(rules) != 0)
    }

    /// The steps that the value lets run, of rules that look at the same members.
    ///
    /// PERF: those are left out for good that have said no of it when it came before. With quiet
    /// rules (`plan/quiet.rs`) 170,700 → 141,300 instructions for a GET under the core rule set.
    pub(crate) fn lets(&mut self, rules: u32, id: ValueId, query: &Query) -> Option<&[u32]> {
        /// A value may come again before rules were asked of it, but seldom so often.
        const TURNS: u8 = 4;
        let at = self.fact(self.records.get(id.0 as usize)?.lets, rules)?;
        let fact = self.facts.get_mut(at)?;
        let (start, end) = (fact.found.0 as usize, fact.found.1 as usize);
        if fact.settled == TURNS || start == end {
            return self.steps_let.get(start..end);
        }
        fact.settled += 1;
        let mut kept = start;
        for at in start..end {
            let step = self.steps_let.get(at).copied().unwrap_or_default();
            let test = query.remembered(step);
            if !test.is_some_and(|test| self.misses.contains(&(test, id))) {
                if let Some(place) = self.steps_let.get_mut(kept) {
                    *place = step;
                }
                kept += 1;
            }
        }
        if let Some(fact) = self.facts.get_mut(at) {
            fact.found.1 = kept as u32;
        }
        if kept == start
            && let Some(record) = self.records.get_mut(id.0 as usize)
        {
            record.lets_none |= bit_of(rules);
        }
        self.steps_let.get(start..kept)
    }

    /// Where it is that is known by this transformation, or by these rules, beginning with the last.
    fn fact(&self, last: u32, by: u32) -> Option<usize> {
        let mut at = last;
        while let Some(fact) = self.facts.get(at as usize) {
            if fact.by == by {
                return Some(at as usize);
            }
            at = fact.before;
        }
        None
    }

    /// Remembers the steps that the value lets run.
    pub(crate) fn add_lets(&mut self, rules: u32, id: ValueId, steps: &Steps) {
        let start = self.steps_let.len() as u32;
        self.steps_let.extend(steps.iter());
        let found = (start, self.steps_let.len() as u32);
        let at = self.facts.len() as u32;
        if let Some(record) = self.records.get_mut(id.0 as usize) {
            if found.0 == found.1 {
                record.lets_none |= bit_of(rules);
            }
            let before = std::mem::replace(&mut record.lets, at);
            self.facts.push(Fact {
                by: rules,
                found,
                settled: 0,
                before,
            });
        }
    }

    pub(crate) fn get(&self, id: ValueId) -> &[u8] {
        self.records
            .get(id.0 as usize)
            .map_or(&[], |record| record.of(&self.bytes))
    }

    /// The id of these bytes; they are copied if they are new.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> ValueId {
        let hash = self.hasher.hash_one(bytes);
        let (arena, records) = (&self.bytes, &self.records);
        let at = |id: &u32| records.get(*id as usize).map(|record| record.of(arena));
        if let Some(&id) = self.table.find(hash, |id| at(id) == Some(bytes)) {
            return ValueId(id);
        }
        let mut bytes = bytes;
        let room = (self.base + self.limit).saturating_sub(self.bytes.len());
        if bytes.len() > room {
            self.overflowed = true;
            self.tainted = true;
            bytes = bytes.get(..room).unwrap_or_default();
        }
        let id = self.records.len() as u32;
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.records.push(Record {
            signature: 0,
            start,
            end: self.bytes.len() as u32,
            clauses: (NONE, 0),
            decoded: NONE,
            lets: NONE,
            lets_none: 0,
            number: UNKNOWN,
            knows_signature: false,
        });
        let (arena, records, hasher) = (&self.bytes, &self.records, &self.hasher);
        self.table.insert_unique(hash, id, |id| {
            let record = records.get(*id as usize);
            hasher.hash_one(record.map_or(&[][..], |record| record.of(arena)))
        });
        ValueId(id)
    }

    /// The value's signature, computed once.
    pub(crate) fn signature(&mut self, id: ValueId, scan: &Scan) -> Signature {
        let Some(record) = self.records.get_mut(id.0 as usize) else {
            return 0;
        };
        if record.knows_signature {
            return record.signature;
        }
        let bytes = record.of(&self.bytes);
        let (signature, length) = (scan.signatures.of(bytes), bytes.len());
        record.signature = signature;
        record.knows_signature = true;
        self.spend(length);
        signature
    }

    /// The number of the name that the value is, if rules ask for it.
    pub(crate) fn number(&mut self, id: ValueId, scan: &Scan) -> Option<u32> {
        let record = self.records.get_mut(id.0 as usize)?;
        if record.number == UNKNOWN {
            let number = scan.names.number(record.of(&self.bytes));
            record.number = number.unwrap_or(NONE);
        }
        (record.number != NONE).then_some(record.number)
    }

    /// Whether the value holds a text of the clause.
    pub(crate) fn holds(&mut self, id: ValueId, clause: u32, scan: &Scan) -> bool {
        self.found(id, scan).binary_search(&clause).is_ok()
    }

    /// Whether it is known which texts the value holds.
    pub(crate) fn is_searched(&self, id: ValueId) -> bool {
        let record = self.records.get(id.0 as usize);
        record.is_some_and(|record| record.clauses.0 != NONE)
    }

    /// Whether the value may hold a text of the clause: not, if it was searched in vain.
    pub(crate) fn may_hold(&self, id: ValueId, clause: u32) -> bool {
        let record = self.records.get(id.0 as usize);
        record.is_none_or(|record| {
            let (start, end) = record.clauses;
            let found = self.clauses.get(start as usize..end as usize);
            found.is_none_or(|found| found.binary_search(&clause).is_ok())
        })
    }

    /// The clauses that the value holds a text of, ascending; it is searched once, for all.
    pub(crate) fn found(&mut self, id: ValueId, scan: &Scan) -> &[u32] {
        let Some(record) = self.records.get_mut(id.0 as usize) else {
            return &[];
        };
        let (start, end) = match record.clauses {
            known if known.0 != NONE => known,
            _ => {
                let start = self.clauses.len() as u32;
                let bytes = record.of(&self.bytes);
                let length = bytes.len();
                scan.texts.find(bytes, &mut self.clauses);
                let found = (start, self.clauses.len() as u32);
                record.clauses = found;
                self.spend(length);
                found
            }
        };
        self.clauses
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The value after one transformation (its position in the registry).
    pub(crate) fn transformed(&mut self, id: ValueId, transformation: u16, scan: &Scan) -> ValueId {
        let signature = self.signature(id, scan);
        if scan.signatures.leaves(transformation, signature) {
            return id;
        }
        let Some(record) = self.records.get(id.0 as usize) else {
            return id;
        };
        let known = self.fact(record.decoded, u32::from(transformation));
        if let Some(known) = known.and_then(|at| self.facts.get(at)) {
            return ValueId(known.found.0);
        }
        let Some(spec) = transformations::ALL.get(transformation as usize) else {
            return id;
        };
        self.spend(self.get(id).len());
        let mut output = std::mem::take(&mut self.scratch);
        output.clear();
        let changed = match &self.unicode {
            Some(map) if spec.name == "urlDecodeUni" => {
                url_decode_uni::decode(self.get(id), &mut output, map)
            }
            _ => (spec.apply)(self.get(id), &mut output),
        };
        if spec.name == inflate::NAME {
            let work = self.get(id).len().saturating_mul(inflate::INFLATE_WORK);
            self.spend(work.saturating_add(output.len()));
            // What is behind the bound is looked at by nobody.
            if inflate::is_cut(self.get(id).len(), output.len()) {
                self.overflowed = true;
                self.tainted = true;
            }
        }
        let result = if changed { self.intern(&output) } else { id };
        self.scratch = output;
        let at = self.facts.len() as u32;
        if let Some(record) = self.records.get_mut(id.0 as usize) {
            let before = std::mem::replace(&mut record.decoded, at);
            self.facts.push(Fact {
                by: u32::from(transformation),
                found: (result.0, 0),
                settled: 0,
                before,
            });
        }
        result
    }
}

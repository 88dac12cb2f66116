//! The bytes of one transaction: stored once, transformed once.
//!
//! Values are interned: equal bytes have one [`ValueId`], whichever variable
//! they came from, so that a transformation of them is computed once.

use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

use std::sync::Arc;

use crate::plan::Scan;
use crate::plan::signature::Signature;
use crate::transformations::unicode_map::UnicodeMap;
use crate::transformations::{self, url_decode_uni};

/// A byte string of this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(u32);

/// Arena, table of values, and what is known of each.
#[derive(Default)]
pub(crate) struct Values {
    bytes: Vec<u8>,
    records: Vec<Record>,
    table: HashTable<u32>,
    steps: HashMap<(ValueId, u16), ValueId>,
    /// Clauses found in values, those of one value after the other.
    clauses: Vec<u32>,
    hasher: hashbrown::DefaultHashBuilder,
    scratch: Vec<u8>,
    /// The code page of `t:urlDecodeUni`.
    pub(crate) unicode: Option<Arc<UnicodeMap>>,
    limit: usize,
    /// Whether something was left out because the arena was full.
    pub(crate) overflowed: bool,
}

/// A value's place in the arena, and what was found out about it.
#[derive(Clone, Copy)]
struct Record {
    start: u32,
    end: u32,
    signature: Option<Signature>,
    /// Which of `clauses` it holds.
    clauses: Option<(u32, u32)>,
}

impl Record {
    fn of(self, arena: &[u8]) -> &[u8] {
        arena
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Values {
    /// Forgets everything and keeps the memory, up to a bound.
    pub(crate) fn reset(&mut self, limit: usize) {
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
        self.steps.clear();
        self.limit = limit;
        self.overflowed = false;
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
        if self.bytes.len() + bytes.len() > self.limit {
            self.overflowed = true;
            bytes = bytes
                .get(..self.limit.saturating_sub(self.bytes.len()))
                .unwrap_or_default();
        }
        let id = self.records.len() as u32;
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.records.push(Record {
            start,
            end: self.bytes.len() as u32,
            signature: None,
            clauses: None,
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
        match record.signature {
            Some(known) => known,
            None => *record
                .signature
                .insert(scan.signatures.of(record.of(&self.bytes))),
        }
    }

    /// Whether the value holds a text of the clause; it is searched once, for all clauses.
    pub(crate) fn holds(&mut self, id: ValueId, clause: u32, scan: &Scan) -> bool {
        let Some(record) = self.records.get_mut(id.0 as usize) else {
            return true;
        };
        let (start, end) = match record.clauses {
            Some(known) => known,
            None => {
                let start = self.clauses.len() as u32;
                scan.texts.find(record.of(&self.bytes), &mut self.clauses);
                *record.clauses.insert((start, self.clauses.len() as u32))
            }
        };
        self.clauses
            .get(start as usize..end as usize)
            .is_some_and(|found| found.binary_search(&clause).is_ok())
    }

    /// The value after one transformation (its position in the registry).
    pub(crate) fn transformed(&mut self, id: ValueId, transformation: u16, scan: &Scan) -> ValueId {
        let signature = self.signature(id, scan);
        if scan.signatures.leaves(transformation, signature) {
            return id;
        }
        if let Some(&known) = self.steps.get(&(id, transformation)) {
            return known;
        }
        let Some(spec) = transformations::ALL.get(transformation as usize) else {
            return id;
        };
        let mut output = std::mem::take(&mut self.scratch);
        output.clear();
        let changed = match &self.unicode {
            Some(map) if spec.name == "urlDecodeUni" => {
                url_decode_uni::decode(self.get(id), &mut output, map)
            }
            _ => (spec.apply)(self.get(id), &mut output),
        };
        let result = if changed { self.intern(&output) } else { id };
        self.scratch = output;
        self.steps.insert((id, transformation), result);
        result
    }
}

//! The bytes of one transaction: stored once, transformed once.
//!
//! Values are interned: equal bytes have one [`ValueId`], whichever variable
//! they came from, so that a transformation of them is computed once.

use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

use std::sync::Arc;

use crate::transformations::unicode_map::UnicodeMap;
use crate::transformations::{self, url_decode_uni};

/// A byte string of this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(u32);

/// Arena, table of values, and what was derived from which.
#[derive(Default)]
pub(crate) struct Values {
    bytes: Vec<u8>,
    spans: Vec<(u32, u32)>,
    table: HashTable<u32>,
    steps: HashMap<(ValueId, u16), ValueId>,
    hasher: hashbrown::DefaultHashBuilder,
    scratch: Vec<u8>,
    /// The code page of `t:urlDecodeUni`.
    pub(crate) unicode: Option<Arc<UnicodeMap>>,
    limit: usize,
    /// Whether something was left out because the arena was full.
    pub(crate) overflowed: bool,
}

impl Values {
    /// Forgets everything and keeps the memory, up to a bound.
    pub(crate) fn reset(&mut self, limit: usize) {
        const KEEP: usize = 256 * 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.scratch.clear();
        self.scratch.shrink_to(KEEP);
        self.spans.clear();
        self.spans.shrink_to(KEEP / 64);
        self.table.clear();
        self.steps.clear();
        self.limit = limit;
        self.overflowed = false;
    }

    pub(crate) fn get(&self, id: ValueId) -> &[u8] {
        self.spans
            .get(id.0 as usize)
            .and_then(|&(start, end)| self.bytes.get(start as usize..end as usize))
            .unwrap_or_default()
    }

    /// The id of these bytes; they are copied if they are new.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> ValueId {
        let hash = self.hasher.hash_one(bytes);
        let (arena, spans) = (&self.bytes, &self.spans);
        let at = |id: &u32| {
            spans
                .get(*id as usize)
                .and_then(|&(start, end)| arena.get(start as usize..end as usize))
                .unwrap_or_default()
        };
        if let Some(&id) = self.table.find(hash, |id| at(id) == bytes) {
            return ValueId(id);
        }
        let mut bytes = bytes;
        if self.bytes.len() + bytes.len() > self.limit {
            self.overflowed = true;
            bytes = bytes
                .get(..self.limit.saturating_sub(self.bytes.len()))
                .unwrap_or_default();
        }
        let id = self.spans.len() as u32;
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.spans.push((start, self.bytes.len() as u32));
        let (arena, spans, hasher) = (&self.bytes, &self.spans, &self.hasher);
        self.table.insert_unique(hash, id, |id| {
            let (start, end) = spans.get(*id as usize).copied().unwrap_or_default();
            hasher.hash_one(arena.get(start as usize..end as usize).unwrap_or_default())
        });
        ValueId(id)
    }

    /// The value after one transformation (its position in the registry).
    pub(crate) fn transformed(&mut self, id: ValueId, transformation: u16) -> ValueId {
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

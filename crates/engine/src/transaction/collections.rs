//! What rules have set, and what has matched.

use std::ops::Range;

use super::tx::Spaces;
use super::values::ValueId;
use crate::context::Context;
use crate::language::variables::Variable;
use crate::operators::Hit;
use crate::places::Place;
use crate::plan::ir::{Collection, Settings};
use crate::plan::signature::Signature;
use crate::store::{MemoryStore, Record, Store, StoreLimits, Write};

/// Names and values in the order in which they were set.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What rules have set and matched.
#[derive(Default)]
pub(crate) struct Kept {
    pub(super) tx: Spaces,
    /// `ENV`.
    pub(super) environment: Pairs,
    /// `GEO`.
    pub(super) place: Place,
    /// `ARGS_PATH`.
    pub(super) path_parts: Pairs,
    /// What the rule being run has matched, in all links of its chain.
    pub(super) matched: Vec<Selected>,
    /// What matched last, in any rule.
    pub(super) last_matched: Option<Selected>,
    /// Where in it.
    pub(super) span: Option<Range<usize>>,
    /// Scratch; none while a link is asked.
    pub(super) hit: Option<Box<Hit>>,
    /// Scratch, for what is captured and for macros.
    pub(super) buffer: Vec<u8>,
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) selected: Vec<Selected>,
    /// What those are, for the next link that looks at the same.
    pub(super) selection: Option<Selection>,
    /// Which concerned patches are done: `allow` has ended them.
    pub(super) allowed: Vec<(Option<u32>, u8)>,
    /// An operator gave up at a limit.
    pub(super) gave_up: bool,
    /// The gravest severity of the rules that matched.
    pub(super) highest_severity: Option<u8>,
    /// Records that `initcol` chose.
    records: Vec<(Collection, Vec<u8>)>,
    /// Keeps them where no store was handed in.
    local: Option<MemoryStore>,
}

/// A value that a target means, with the name of the member that holds it.
#[derive(Clone, Copy)]
pub(crate) struct Selected {
    pub(super) variable: Variable,
    pub(super) name: Option<ValueId>,
    pub(super) value: ValueId,
}

/// A list of targets, and what the values that it means show together.
#[derive(Clone, Copy)]
pub(super) struct Selection {
    pub(super) number: u32,
    /// None: not yet asked.
    pub(super) shows: Option<Signature>,
}

impl Kept {
    pub(crate) fn reset(&mut self) {
        self.tx.reset();
        self.environment.clear();
        self.place.clear();
        self.path_parts.clear();
        self.matched.clear();
        self.last_matched = None;
        self.span = None;
        self.selected.clear();
        self.selection = None;
        self.allowed.clear();
        if let Some(hit) = &mut self.hit {
            hit.clear();
        }
        self.buffer.clear();
        self.buffer.shrink_to(4096);
        self.highest_severity = None;
        self.gave_up = false;
        self.records.clear();
        self.local = None;
    }

    /// The values that are remembered from one phase to the next.
    pub(super) fn each_value(&mut self, each: &mut dyn FnMut(&mut ValueId)) {
        self.matched.clear();
        if let Some(last) = &mut self.last_matched {
            each(&mut last.value);
            last.name.iter_mut().for_each(each);
        }
    }

    /// Chooses the record of a collection; a second choice counts.
    pub(super) fn choose(&mut self, collection: Collection, key: Vec<u8>) {
        match self
            .records
            .iter_mut()
            .find(|(known, _)| *known == collection)
        {
            Some((_, old)) => *old = key,
            None => self.records.push((collection, key)),
        }
    }

    /// The key of a collection's record.
    pub(super) fn key(&self, collection: Collection) -> Option<&[u8]> {
        self.records
            .iter()
            .find(|(known, _)| *known == collection)
            .map(|(_, key)| key.as_slice())
    }

    /// The variables of a collection's record.
    pub(super) fn persistent(
        &self,
        collection: Collection,
        context: &Context,
        settings: &Settings,
    ) -> Pairs {
        let mut found = Pairs::new();
        let Some(key) = self.key(collection) else {
            return found;
        };
        let record = record(collection, key, settings);
        let mut each = |name: &[u8], value: &[u8]| found.push((name.to_vec(), value.to_vec()));
        match (&context.store, &self.local) {
            (Some(store), _) => store.read(&record, context.now, &mut each),
            (None, Some(local)) => local.read(&record, context.now, &mut each),
            (None, None) => {}
        }
        found
    }

    /// Changes a variable of a collection's record, if one was chosen.
    pub(super) fn change(
        &mut self,
        collection: Collection,
        name: &[u8],
        write: Write<'_>,
        context: &Context,
        settings: &Settings,
    ) {
        let Some((_, key)) = self.records.iter().find(|(known, _)| *known == collection) else {
            return;
        };
        let record = record(collection, key, settings);
        match &context.store {
            Some(store) => store.write(&record, context.now, name, write),
            None => self
                .local
                .get_or_insert_with(|| MemoryStore::new(StoreLimits::default()))
                .write(&record, context.now, name, write),
        }
    }
}

fn record<'a>(collection: Collection, key: &'a [u8], settings: &'a Settings) -> Record<'a> {
    Record {
        application: &settings.web_app_id,
        collection: collection.name(),
        key,
        timeout: settings.collection_timeout,
    }
}

pub(super) fn set(pairs: &mut Pairs, name: &[u8], value: Vec<u8>) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => pairs.push((name.to_vec(), value)),
    }
}

//! Persistent collections: `IP`, `SESSION` and the like, between transactions.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

/// Keeps the records of persistent collections. Every call is one step that
/// others see whole, so that counters do not lose increments.
pub trait Store: Send + Sync {
    /// Calls `each` with the names and values of a record.
    fn read(&self, record: &Record<'_>, now: u64, each: &mut dyn FnMut(&[u8], &[u8]));
    /// Changes one variable of a record, which need not exist yet.
    fn write(&self, record: &Record<'_>, now: u64, name: &[u8], write: Write<'_>);
}

/// Names a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// `SecWebAppId`.
    pub application: &'a str,
    /// `IP`, `SESSION`, …
    pub collection: &'a str,
    /// What `initcol` was given.
    pub key: &'a [u8],
    /// Seconds after its last change when it is forgotten.
    pub timeout: u64,
}

/// A change of one variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write<'a> {
    /// Gives it this value.
    Set(&'a [u8]),
    /// Adds to it; what is no number counts as 0.
    Add(i64),
    /// Forgets it.
    Remove,
    /// Forgets it after so many seconds.
    Expire(u64),
}

/// What a [`MemoryStore`] holds at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLimits {
    /// Records; the one that was not used for longest goes first.
    pub records: usize,
    /// Variables of one record; further ones are not kept.
    pub variables: usize,
    /// Bytes of a key, a name or a value; what is longer is not kept.
    pub bytes: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            records: 100_000,
            variables: 64,
            bytes: 1024,
        }
    }
}

/// A [`Store`] in memory, bounded; records expire.
#[derive(Debug, Default)]
pub struct MemoryStore {
    limits: StoreLimits,
    records: Mutex<Records>,
}

type Key = (String, String, Vec<u8>);

#[derive(Debug, Default)]
struct Records {
    kept: HashMap<Key, Kept>,
    /// Keys by their last use.
    order: BTreeMap<u64, Key>,
    uses: u64,
}

#[derive(Debug, Default)]
struct Kept {
    used: u64,
    expires: u64,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct Variable {
    name: Vec<u8>,
    value: Vec<u8>,
    expires: Option<u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(limits: StoreLimits) -> Self {
        Self {
            limits,
            records: Mutex::default(),
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = Records::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(record: &Record<'_>) -> Key {
    (
        record.application.to_owned(),
        record.collection.to_owned(),
        record.key.to_vec(),
    )
}

impl Kept {
    fn forget_expired(&mut self, now: u64) {
        if self.expires <= now {
            self.variables.clear();
        }
        self.variables
            .retain(|variable| variable.expires.is_none_or(|expires| expires > now));
    }
}

impl Records {
    /// The record, marked as used now; made if it is not there.
    fn open(&mut self, key: Key, now: u64, limit: usize) -> &mut Kept {
        if !self.kept.contains_key(&key)
            && self.kept.len() >= limit
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.kept.remove(&oldest);
        }
        self.uses += 1;
        let uses = self.uses;
        let kept = self.kept.entry(key.clone()).or_default();
        if let Some(old) = self.order.remove(&kept.used) {
            drop(old);
        }
        kept.used = uses;
        self.order.insert(uses, key);
        kept.forget_expired(now);
        kept
    }
}

impl Store for MemoryStore {
    fn read(&self, record: &Record<'_>, now: u64, each: &mut dyn FnMut(&[u8], &[u8])) {
        let mut records = self.lock();
        if let Some(kept) = records.kept.get_mut(&key(record)) {
            kept.forget_expired(now);
            for variable in &kept.variables {
                each(&variable.name, &variable.value);
            }
        }
    }

    fn write(&self, record: &Record<'_>, now: u64, name: &[u8], write: Write<'_>) {
        let length = match write {
            Write::Set(value) => value.len(),
            _ => 0,
        };
        if name.len().max(length).max(record.key.len()) > self.limits.bytes {
            return;
        }
        let mut records = self.lock();
        let kept = records.open(key(record), now, self.limits.records.max(1));
        kept.expires = now.saturating_add(record.timeout);
        let at = kept
            .variables
            .iter()
            .position(|variable| variable.name == name);
        let known = at.and_then(|at| kept.variables.get_mut(at));
        match (write, known) {
            (Write::Set(value), Some(variable)) => value.clone_into(&mut variable.value),
            (Write::Add(amount), Some(variable)) => {
                let sum = number(&variable.value).saturating_add(amount);
                variable.value = sum.to_string().into_bytes();
            }
            (Write::Expire(seconds), Some(variable)) => {
                variable.expires = Some(now.saturating_add(seconds));
            }
            (Write::Remove, _) => kept.variables.retain(|variable| variable.name != name),
            (Write::Expire(_), None) => {}
            (Write::Set(_) | Write::Add(_), None) => {
                if kept.variables.len() < self.limits.variables {
                    let value = match write {
                        Write::Set(value) => value.to_vec(),
                        Write::Add(amount) => amount.to_string().into_bytes(),
                        _ => return,
                    };
                    kept.variables.push(Variable {
                        name: name.to_vec(),
                        value,
                        expires: None,
                    });
                }
            }
        }
    }
}

/// The number at the start of a value, as C reads it; 0 if there is none.
pub(crate) fn number(value: &[u8]) -> i64 {
    let text = value.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let size = digits
        .iter()
        .map_while(|&byte| char::from(byte).to_digit(10))
        .fold(0_i64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(i64::from(digit))
        });
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str) -> Record<'_> {
        Record {
            application: "shop",
            collection: "IP",
            key: key.as_bytes(),
            timeout: 60,
        }
    }

    fn value(store: &MemoryStore, key: &str, now: u64, name: &str) -> Option<String> {
        let mut found = None;
        store.read(&record(key), now, &mut |known, value| {
            if known == name.as_bytes() {
                found = Some(String::from_utf8_lossy(value).into_owned());
            }
        });
        found
    }

    #[test]
    fn counters_add_up_and_a_record_ends_after_its_timeout() {
        let store = MemoryStore::default();
        store.write(&record("a"), 100, b"score", Write::Add(5));
        store.write(&record("a"), 130, b"score", Write::Add(-2));
        assert_eq!(value(&store, "a", 189, "score").as_deref(), Some("3"));
        assert_eq!(value(&store, "b", 189, "score"), None);
        assert_eq!(value(&store, "a", 190, "score"), None);
    }

    #[test]
    fn a_variable_expires_alone() {
        let store = MemoryStore::default();
        store.write(&record("a"), 0, b"blocked", Write::Set(b"1"));
        store.write(&record("a"), 0, b"seen", Write::Set(b"1"));
        store.write(&record("a"), 0, b"blocked", Write::Expire(10));
        assert_eq!(value(&store, "a", 9, "blocked").as_deref(), Some("1"));
        assert_eq!(value(&store, "a", 10, "blocked"), None);
        assert_eq!(value(&store, "a", 10, "seen").as_deref(), Some("1"));
    }

    #[test]
    fn the_record_that_was_not_used_for_longest_goes_first() {
        let store = MemoryStore::new(StoreLimits {
            records: 2,
            variables: 1,
            bytes: 8,
        });
        for key in ["a", "b", "a", "c"] {
            store.write(&record(key), 0, b"n", Write::Add(1));
        }
        assert_eq!(value(&store, "a", 0, "n").as_deref(), Some("2"));
        assert_eq!(value(&store, "b", 0, "n"), None);
        store.write(&record("c"), 0, b"m", Write::Add(1));
        assert_eq!(value(&store, "c", 0, "m"), None);
        store.write(&record("c"), 0, b"n", Write::Set(b"too long for this"));
        assert_eq!(value(&store, "c", 0, "n").as_deref(), Some("1"));
    }
}

//! What a match changes: variables, collections, and the rest of the transaction.

use super::collections::set;
use super::evaluate::Run;
use super::overrides::Which;
use super::tx::{Named, Tx};
use super::values::ValueId;
use crate::operators::Hit;
use crate::plan::ir::{Change, Collection, Effect, Text};
use crate::store::{Write, number};
use crate::trace::Trace;

impl Run<'_> {
    pub(super) fn effects(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::SetTx { name, change } => self.set_tx(name, change),
            Effect::SetKept {
                collection,
                name,
                change,
            } => self.set_kept(*collection, name, change),
            Effect::InitCollection { collection, key } => {
                let key = self.expand(key).into_owned();
                self.kept.choose(*collection, key);
            }
            Effect::Expire {
                collection,
                name,
                seconds,
            } => {
                let name = self.expand(name);
                let seconds = u64::try_from(number(&self.expand(seconds))).unwrap_or(0);
                let write = Write::Expire(seconds);
                self.kept
                    .change(*collection, &name, write, self.context, self.settings);
            }
            Effect::SetEnv { name, value } => {
                let value = self.expand(value);
                self.outcome.trace(|| Trace::Set {
                    name: format!("ENV:{name}"),
                    value: value.to_vec(),
                });
                set(
                    &mut self.kept.environment,
                    name.as_bytes(),
                    value.into_owned(),
                );
            }
            Effect::Place(places) => self.kept.place = places.place(self.last_matched()),
            Effect::PathParts(path) => self.kept.path_parts = path.parts(self.last_matched()),
            Effect::Engine(mode) => self.overrides.engine = *mode,
            Effect::BodyProcessor(processor) => self.overrides.processor = Some(*processor),
            Effect::ForceRequestBody => self.overrides.force_request_body = true,
            Effect::RequestBodyAccess(on) => self.overrides.request_body = Some(*on),
            Effect::ResponseBodyAccess(on) => self.overrides.response_body = Some(*on),
            Effect::RequestBodyLimit(bytes) => self.overrides.request_body_limit = Some(*bytes),
            Effect::ResponseBodyLimit(bytes) => self.overrides.response_body_limit = Some(*bytes),
            Effect::XmlIntoArgs(how) => self.overrides.xml_into_args = Some(*how),
            Effect::RemoveRules(range) => self.overrides.rules.push(range.clone()),
            Effect::RemoveRulesByTag(tag) => {
                let tag = self.expand_text(tag);
                self.overrides.tags.push(tag);
            }
            Effect::RemoveRulesByMessage(message) => {
                let message = self.expand_text(message);
                self.overrides.messages.push(message);
            }
            Effect::RemoveTarget {
                rules,
                variable,
                selector,
            } => {
                let which = Which::Ids(rules.clone());
                self.overrides
                    .targets
                    .push((which, *variable, selector.clone()));
            }
            Effect::RemoveTargetByTag {
                tag,
                variable,
                selector,
            } => {
                let which = Which::Tag(self.expand_text(tag));
                self.overrides
                    .targets
                    .push((which, *variable, selector.clone()));
            }
            Effect::RemoveTargetByMessage {
                message,
                variable,
                selector,
            } => {
                let which = Which::Message(self.expand_text(message));
                self.overrides
                    .targets
                    .push((which, *variable, selector.clone()));
            }
        }
    }

    /// The value that matched last; empty if none did.
    fn last_matched(&self) -> &[u8] {
        let found = self.kept.last_matched;
        found.map_or(&[], |found| self.values.get(found.value))
    }

    pub(super) fn capture(&mut self, hit: &Hit, value: ValueId) {
        const NAMES: [&[u8]; 10] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"];
        let mut buffer = std::mem::take(&mut self.kept.buffer);
        let mut any = false;
        for (name, range) in NAMES.iter().zip(&hit.captures) {
            let group = range
                .as_ref()
                .and_then(|range| self.values.get(value).get(range.clone()));
            if let Some(group) = group {
                any = true;
                buffer.clear();
                buffer.extend_from_slice(group);
                self.set_captured(name, &buffer);
            }
        }
        if !any {
            buffer.clear();
            buffer.extend_from_slice(match (hit.text.as_slice(), &hit.span) {
                ([], Some(span)) => self.values.get(value).get(span.clone()).unwrap_or_default(),
                (text, _) => text,
            });
            self.set_captured(b"0", &buffer);
        }
        self.kept.buffer = buffer;
    }

    fn set_captured(&mut self, name: &[u8], value: &[u8]) {
        self.outcome.trace(|| Trace::Set {
            name: format!("TX:{}", String::from_utf8_lossy(name)),
            value: value.to_vec(),
        });
        self.set(name, value);
    }

    pub(super) fn tx(&self) -> &Tx {
        self.kept.tx.of(self.place)
    }

    /// What is to be changed, where the variable is about to hold so many bytes; none if that
    /// is more than may be kept.
    fn tx_mut(&mut self, named: Named<'_>, bytes: usize) -> Option<&mut Tx> {
        let (tx, limit) = (&mut self.kept.tx, self.limits.scratch_bytes);
        let room = tx.with_room(self.place, (named, bytes), self.names, limit);
        self.values.overflowed |= room.is_none();
        room
    }

    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) {
        let names = self.names;
        let named = names.named(name);
        if let Some(tx) = self.tx_mut(named, value.len()) {
            tx.set(named, value, names);
        }
    }

    fn set_tx(&mut self, name: &Text, change: &Change) {
        let name = self.expand(name);
        let names = self.names;
        let value = match change {
            Change::Unset => {
                let named = names.named(&name);
                if let Some(tx) = self.tx_mut(named, 0) {
                    tx.unset(named, names);
                }
                return;
            }
            Change::Set(text) => self.expand(text),
            Change::Add(amount) | Change::Subtract(amount) => {
                let expanded = self.expand(amount);
                let amount = number(&expanded);
                self.recycle(expanded);
                let named = names.named(&name);
                let old = number(self.tx().get(named, names).unwrap_or_default());
                let new = match change {
                    Change::Subtract(_) => old.saturating_sub(amount),
                    _ => old.saturating_add(amount),
                };
                self.outcome.trace(|| Trace::Set {
                    name: format!("TX:{}", String::from_utf8_lossy(&name)),
                    value: new.to_string().into_bytes(),
                });
                // Digits of a number at most.
                if let Some(tx) = self.tx_mut(named, 20) {
                    tx.set_number(named, new, names);
                }
                return;
            }
        };
        self.outcome.trace(|| Trace::Set {
            name: format!("TX:{}", String::from_utf8_lossy(&name)),
            value: value.to_vec(),
        });
        self.set(&name, &value);
        self.recycle(value);
        self.recycle(name);
    }

    fn set_kept(&mut self, collection: Collection, name: &Text, change: &Change) {
        let name = self.expand(name);
        let value;
        let write = match change {
            Change::Unset => Write::Remove,
            Change::Set(text) => {
                value = self.expand(text);
                Write::Set(&value)
            }
            Change::Add(amount) => Write::Add(number(&self.expand(amount))),
            Change::Subtract(amount) => Write::Add(number(&self.expand(amount)).saturating_neg()),
        };
        self.outcome.trace(|| Trace::Set {
            name: format!("{}:{}", collection.name(), String::from_utf8_lossy(&name)),
            value: match write {
                Write::Set(value) => value.to_vec(),
                Write::Add(amount) => amount.to_string().into_bytes(),
                Write::Remove | Write::Expire(_) => Vec::new(),
            },
        });
        self.kept
            .change(collection, &name, write, self.context, self.settings);
    }
}

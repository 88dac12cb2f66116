//! Where a list goes on: the key of a page's last entry, as one opaque word.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sql::Value;
use crate::{Error, Limits, Page, Paging};

/// What a column of a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
}

/// A part of a list that is asked for.
pub(crate) struct Part {
    /// The key after which it begins.
    pub(crate) after: Option<Vec<Value>>,
    most: usize,
}

impl Part {
    /// # Errors
    /// The word is of no such list, or too much is asked for.
    pub(crate) fn of(paging: Paging<'_>, key: &[Kind], limits: &Limits) -> Result<Self, Error> {
        let most = paging.most.unwrap_or(limits.page);
        if most == 0 || most > limits.page {
            return Err(Error::refused(format!(
                "a page has 1 to {} entries",
                limits.page
            )));
        }
        let after = paging.after.map(|word| {
            read(word, key).ok_or_else(|| Error::refused("the cursor is of another list"))
        });
        Ok(Self {
            after: after.transpose()?,
            most,
        })
    }

    /// How many rows to ask for: one more tells whether the list goes on.
    pub(crate) fn rows(&self) -> Value {
        Value::Integer(i64::try_from(self.most + 1).unwrap_or(i64::MAX))
    }

    /// The page of a whole list, by places in it.
    pub(crate) fn of_all<T>(&self, all: impl IntoIterator<Item = T>) -> Page<T> {
        let from = match self.after.as_deref() {
            Some([Value::Integer(place)]) => usize::try_from(*place).map_or(0, |it| it + 1),
            _ => 0,
        };
        let some = (0_i64..).zip(all).skip(from).take(self.most + 1);
        self.page(some.map(|(place, it)| (vec![place.into()], it)).collect())
    }

    /// The page that these entries with their keys make.
    pub(crate) fn page<T>(&self, mut entries: Vec<(Vec<Value>, T)>) -> Page<T> {
        let further = entries.len() > self.most;
        entries.truncate(self.most);
        let last = entries.last().filter(|_| further);
        Page {
            next: last.map(|(key, _)| word(key)),
            items: entries.into_iter().map(|(_, entry)| entry).collect(),
        }
    }
}

fn word(key: &[Value]) -> String {
    let parts = key.iter().map(|value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    });
    URL_SAFE_NO_PAD.encode(serde_json::Value::Array(parts.collect()).to_string())
}

fn read(word: &str, key: &[Kind]) -> Option<Vec<Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
    let parts: Vec<serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
    if parts.len() != key.len() {
        return None;
    }
    let parts = parts
        .into_iter()
        .zip(key)
        .map(|(part, kind)| match (part, kind) {
            (serde_json::Value::Number(number), Kind::Integer) => Some(number.as_i64()?.into()),
            (serde_json::Value::String(text), Kind::Text) if !text.contains('\0') => {
                Some(text.into())
            }
            _ => None,
        });
    parts.collect()
}

//! Tables, and which of their columns is what.

use std::collections::BTreeMap;

use ledger::AssetKind;
use serde::Deserialize;

use super::{Fault, Found, Importer, Source};
use crate::field::{self, FIELDS};

pub(super) const IMPORTER: Importer = Importer {
    kind: "csv",
    summary: "a table in CSV with a row of names; --mapping FILE says which column is what",
    read: |source| read(source, AssetKind::Server, &Mapping::default()),
};

/// Which column is what, as TOML.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// What is between columns; a comma, if nothing is said.
    pub(super) separator: Option<char>,
    /// Names of columns, by field.
    #[serde(default)]
    pub(super) columns: BTreeMap<String, String>,
    /// What a value of a field means here: `[values.environment] PROD = "production"`.
    #[serde(default)]
    pub(super) values: BTreeMap<String, BTreeMap<String, String>>,
    /// Values of fields that no column tells.
    #[serde(default)]
    pub(super) defaults: BTreeMap<String, String>,
}

impl Mapping {
    /// What was handed in, or else what the source's kind usually has.
    pub(super) fn of(source: &Source<'_>, usual: &Self) -> Result<Self, Fault> {
        let mapping = match &source.options.mapping {
            Some(text) => toml::from_str(text).map_err(|error| {
                Fault::new(format!("the mapping cannot be read: {}", error.message()))
            })?,
            None => usual.clone(),
        };
        let fields = mapping
            .columns
            .keys()
            .chain(mapping.values.keys())
            .chain(mapping.defaults.keys());
        for field in fields {
            if !FIELDS.contains(&field.as_str()) {
                let all = FIELDS.join(", ");
                return Err(Fault::new(format!(
                    "the mapping names a field `{field}`; there are {all}"
                )));
            }
        }
        Ok(mapping)
    }

    /// The asset of a row; `value` finds what a column says.
    pub(super) fn row<'r>(
        &self,
        kind: AssetKind,
        value: impl Fn(&str) -> Option<&'r str>,
    ) -> Result<Found, String> {
        let mut found = Found::new("", kind);
        for (name, default) in &self.defaults {
            field::set(&mut found, name, default)?;
        }
        for name in FIELDS {
            let column = self.columns.get(*name).map_or(*name, String::as_str);
            let Some(told) = value(column).map(str::trim).filter(|told| !told.is_empty()) else {
                continue;
            };
            let meant = self.values.get(*name).and_then(|values| values.get(told));
            field::set(&mut found, name, meant.map_or(told, String::as_str))?;
        }
        if found.asset.id.is_empty() {
            let column = self.columns.get("id").map_or("id", String::as_str);
            return Err(format!("a row has no id in the column `{column}`"));
        }
        Ok(found)
    }
}

pub(super) fn read(
    source: &Source<'_>,
    kind: AssetKind,
    usual: &Mapping,
) -> Result<Vec<Found>, Fault> {
    let mapping = Mapping::of(source, usual)?;
    let mut rows = rows(source.text, mapping.separator.unwrap_or(','))?.into_iter();
    let Some((_, names)) = rows.next() else {
        return Err(Fault::new("it is empty"));
    };
    // What a kind usually has may be left out; what somebody names must be there.
    let named = source.options.mapping.is_some();
    for column in mapping.columns.values().filter(|_| named) {
        if !names.contains(column) {
            let there = names.join(", ");
            return Err(Fault::at(
                1,
                format!("there is no column `{column}`; there are {there}"),
            ));
        }
    }
    let places = names.iter().enumerate().rev();
    let places: BTreeMap<&str, usize> = places.map(|(at, name)| (name.as_str(), at)).collect();
    let mut all = Vec::new();
    for (line, row) in rows {
        if row.len() > names.len() {
            let why = format!("{} values for {} columns", row.len(), names.len());
            return Err(Fault::at(line, why));
        }
        let value = |column: &str| row.get(*places.get(column)?).map(String::as_str);
        let found = mapping.row(source.kind_or(kind), value);
        all.push(found.map_err(|why| Fault::at(line, why))?);
    }
    Ok(all)
}

/// RFC 4180: rows with the lines at which they begin; blank lines are none.
fn rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, Fault> {
    let mut rows = Vec::new();
    let (mut row, mut value) = (Vec::new(), String::new());
    let (mut line, mut begin, mut quoted, mut was_quoted) = (1, 1, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                value.push('"');
            }
            '"' if quoted => quoted = false,
            letter if quoted => value.push(letter),
            '"' if value.is_empty() => (quoted, was_quoted) = (true, true),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut value));
                if row.len() > 1 || was_quoted || row.iter().any(|it| !it.trim().is_empty()) {
                    rows.push((begin, std::mem::take(&mut row)));
                }
                row.clear();
                (begin, was_quoted) = (line, false);
            }
            letter if letter == separator => row.push(std::mem::take(&mut value)),
            letter => value.push(letter),
        }
    }
    if quoted {
        return Err(Fault::at(begin, "a quoted value does not end"));
    }
    if !row.is_empty() || !value.trim().is_empty() {
        row.push(value);
        rows.push((begin, row));
    }
    Ok(rows)
}

//! Files that commands name: what commands before them have written, or what lies beside the
//! source.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::Beside;
use super::shell::Command;

/// What commands of a source have written, by the names that they give.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeMap<String, Rc<str>>);

impl Written {
    pub(super) fn write(&mut self, name: String, text: String) {
        self.0.insert(name, text.into());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| &**text)
    }

    /// Those that these words may name.
    pub(super) fn named(&self, words: &[String]) -> Vec<(String, Rc<str>)> {
        let names = words.iter().flat_map(|word| {
            let (_, behind) = word.split_once(['@', '<']).unwrap_or_default();
            let behind = behind.split(';').next().unwrap_or_default();
            [word.as_str(), behind]
        });
        let known = names.filter_map(|name| self.0.get_key_value(name));
        known
            .map(|(name, text)| (name.clone(), Rc::clone(text)))
            .collect()
    }
}

/// All files that a source may name.
pub(super) struct Files<'o> {
    beside: &'o Beside,
    source: &'o str,
    /// Bytes that may still be read.
    room: usize,
    bound: usize,
    /// Where cookies of answers are kept: they are no part of an attack.
    jars: BTreeSet<String>,
}

impl<'o> Files<'o> {
    /// `bound` bytes are read at most, all together.
    pub(super) fn of(source: &'o str, beside: &'o Beside, bound: usize) -> Self {
        Self {
            beside,
            source,
            room: bound,
            bound,
            jars: BTreeSet::new(),
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub(super) fn read(&mut self, command: &Command, name: &str) -> Result<String, String> {
        let mut written = command.files.iter();
        let text = match written.find(|(known, _)| known == name) {
            Some((_, text)) => text.to_string(),
            None => self.beside.text(name, self.source)?,
        };
        let bound = self.bound;
        self.room = self
            .room
            .checked_sub(text.len())
            .ok_or_else(|| format!("the files that it names hold more than {bound} bytes"))?;
        Ok(text)
    }

    pub(super) fn keeps_cookies(&mut self, name: &str) {
        self.jars.insert(name.to_owned());
    }

    pub(super) fn is_jar(&self, name: &str) -> bool {
        self.jars.contains(name)
    }
}

/// The cookies of a file: as Netscape's browser wrote them, or as headers.
pub(super) fn cookies(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        if line.starts_with('#') {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("set-cookie")
        {
            return value.split(';').next().map(|pair| pair.trim().to_owned());
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, _, _, _, _, name, value] = fields.as_slice() else {
            return None;
        };
        Some(format!("{name}={value}"))
    });
    lines.collect()
}

/// The options of a file for `-K` as words (manual of curl, `--config`).
pub(super) fn options(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let end = line
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | ':'))
            .unwrap_or(line.len());
        let (name, value) = line.split_at(end);
        words.push(match name.starts_with('-') {
            true => name.to_owned(),
            false => format!("--{name}"),
        });
        let value = value.trim_start();
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim_start();
        if !value.is_empty() {
            words.push(unquoted(value));
        }
    }
    words
}

fn unquoted(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(char::is_whitespace).unwrap_or(value.len());
        return value.get(..end).unwrap_or_default().to_owned();
    };
    let mut text = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => text.extend(letters.next().map(|letter| match letter {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            })),
            other => text.push(other),
        }
    }
    text
}

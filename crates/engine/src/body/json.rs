//! JSON, as RFC 8259 defines it, without recursion.
//!
//! Each leaf is a value named by its path: `{"a":[{"b":1}]}` gives `json.a.0.b`
//! the value `1`. Keys are part of names, so an attack in a key is seen where
//! names are inspected. Strings are decoded, numbers and words stay as written.

use std::collections::HashSet;

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;

/// Parses a whole body. After a fault, what was read so far stays.
pub(crate) fn parse(body: &[u8], limits: &Limits, sink: &mut dyn Sink) {
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            // RFC 8259 section 8.1: some parsers skip the mark, some refuse it.
            sink.anomaly(Anomaly::InvalidCharset);
            rest
        }
        None => body,
    };
    let mut parser = Parser {
        rest: body,
        path: b"json".to_vec(),
        open: Vec::new(),
        text: Vec::new(),
        leaves: 0,
        limits,
        sink,
    };
    if let Err(anomaly) = parser.document() {
        parser.sink.anomaly(anomaly);
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    path: Vec<u8>,
    open: Vec<Open>,
    text: Vec<u8>,
    leaves: usize,
    limits: &'a Limits,
    sink: &'a mut dyn Sink,
}

/// A container that is not closed yet, and the length of its own path.
enum Open {
    Object { path: usize, keys: HashSet<Vec<u8>> },
    Array { path: usize, next: usize },
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Anomaly> {
        self.space();
        loop {
            if self.value()? {
                // A container was opened and has a first member.
                continue;
            }
            // A value is complete: go on to its next sibling, or close what it ends.
            loop {
                self.space();
                match self.open.last() {
                    None if self.rest.is_empty() => return Ok(()),
                    None => return Err(Anomaly::InvalidJson),
                    Some(_) => {}
                }
                if self.eat(b",") {
                    self.space();
                    self.member()?;
                    break;
                }
                self.close()?;
            }
        }
    }

    /// Reads a value; `true` if it is a container whose first member comes next.
    fn value(&mut self) -> Result<bool, Anomaly> {
        match self.rest.first() {
            Some(b'{') => {
                self.eat(b"{");
                let path = self.path.len();
                self.push(Open::Object {
                    path,
                    keys: HashSet::new(),
                })?;
                self.begin(b"}")
            }
            Some(b'[') => {
                self.eat(b"[");
                let path = self.path.len();
                self.push(Open::Array { path, next: 0 })?;
                self.begin(b"]")
            }
            Some(b'"') => {
                let mut text = std::mem::take(&mut self.text);
                let read = self.string(&mut text);
                self.leaf(&text);
                self.text = text;
                read.map(|()| false)
            }
            _ => self.word().map(|()| false),
        }
    }

    fn push(&mut self, open: Open) -> Result<(), Anomaly> {
        if self.open.len() == self.limits.json_depth {
            return Err(Anomaly::TooDeep);
        }
        self.open.push(open);
        Ok(())
    }

    fn begin(&mut self, end: &[u8]) -> Result<bool, Anomaly> {
        self.space();
        if self.rest.starts_with(end) {
            return Ok(false);
        }
        self.member()?;
        Ok(true)
    }

    /// Names the next member of the innermost container, up to its value.
    fn member(&mut self) -> Result<(), Anomaly> {
        match self.open.last_mut() {
            Some(Open::Array { path, next }) => {
                self.path.truncate(*path);
                self.path.push(b'.');
                self.path.extend_from_slice(next.to_string().as_bytes());
                *next += 1;
                return Ok(());
            }
            Some(Open::Object { path, .. }) => self.path.truncate(*path),
            None => return Err(Anomaly::InvalidJson),
        }
        let mut key = std::mem::take(&mut self.text);
        let read = self.string(&mut key);
        self.path.push(b'.');
        self.path.extend_from_slice(&key);
        if let Some(Open::Object { keys, .. }) = self.open.last_mut()
            && !keys.insert(key.clone())
        {
            self.sink.anomaly(Anomaly::DuplicateKey);
        }
        self.text = key;
        read?;
        self.space();
        if !self.eat(b":") {
            return Err(Anomaly::InvalidJson);
        }
        self.space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Anomaly> {
        let (path, end): (usize, &[u8]) = match self.open.pop() {
            Some(Open::Object { path, .. }) => (path, b"}"),
            Some(Open::Array { path, .. }) => (path, b"]"),
            None => return Err(Anomaly::InvalidJson),
        };
        self.path.truncate(path);
        if self.eat(end) {
            Ok(())
        } else {
            Err(Anomaly::InvalidJson)
        }
    }

    fn leaf(&mut self, value: &[u8]) {
        self.leaves += 1;
        if self.leaves > self.limits.arguments {
            self.sink.anomaly(Anomaly::TooManyArguments);
        } else {
            if memchr::memchr(0, value).is_some() {
                self.sink.anomaly(Anomaly::NulByte);
            }
            self.sink.field(Kind::Json, &self.path, value);
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), Anomaly> {
        let end = self
            .rest
            .iter()
            .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.leaf(word);
        let known = matches!(word, b"true" | b"false" | b"null") || is_number(word);
        if known {
            Ok(())
        } else {
            Err(Anomaly::InvalidJson)
        }
    }

    /// Decodes a string into `text`. What precedes a fault is in `text`.
    fn string(&mut self, text: &mut Vec<u8>) -> Result<(), Anomaly> {
        text.clear();
        if !self.eat(b"\"") {
            return Err(Anomaly::InvalidJson);
        }
        loop {
            let end = self
                .rest
                .iter()
                .position(|&byte| matches!(byte, b'"' | b'\\') || byte < 0x20)
                .unwrap_or(self.rest.len());
            let (plain, rest) = self.rest.split_at(end);
            text.extend_from_slice(plain);
            self.rest = rest;
            if self.eat(b"\"") {
                return match std::str::from_utf8(text) {
                    Ok(_) => Ok(()),
                    Err(_) => {
                        self.sink.anomaly(Anomaly::InvalidCharset);
                        Ok(())
                    }
                };
            }
            if !self.eat(b"\\") {
                return Err(Anomaly::InvalidJson);
            }
            self.escape(text)?;
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Anomaly> {
        let Some((&letter, rest)) = self.rest.split_first() else {
            return Err(Anomaly::InvalidJson);
        };
        self.rest = rest;
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = self.hex4()?;
                if (0xd800..0xdc00).contains(&unit) && self.rest.starts_with(b"\\u") {
                    let high = unit;
                    self.eat(b"\\u");
                    unit = self.hex4()?;
                    if (0xdc00..0xe000).contains(&unit) {
                        unit = 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
                    } else {
                        self.lone(text);
                    }
                }
                match char::from_u32(unit) {
                    Some(letter) => {
                        text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    None => self.lone(text),
                }
                return Ok(());
            }
            _ => return Err(Anomaly::InvalidJson),
        };
        text.push(byte);
        Ok(())
    }

    /// Half a surrogate pair: parsers differ in what they make of it.
    fn lone(&mut self, text: &mut Vec<u8>) {
        self.sink.anomaly(Anomaly::InvalidCharset);
        text.extend_from_slice("\u{fffd}".as_bytes());
    }

    fn hex4(&mut self) -> Result<u32, Anomaly> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Anomaly::InvalidJson)?;
        self.rest = rest;
        digits.iter().try_fold(0, |value, &digit| {
            let digit = char::from(digit).to_digit(16).ok_or(Anomaly::InvalidJson)?;
            Ok(value * 16 + digit)
        })
    }

    fn space(&mut self) {
        while let Some((b' ' | b'\t' | b'\n' | b'\r', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }

    fn eat(&mut self, token: &[u8]) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_number(word: &[u8]) -> bool {
    let digits = |text: &mut &[u8]| {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *text = text.get(count..).unwrap_or_default();
        count
    };
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let leading_zero = rest.first() == Some(&b'0');
    let count = digits(&mut rest);
    if count == 0 || (leading_zero && count > 1) {
        return false;
    }
    if let Some(mut fraction) = rest.strip_prefix(b".") {
        if digits(&mut fraction) == 0 {
            return false;
        }
        rest = fraction;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let mut exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            other => other,
        };
        if digits(&mut exponent) == 0 {
            return false;
        }
        rest = exponent;
    }
    rest.is_empty()
}

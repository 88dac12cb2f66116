//! JSON, as RFC 8259 defines it, without recursion.
//!
//! Each leaf is a value named by its path: `{"a":[{"b":1}]}` gives `json.a.0.b`
//! the value `1`. Keys are part of names, so an attack in a key is seen where
//! names are inspected. Strings are decoded, numbers and words stay as written.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;

/// Memory that is used again and again.
#[derive(Default)]
pub(crate) struct Scratch {
    path: Vec<u8>,
    open: Vec<Open>,
    text: Vec<u8>,
    keys: Keys,
}

impl Scratch {
    /// Gives back what one request needed far more of than others.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 64 * 1024;
        for bytes in [&mut self.path, &mut self.text, &mut self.keys.bytes] {
            bytes.clear();
            bytes.shrink_to(KEEP);
        }
        self.open.clear();
        self.open.shrink_to(KEEP / 64);
        self.keys.table.clear();
        self.keys.table.shrink_to(KEEP / 64, |_| 0);
    }
}

/// Parses a whole body. After a fault, what was read so far stays.
pub(crate) fn parse(body: &[u8], limits: &Limits, scratch: &mut Scratch, sink: &mut dyn Sink) {
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            // RFC 8259 section 8.1: some parsers skip the mark, some refuse it.
            sink.anomaly(Anomaly::InvalidCharset);
            rest
        }
        None => body,
    };
    let Scratch {
        path,
        open,
        text,
        keys,
    } = scratch;
    path.clear();
    path.extend_from_slice(b"json");
    open.clear();
    keys.clear();
    let mut parser = Parser {
        rest: body,
        path,
        open,
        text,
        keys: sink.wants_duplicates().then_some(keys),
        objects: 0,
        leaves: 0,
        // PERF: asked once of the whole, not of every string.
        is_utf8: std::str::from_utf8(body).is_ok(),
        limits,
        sink,
    };
    if let Err(anomaly) = parser.document() {
        parser.sink.anomaly(anomaly);
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    path: &'a mut Vec<u8>,
    open: &'a mut Vec<Open>,
    text: &'a mut Vec<u8>,
    /// None: nobody asks for keys that come twice.
    keys: Option<&'a mut Keys>,
    /// Objects so far.
    objects: usize,
    leaves: usize,
    is_utf8: bool,
    limits: &'a Limits,
    sink: &'a mut dyn Sink,
}

/// A container that is not closed yet, and the length of its own path.
enum Open {
    Object { path: usize, number: usize },
    Array { path: usize, next: usize },
}

/// The keys of all objects.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    table: HashTable<Key>,
    hasher: hashbrown::DefaultHashBuilder,
}

struct Key {
    object: usize,
    start: usize,
    end: usize,
}

impl Keys {
    fn clear(&mut self) {
        self.bytes.clear();
        self.table.clear();
    }

    /// `false` if the object has the key already.
    fn insert(&mut self, object: usize, key: &[u8]) -> bool {
        let Self {
            bytes,
            table,
            hasher,
        } = self;
        let of = |key: &Key| bytes.get(key.start..key.end).unwrap_or_default();
        let hash = hasher.hash_one((object, key));
        let known = |have: &Key| have.object == object && of(have) == key;
        if table.find(hash, known).is_some() {
            return false;
        }
        let start = bytes.len();
        bytes.extend_from_slice(key);
        let of = |key: &Key| bytes.get(key.start..key.end).unwrap_or_default();
        let new = Key {
            object,
            start,
            end: bytes.len(),
        };
        table.insert_unique(hash, new, |key| hasher.hash_one((key.object, of(key))));
        true
    }
}

/// How a string's bytes come.
enum Text<'a> {
    /// As they stand in the document.
    Plain(&'a [u8]),
    /// Decoded to the scratch.
    Decoded,
}

impl<'a> Parser<'a> {
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
                if self.eat(b',') {
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
                self.eat(b'{');
                let path = self.path.len();
                self.objects += 1;
                let number = self.objects;
                self.push(Open::Object { path, number })?;
                self.begin(b'}')
            }
            Some(b'[') => {
                self.eat(b'[');
                let path = self.path.len();
                self.push(Open::Array { path, next: 0 })?;
                self.begin(b']')
            }
            Some(b'"') => {
                let (text, read) = self.string();
                match text {
                    Text::Plain(text) => self.leaf(text, false),
                    Text::Decoded => {
                        let text = std::mem::take(self.text);
                        self.leaf(&text, true);
                        *self.text = text;
                    }
                }
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

    fn begin(&mut self, end: u8) -> Result<bool, Anomaly> {
        self.space();
        if self.rest.first() == Some(&end) {
            return Ok(false);
        }
        self.member()?;
        Ok(true)
    }

    /// Names the next member of the innermost container, up to its value.
    fn member(&mut self) -> Result<(), Anomaly> {
        let object = match self.open.last_mut() {
            Some(Open::Array { path, next }) => {
                self.path.truncate(*path);
                self.path.push(b'.');
                push_number(self.path, *next);
                *next += 1;
                return Ok(());
            }
            Some(Open::Object { path, number }) => {
                self.path.truncate(*path);
                *number
            }
            None => return Err(Anomaly::InvalidJson),
        };
        let (key, read) = self.string();
        let key = match key {
            Text::Plain(key) => key,
            Text::Decoded => self.text.as_slice(),
        };
        self.path.push(b'.');
        self.path.extend_from_slice(key);
        if let Some(keys) = &mut self.keys
            && !keys.insert(object, key)
        {
            self.sink.anomaly(Anomaly::DuplicateKey);
        }
        read?;
        self.space();
        if !self.eat(b':') {
            return Err(Anomaly::InvalidJson);
        }
        self.space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Anomaly> {
        let (path, end) = match self.open.pop() {
            Some(Open::Object { path, .. }) => (path, b'}'),
            Some(Open::Array { path, .. }) => (path, b']'),
            None => return Err(Anomaly::InvalidJson),
        };
        self.path.truncate(path);
        if self.eat(end) {
            Ok(())
        } else {
            Err(Anomaly::InvalidJson)
        }
    }

    /// Only what is decoded, or no JSON, may hold a NUL.
    fn leaf(&mut self, value: &[u8], may_hold_nul: bool) {
        self.leaves += 1;
        if self.leaves > self.limits.arguments {
            self.sink.anomaly(Anomaly::TooManyArguments);
        } else {
            if may_hold_nul && memchr::memchr(0, value).is_some() {
                self.sink.anomaly(Anomaly::NulByte);
            }
            self.sink.field(Kind::Json, self.path, value);
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
        let known = matches!(word, b"true" | b"false" | b"null") || is_number(word);
        self.leaf(word, !known);
        if known {
            Ok(())
        } else {
            Err(Anomaly::InvalidJson)
        }
    }

    /// Reads a string. What precedes a fault is its text.
    fn string(&mut self) -> (Text<'a>, Result<(), Anomaly>) {
        if !self.eat(b'"') {
            return (Text::Plain(b""), Err(Anomaly::InvalidJson));
        }
        let plain = self.plain();
        if self.eat(b'"') {
            if !self.is_utf8 && std::str::from_utf8(plain).is_err() {
                self.sink.anomaly(Anomaly::InvalidCharset);
            }
            return (Text::Plain(plain), Ok(()));
        }
        let mut text = std::mem::take(self.text);
        text.clear();
        text.extend_from_slice(plain);
        let read = self.decoded(&mut text);
        *self.text = text;
        (Text::Decoded, read)
    }

    /// Bytes up to a quote, a backslash, or what a string may not hold.
    fn plain(&mut self) -> &'a [u8] {
        let (plain, rest) = self.rest.split_at(plain_bytes(self.rest));
        self.rest = rest;
        plain
    }

    /// Appends the rest of a string that does not end where its plain bytes do.
    fn decoded(&mut self, text: &mut Vec<u8>) -> Result<(), Anomaly> {
        loop {
            if !self.eat(b'\\') {
                return Err(Anomaly::InvalidJson);
            }
            self.escape(text)?;
            text.extend_from_slice(self.plain());
            if self.eat(b'"') {
                if !self.is_utf8 && std::str::from_utf8(text).is_err() {
                    self.sink.anomaly(Anomaly::InvalidCharset);
                }
                return Ok(());
            }
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
                if (0xd800..0xdc00).contains(&unit)
                    && let Some(rest) = self.rest.strip_prefix(b"\\u")
                {
                    let high = unit;
                    self.rest = rest;
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

    fn eat(&mut self, token: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == token => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}

/// How many bytes stand before a quote, a backslash, or what a string may not hold.
///
/// PERF: eight at once, as in "Bit Twiddling Hacks", "Determine if a word has a byte less than n":
/// a borrow may flag bytes above the first that is meant, never below.
fn plain_bytes(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = text.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let ends = (control | quote | backslash) & HIGHS;
        if ends != 0 {
            return at * 8 + ends.trailing_zeros() as usize / 8;
        }
    }
    let ends = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    text.len() - rest.len() + rest.iter().position(ends).unwrap_or(rest.len())
}

/// Appends a number's digits.
fn push_number(text: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(b'0' + (number % 10) as u8);
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

#[cfg(test)]
mod tests {
    use super::plain_bytes;

    #[test]
    fn a_plain_part_ends_before_the_first_byte_that_is_not_plain() {
        for byte in 0..=u8::MAX {
            let plain = !matches!(byte, 0..0x20 | b'"' | b'\\');
            for length in 0..20 {
                for at in 0..length {
                    // What follows must not hide what comes first.
                    for filler in [b'a', b'!', b']', 0x20, 0x80, 0xff] {
                        let mut text = vec![filler; length];
                        text[at] = byte;
                        let end = if plain { length } else { at };
                        assert_eq!(plain_bytes(&text), end, "{text:?}");
                    }
                }
            }
        }
        assert_eq!(plain_bytes(b"#\"\"!!!!!!"), 1);
    }
}

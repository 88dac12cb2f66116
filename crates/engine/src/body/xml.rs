//! XML 1.0. Nothing that a document refers to is ever fetched.
//!
//! Texts and attribute values are decoded: the predefined entities, character
//! references, and entities that the document declares with a value, within a
//! bound. A reference to any other entity stays as written.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Anomaly, Kind, Sink, XmlEvent};
use crate::limits::Limits;

/// Parses a whole body. After a fault, what was read so far stays.
pub(crate) fn parse(body: &[u8], limits: &Limits, sink: &mut dyn Sink) {
    let mut reader = Reader::from_reader(body);
    let mut path: Vec<u8> = Vec::new();
    let mut depth = 0_usize;
    let mut values = 0_usize;
    let mut text = Vec::new();
    let mut entities = Entities::new(limits);
    loop {
        let event = reader.read_event();
        if !matches!(
            event,
            Ok(Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Comment(_))
        ) && !text.trim_ascii().is_empty()
        {
            // Text with references comes in pieces; it is inspected whole.
            values += 1;
            sink.field(Kind::XmlText, &path, text.trim_ascii());
            sink.xml(XmlEvent::Text(&text));
        }
        if values > limits.arguments {
            sink.anomaly(Anomaly::TooManyArguments);
            return;
        }
        match event {
            Ok(Event::Start(start)) => {
                text.clear();
                depth += 1;
                if depth > limits.xml_depth {
                    sink.anomaly(Anomaly::TooDeep);
                    return;
                }
                path.push(b'/');
                path.extend_from_slice(start.name().as_ref().as_bytes());
                sink.xml(XmlEvent::Open(start.name().as_ref().as_bytes()));
                values += attributes(&start, &path, &mut entities, limits, sink);
            }
            Ok(Event::Empty(start)) => {
                text.clear();
                let length = path.len();
                path.push(b'/');
                path.extend_from_slice(start.name().as_ref().as_bytes());
                sink.xml(XmlEvent::Open(start.name().as_ref().as_bytes()));
                values += attributes(&start, &path, &mut entities, limits, sink);
                sink.xml(XmlEvent::Close);
                path.truncate(length);
            }
            Ok(Event::End(_)) => {
                text.clear();
                sink.xml(XmlEvent::Close);
                depth = depth.saturating_sub(1);
                path.truncate(path.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
            }
            Ok(Event::Text(piece)) => text.extend_from_slice(piece.as_ref().as_bytes()),
            Ok(Event::CData(piece)) => text.extend_from_slice(piece.as_ref().as_bytes()),
            Ok(Event::GeneralRef(reference)) => {
                entities.resolve(reference.as_ref().as_bytes(), &mut text);
            }
            Ok(Event::DocType(declaration)) => {
                text.clear();
                doctype(declaration.as_ref().as_bytes(), sink);
                entities.declare(declaration.as_ref().as_bytes());
            }
            Ok(Event::Eof) => {
                if depth > 0 {
                    sink.anomaly(Anomaly::InvalidXml);
                }
                return;
            }
            Ok(_) => {}
            Err(_) => {
                sink.anomaly(Anomaly::InvalidXml);
                return;
            }
        }
    }
}

fn attributes(
    start: &BytesStart<'_>,
    path: &[u8],
    entities: &mut Entities,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> usize {
    let mut count = 0;
    for attribute in start.attributes() {
        let Ok(attribute) = attribute else {
            sink.anomaly(Anomaly::InvalidXml);
            continue;
        };
        count += 1;
        if count > limits.arguments {
            break;
        }
        let mut name = path.to_vec();
        name.extend_from_slice(b"/@");
        name.extend_from_slice(attribute.key.as_ref().as_bytes());
        let mut value = Vec::new();
        entities.text(attribute.value.as_ref().as_bytes(), &mut value, NESTED);
        sink.field(Kind::XmlAttribute, &name, &value);
        sink.xml(XmlEvent::Attribute(
            attribute.key.as_ref().as_bytes(),
            &value,
        ));
    }
    count
}

/// What references mean: the predefined entities, characters, and the entities
/// that the document itself declares with a value.
struct Entities {
    declared: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes that declared entities may still expand to.
    room: usize,
}

/// Entities within entities that are expanded.
const NESTED: usize = 4;

impl Entities {
    fn new(limits: &Limits) -> Self {
        Self {
            declared: Vec::new(),
            room: limits.request_body_bytes,
        }
    }

    /// Reads `<!ENTITY name "value">`; parameter entities and external ones stay unknown.
    fn declare(&mut self, declaration: &[u8]) {
        let mut rest = declaration;
        while let Some(at) = memchr::memmem::find(rest, b"<!ENTITY") {
            rest = rest.get(at + 8..).unwrap_or_default();
            let text = rest.trim_ascii_start();
            let end = text.iter().position(u8::is_ascii_whitespace);
            let (name, after) = text.split_at(end.unwrap_or(text.len()));
            if let Some((quote @ (b'"' | b'\''), value)) = after.trim_ascii_start().split_first()
                && let Some(end) = memchr::memchr(*quote, value)
            {
                let value = value.get(..end).unwrap_or_default();
                self.declared.push((name.to_vec(), value.to_vec()));
            }
        }
    }

    /// Appends what a reference (without `&` and `;`) means; an unknown one as written.
    fn resolve(&mut self, name: &[u8], text: &mut Vec<u8>) {
        self.expand(name, text, NESTED);
    }

    fn expand(&mut self, name: &[u8], text: &mut Vec<u8>, depth: usize) {
        if let Some(letter) = character(name) {
            text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return;
        }
        let declared = self.declared.iter().find(|(known, _)| known == name);
        match declared.map(|(_, value)| value.clone()) {
            Some(value) if depth > 0 && value.len() <= self.room => {
                self.room -= value.len();
                self.text(&value, text, depth - 1);
            }
            _ => {
                text.push(b'&');
                text.extend_from_slice(name);
                text.push(b';');
            }
        }
    }

    /// Appends a text with its references expanded.
    fn text(&mut self, mut rest: &[u8], text: &mut Vec<u8>, depth: usize) {
        while let Some(at) = memchr::memchr(b'&', rest) {
            let (before, after) = rest.split_at(at);
            text.extend_from_slice(before);
            let after = after.get(1..).unwrap_or_default();
            match memchr::memchr(b';', after) {
                Some(end) => {
                    self.expand(after.get(..end).unwrap_or_default(), text, depth);
                    rest = after.get(end + 1..).unwrap_or_default();
                }
                None => {
                    text.push(b'&');
                    rest = after;
                }
            }
        }
        text.extend_from_slice(rest);
    }
}

/// A predefined entity or a character reference.
fn character(name: &[u8]) -> Option<char> {
    match name {
        b"lt" => return Some('<'),
        b"gt" => return Some('>'),
        b"amp" => return Some('&'),
        b"apos" => return Some('\''),
        b"quot" => return Some('"'),
        _ => {}
    }
    let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code)
}

/// Tells of a document type, of entities and of every quoted identifier in it.
fn doctype(declaration: &[u8], sink: &mut dyn Sink) {
    sink.anomaly(Anomaly::XmlDoctype);
    let has = |word: &[u8]| memchr::memmem::find(declaration, word).is_some();
    if has(b"<!ENTITY") || has(b"SYSTEM") || has(b"PUBLIC") {
        sink.anomaly(Anomaly::XmlEntity);
    }
    let mut rest = declaration;
    while let Some(at) = memchr::memchr2(b'"', b'\'', rest) {
        let quote = rest.get(at).copied().unwrap_or(b'"');
        let after = rest.get(at + 1..).unwrap_or_default();
        let Some(end) = memchr::memchr(quote, after) else {
            return;
        };
        sink.field(
            Kind::XmlExternal,
            b"external",
            after.get(..end).unwrap_or_default(),
        );
        rest = after.get(end + 1..).unwrap_or_default();
    }
}

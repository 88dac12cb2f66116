//! XML 1.0. Nothing that a document refers to is ever fetched.
//!
//! Texts and attribute values are decoded: the five predefined entities and
//! character references. A reference to any other entity stays as written.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;

/// Parses a whole body. After a fault, what was read so far stays.
pub(crate) fn parse(body: &[u8], limits: &Limits, sink: &mut dyn Sink) {
    let mut reader = Reader::from_reader(body);
    let mut path: Vec<u8> = Vec::new();
    let mut depth = 0_usize;
    let mut values = 0_usize;
    let mut text = Vec::new();
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
                values += attributes(&start, &path, limits, sink);
            }
            Ok(Event::Empty(start)) => {
                text.clear();
                let length = path.len();
                path.push(b'/');
                path.extend_from_slice(start.name().as_ref().as_bytes());
                values += attributes(&start, &path, limits, sink);
                path.truncate(length);
            }
            Ok(Event::End(_)) => {
                text.clear();
                depth = depth.saturating_sub(1);
                path.truncate(path.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
            }
            Ok(Event::Text(piece)) => text.extend_from_slice(piece.as_ref().as_bytes()),
            Ok(Event::CData(piece)) => text.extend_from_slice(piece.as_ref().as_bytes()),
            Ok(Event::GeneralRef(reference)) => resolve(reference.as_ref().as_bytes(), &mut text),
            Ok(Event::DocType(declaration)) => {
                text.clear();
                doctype(declaration.as_ref().as_bytes(), sink);
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

fn attributes(start: &BytesStart<'_>, path: &[u8], limits: &Limits, sink: &mut dyn Sink) -> usize {
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
        let mut rest: &[u8] = attribute.value.as_ref().as_bytes();
        while let Some(at) = memchr::memchr(b'&', rest) {
            let (before, after) = rest.split_at(at);
            value.extend_from_slice(before);
            let after = after.get(1..).unwrap_or_default();
            match memchr::memchr(b';', after) {
                Some(end) => {
                    resolve(after.get(..end).unwrap_or_default(), &mut value);
                    rest = after.get(end + 1..).unwrap_or_default();
                }
                None => {
                    value.push(b'&');
                    rest = after;
                }
            }
        }
        value.extend_from_slice(rest);
        sink.field(Kind::XmlAttribute, &name, &value);
    }
    count
}

/// A reference without `&` and `;`.
fn resolve(name: &[u8], text: &mut Vec<u8>) {
    let number = name.strip_prefix(b"#").and_then(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        char::from_u32(code)
    });
    let letter = match name {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"apos" => Some('\''),
        b"quot" => Some('"'),
        _ => number,
    };
    match letter {
        Some(letter) => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            text.push(b'&');
            text.extend_from_slice(name);
            text.push(b';');
        }
    }
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

//! XML of reports to a tree of elements: names, attributes and texts, references resolved.
//! What a document declares or refers to elsewhere is not read.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements within elements.
const XML_DEPTH: usize = 64;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// All its own text.
    pub(super) text: String,
    children: Vec<Element>,
    /// At which it begins, from 1.
    pub(super) line: usize,
}

impl Element {
    /// The root of a document.
    ///
    /// # Errors
    /// What is no XML, with the line.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        let mut lines = Lines {
            text,
            at: 0,
            line: 1,
        };
        loop {
            let event = reader.read_event();
            let line = lines.at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
            let fault = |why: String| (line, why);
            match event.map_err(|error| fault(format!("this is no XML: {error}")))? {
                Event::Start(start) => {
                    if open.len() > XML_DEPTH {
                        return Err(fault(format!(
                            "more than {XML_DEPTH} elements within each other"
                        )));
                    }
                    open.push(Self::begin(&start, line));
                }
                Event::Empty(start) => {
                    let element = Self::begin(&start, line);
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(element);
                    }
                }
                Event::End(_) => {
                    if let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) {
                        parent.children.push(element);
                    }
                }
                Event::Text(piece) => add(&mut open, piece.as_ref()),
                Event::CData(piece) => add(&mut open, piece.as_ref()),
                Event::GeneralRef(reference) => {
                    let named = match reference.as_ref() {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => None,
                    };
                    let letter = named.or_else(|| reference.resolve_char_ref().ok().flatten());
                    let letter = letter.ok_or_else(|| {
                        fault(format!(
                            "the entity `&{};` is not known",
                            reference.as_ref()
                        ))
                    })?;
                    add(&mut open, letter.encode_utf8(&mut [0; 4]));
                }
                Event::Eof if open.len() > 1 => {
                    let name = open.pop().unwrap_or_default().name;
                    return Err(fault(format!("the element `{name}` does not end")));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let root = open.pop().and_then(|mut document| document.children.pop());
        root.ok_or((1, "there is no element".to_owned()))
    }

    fn begin(start: &BytesStart<'_>, line: usize) -> Self {
        let attributes = start.attributes().flatten().map(|attribute| {
            let value = quick_xml::escape::unescape(attribute.value.as_ref()).map_or_else(
                |_| attribute.value.to_string(),
                std::borrow::Cow::into_owned,
            );
            (attribute.key.as_ref().to_owned(), value)
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            line,
            ..Self::default()
        }
    }

    /// The elements of this name right below.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The elements of this name anywhere below, in their order.
    pub(super) fn below<'e>(&'e self, name: &str, found: &mut Vec<&'e Self>) {
        for child in &self.children {
            match child.name == name {
                true => found.push(child),
                false => child.below(name, found),
            }
        }
    }

    /// The text of the first element of this name right below; empty if there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        let first = self.children.iter().find(|child| child.name == name);
        first.map_or("", |child| child.text.trim())
    }

    /// The value of an attribute; empty if it is not there.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Counts lines as the reader goes on.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, position: usize) -> usize {
        let passed = self
            .text
            .as_bytes()
            .get(self.at..position)
            .unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.at = self.at.max(position);
        self.line
    }
}

//! The syntax of regular expressions, as far as it is asked for before they are compiled:
//! whether it is right, how large they get, what they begin with, what they need.
//!
//! Most expressions of a large rule set are never compiled. To read them all is most of
//! what it takes to load, so [`read`] reads what rules are commonly written with, into one
//! piece of memory. What it does not know, faults among it, is for `regex-syntax` to judge.

mod hir;
mod read;

use regex_syntax::hir::{Hir, Look};

use crate::need::ByteSet;

/// The syntax of an expression on bytes.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The parts of nodes that have several.
    parts: Vec<Place>,
    /// The bytes of texts.
    bytes: Vec<u8>,
    root: Place,
}

/// Where a node is in its tree.
pub(crate) type Place = u32;

/// From, to.
type Span = (u32, u32);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    Empty,
    Look(Look),
    /// Bytes, one after the other; their ASCII case may be ignored.
    Text(Span, Case),
    /// One byte of a set.
    Set(ByteSet),
    /// A character beyond ASCII, of so many ranges.
    Characters(usize),
    /// So often at least, and at most.
    Repeat(Place, u32, Option<u32>),
    Capture(Place),
    Concat(Span),
    Either(Span),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Matters,
    Ignored,
}

/// Reads an expression as [`parse`] does.
///
/// # Errors
/// What `regex-syntax` has to say against it.
pub(crate) fn tree(pattern: &str) -> Result<Tree, Box<regex_syntax::Error>> {
    match read::read(pattern) {
        Some(tree) => Ok(tree),
        None => parse(pattern).map(|hir| hir::convert(&hir)),
    }
}

/// Bytes, not characters; `.` matches line ends and `^`, `$` match at them, as in ModSecurity.
///
/// # Errors
/// The expression is wrong.
pub(crate) fn parse(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(true)
        .build()
        .parse(pattern)
        .map_err(Box::new)
}

impl Tree {
    fn new() -> Self {
        Self {
            nodes: Vec::new(),
            parts: Vec::new(),
            bytes: Vec::new(),
            root: 0,
        }
    }

    fn add(&mut self, node: Node) -> Place {
        self.nodes.push(node);
        self.nodes.len() as Place - 1
    }

    pub(crate) fn root(&self) -> Place {
        self.root
    }

    pub(crate) fn node(&self, place: Place) -> Node {
        let node = self.nodes.get(place as usize);
        node.copied().unwrap_or(Node::Empty)
    }

    pub(crate) fn parts(&self, (from, to): Span) -> &[Place] {
        let parts = self.parts.get(from as usize..to as usize);
        parts.unwrap_or_default()
    }

    pub(crate) fn text(&self, (from, to): Span) -> &[u8] {
        let bytes = self.bytes.get(from as usize..to as usize);
        bytes.unwrap_or_default()
    }

    /// Bytes that the compiled expression takes, roughly: its states, forwards and backwards.
    pub(crate) fn size(&self) -> usize {
        self.size_of(self.root)
    }

    fn size_of(&self, place: Place) -> usize {
        const STATE: usize = 64;
        const RANGE: usize = 16;
        match self.node(place) {
            Node::Empty => 0,
            Node::Look(_) => STATE,
            Node::Text((from, to), Case::Matters) => ((to - from) as usize).saturating_mul(STATE),
            Node::Text((from, to), Case::Ignored) => {
                ((to - from) as usize).saturating_mul(STATE + 2 * RANGE)
            }
            Node::Set(set) => STATE + set.ranges() * RANGE,
            // A character is up to four bytes.
            Node::Characters(ranges) => STATE.saturating_add(ranges.saturating_mul(4 * RANGE)),
            Node::Repeat(part, least, most) => {
                let copies = most.unwrap_or_else(|| least.saturating_add(1));
                self.size_of(part)
                    .saturating_add(STATE)
                    .saturating_mul(copies.max(1) as usize)
            }
            Node::Capture(part) => self.size_of(part).saturating_add(2 * STATE),
            Node::Concat(parts) | Node::Either(parts) => self
                .parts(parts)
                .iter()
                .fold(STATE, |sum, &part| sum.saturating_add(self.size_of(part))),
        }
    }

    /// A text in ASCII lower case with which some line of whatever matches begins, and whether
    /// whatever begins with it matches.
    pub(crate) fn start(&self) -> Option<(Vec<u8>, bool)> {
        let Node::Concat(parts) = self.node(self.root) else {
            return None;
        };
        let (&first, parts) = self.parts(parts).split_first()?;
        let Node::Look(Look::StartLF | Look::Start) = self.node(first) else {
            return None;
        };
        let mut start = Vec::new();
        let mut whole = true;
        for &part in parts {
            let (text, case) = match self.node(part) {
                Node::Text(text, case) => (self.text(text).to_ascii_lowercase(), case),
                Node::Set(set) => match (set.len(), set.folded().len()) {
                    (1, _) => (set.folded().iter().collect(), Case::Matters),
                    (2, 1) => (set.folded().iter().collect(), Case::Ignored),
                    _ => {
                        whole = false;
                        break;
                    }
                },
                _ => {
                    whole = false;
                    break;
                }
            };
            whole &= case == Case::Ignored || !text.iter().any(u8::is_ascii_alphabetic);
            start.extend(text);
        }
        (!start.is_empty()).then_some((start, whole))
    }
}

#[cfg(test)]
mod tests;

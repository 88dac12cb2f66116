//! `%{VARIABLE}` in texts.

use std::borrow::Cow;

use super::evaluate::Run;
use crate::language::variables::Variable;
use crate::plan::ir::{Piece, Selector, Target, Text};

impl Run<'_> {
    /// The text with its macros expanded, as far as it is UTF-8.
    pub(super) fn expand_text(&mut self, text: &Text) -> String {
        String::from_utf8_lossy(&self.expand(text)).into_owned()
    }

    /// The text with its macros expanded.
    pub(super) fn expand<'t>(&mut self, text: &'t Text) -> Cow<'t, [u8]> {
        let pieces = match text {
            Text::Plain(plain) => return Cow::Borrowed(plain.as_bytes()),
            Text::Template(_, pieces) => pieces,
        };
        let mut expanded = self.kept.buffers.pop().unwrap_or_default();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => expanded.extend_from_slice(literal.as_bytes()),
                Piece::Variable(Variable::Tx, Some(name)) => {
                    let value = self.tx().get(self.names.named(name.as_bytes()), self.names);
                    expanded.extend_from_slice(value.unwrap_or_default());
                }
                Piece::Variable(variable, member) => {
                    let selector = match member {
                        Some(name) => Selector::Name(Text::Plain(name.clone())),
                        None => Selector::All,
                    };
                    let target = Target {
                        variable: *variable,
                        counted: false,
                        excluded: false,
                        selector,
                        name: None,
                    };
                    let mut found = Vec::new();
                    self.members(&target, false, &mut found);
                    if let Some(first) = found.first() {
                        expanded.extend_from_slice(self.values.get(first.value));
                    }
                }
            }
        }
        Cow::Owned(expanded)
    }

    /// Takes back the memory of a text that was expanded.
    pub(super) fn recycle(&mut self, text: Cow<'_, [u8]>) {
        /// Buffers that are kept, and bytes of each.
        const KEEP: (usize, usize) = (8, 4096);
        if let Cow::Owned(mut buffer) = text
            && self.kept.buffers.len() < KEEP.0
            && buffer.capacity() <= KEEP.1
        {
            buffer.clear();
            self.kept.buffers.push(buffer);
        }
    }
}

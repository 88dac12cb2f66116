//! `%{VARIABLE}` in texts.

use super::evaluate::Run;
use crate::plan::ir::{Piece, Selector, Target, Text};

impl Run<'_> {
    /// The text with its macros expanded, as far as it is UTF-8.
    pub(super) fn expand_text(&mut self, text: &Text) -> String {
        String::from_utf8_lossy(&self.expand(text)).into_owned()
    }

    pub(super) fn expand(&mut self, text: &Text) -> Vec<u8> {
        let pieces = match text {
            Text::Plain(plain) => return plain.as_bytes().to_vec(),
            Text::Template(_, pieces) => pieces,
        };
        let mut expanded = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => expanded.extend_from_slice(literal.as_bytes()),
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
                    };
                    let mut found = Vec::new();
                    self.members(&target, &mut found);
                    if let Some(first) = found.first() {
                        expanded.extend_from_slice(self.values.get(first.value));
                    }
                }
            }
        }
        expanded
    }
}

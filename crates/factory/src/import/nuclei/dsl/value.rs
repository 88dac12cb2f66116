//! Values of expressions: bytes, and what is known of where they come from.

use crate::Origin;

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in super::super) struct Value {
    /// As it stands in a request.
    pub(in super::super) bytes: Vec<u8>,
    /// Whether it was made as a text, so that `+` joins it.
    pub(in super::super) text: bool,
    /// Its items, where it is a list.
    pub(super) items: Vec<Vec<u8>>,
    /// Set if some of it is chance, or of the target.
    pub(in super::super) origin: Option<Origin>,
}

impl Value {
    pub(in super::super) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            text: true,
            items: Vec::new(),
            origin: None,
        }
    }

    /// A list; in a request it would stand in brackets.
    pub(super) fn list(items: Vec<Vec<u8>>) -> Self {
        Self {
            bytes: [b"[", &items.join(&b' ')[..], b"]"].concat(),
            text: true,
            items,
            origin: None,
        }
    }

    pub(super) fn of_number(number: f64) -> Self {
        // Whole numbers are written without a fraction.
        let text = match number.fract() == 0.0 && number.abs() < 1e15 {
            true => format!("{number:.0}"),
            false => number.to_string(),
        };
        Self {
            bytes: text.into_bytes(),
            text: false,
            items: Vec::new(),
            origin: None,
        }
    }

    pub(in super::super) fn from(mut self, origin: Option<Origin>) -> Self {
        self.origin = self.origin.or(origin);
        self
    }

    pub(super) fn number(&self) -> Option<f64> {
        std::str::from_utf8(&self.bytes).ok()?.trim().parse().ok()
    }
}

//! Lists of targets by number, so that rules that look at the same values select them once.
//!
//! A detector is several rules about one place, and many patches look at the same one.

use std::collections::HashMap;

use super::ir::{Program, Selector, Target, Text};
use super::query::is_text;
use crate::language::variables::Variable;

/// The lists that were met so far.
#[derive(Default)]
pub(super) struct Selections(HashMap<Vec<Key>, u32>);

/// A target, as far as it decides which values are meant.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    variable: Variable,
    excluded: bool,
    selector: Option<By>,
}

/// The numbers that names and expressions have in the plan.
#[derive(PartialEq, Eq, Hash)]
enum By {
    Name(u32),
    Pattern(u32),
}

impl Selections {
    /// Numbers the lists of a patch whose names are numbered.
    pub(super) fn number(&mut self, program: &mut Program) {
        for link in program.links_mut() {
            let keys: Option<Vec<Key>> = link.targets.iter().map(Key::of).collect();
            if let Some(keys) = keys {
                let next = self.0.len() as u32;
                link.selection = Some(*self.0.entry(keys).or_insert(next));
            }
        }
    }
}

impl Key {
    /// None: what the target means may change within a phase.
    fn of(target: &Target) -> Option<Self> {
        if target.counted || !is_text(target.variable) {
            return None;
        }
        let selector = match &target.selector {
            Selector::All => None,
            Selector::Name(Text::Plain(_)) => Some(By::Name(target.name?)),
            Selector::Pattern(_) => Some(By::Pattern(target.name?)),
            Selector::Name(Text::Template(..)) | Selector::Path(..) => return None,
        };
        Some(Self {
            variable: target.variable,
            excluded: target.excluded,
            selector,
        })
    }
}

//! Names of members that rules ask for, and expressions for names, by number: so that one
//! comparison tells whether a member is meant, and what an expression said can be remembered.

use std::sync::Arc;

use hashbrown::HashMap;

use super::ir::{Program, Selector, Text};
use super::query::LONGEST_NAME;

/// The names that rules of a plan ask for, case ignored.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<[u8]>, u32>,
    /// By place in memory.
    patterns: HashMap<usize, u32>,
}

impl Names {
    /// Numbers the names and expressions that the program asks for. Programs are kept until all
    /// have been learnt, so that no two expressions have the same place.
    pub(crate) fn learn(&mut self, program: &mut Program) {
        for target in program.links_mut().flat_map(|link| &mut link.targets) {
            match &target.selector {
                Selector::Name(Text::Plain(name)) if name.len() <= LONGEST_NAME => {
                    let next = self.numbers.len() as u32;
                    let name = name.to_ascii_lowercase().into_bytes().into();
                    target.name = Some(*self.numbers.entry(name).or_insert(next));
                }
                Selector::Pattern(pattern) => {
                    let next = self.patterns.len() as u32;
                    let place = Arc::as_ptr(pattern).addr();
                    target.name = Some(*self.patterns.entry(place).or_insert(next));
                }
                _ => {}
            }
        }
    }

    /// The number of a name; none if no rule asks for it.
    pub(crate) fn number(&self, name: &[u8]) -> Option<u32> {
        let mut folded = [0; LONGEST_NAME];
        let folded = folded.get_mut(..name.len())?;
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        self.numbers.get(&*folded).copied()
    }
}

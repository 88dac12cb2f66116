//! Names of members that rules ask for, by number, so that one comparison tells whether a
//! member is meant.

use hashbrown::HashMap;

use super::ir::{Program, Selector, Step, Text};
use super::query::LONGEST_NAME;

/// The names that rules of a plan ask for, case ignored.
#[derive(Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<[u8]>, u32>,
}

impl Names {
    /// Numbers the names that the program asks for.
    pub(crate) fn learn(&mut self, program: &mut Program) {
        let links = program.phases.iter_mut().flatten();
        let links = links.flat_map(|step| match step {
            Step::Rule(rule) => rule.links.as_mut_slice(),
            Step::Marker(_) => &mut [],
        });
        for target in links.flat_map(|link| &mut link.targets) {
            if let Selector::Name(Text::Plain(name)) = &target.selector
                && name.len() <= LONGEST_NAME
            {
                let next = self.numbers.len() as u32;
                let name = name.to_ascii_lowercase().into_bytes().into();
                target.name = Some(*self.numbers.entry(name).or_insert(next));
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

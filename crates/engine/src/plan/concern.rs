//! What of a patch a request is asked first, side by side for the patches of a route.
//!
//! PERF: hundreds of patches may share a path, and each of them lies elsewhere in memory: to ask
//! whether a parameter is there took five lines of the processor's cache, and now less than half
//! of one.

use std::collections::HashMap;

use super::Patch;
use super::glance::{Clue, Glance, Glances, Needed, Reader, Sight};
use super::interest::Interest;
use super::params::Keys;
use crate::language::variables::VariableSet;
use crate::request::RequestHead;
use crate::transaction::Oversize;

/// A patch that concerns a request, or may.
#[derive(Clone, Copy)]
pub(crate) struct Concern {
    /// Its place among the plan's.
    pub(crate) patch: u32,
    /// The number of its manner.
    manner: u32,
    pub(crate) clue: Clue,
    /// Of the fields of a body that it looks at.
    pub(crate) fields: Keys,
}

/// What patches do with a request: few do it in ways of their own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Manner {
    /// What its rules look at.
    pub(crate) used: VariableSet,
    /// What of the body is held, and what is done with a larger one.
    pub(crate) body: Option<(usize, Oversize)>,
    /// A bit of each phase in which it has something to do.
    phases: u8,
}

impl Manner {
    fn of(patch: &Patch, all: VariableSet) -> Self {
        let interest = patch.interest.as_ref();
        let program = &patch.program;
        let acts_in =
            |phase: &u8| program.runs_in(*phase) || *phase == 4 && program.limits_response();
        let phases = (1..=5).filter(acts_in);
        Self {
            used: interest.map_or(all, |interest| interest.used),
            body: patch.body_bytes.map(|bytes| (bytes, patch.oversize)),
            phases: phases.fold(0, |bits, phase| bits | 1 << phase),
        }
    }

    pub(crate) fn acts_in(&self, phase: u8) -> bool {
        self.phases >> phase & 1 == 1
    }
}

/// What concerns point to.
#[derive(Default)]
pub(crate) struct Concerns {
    manners: Vec<Manner>,
    needed: Vec<Option<Needed>>,
    glances: Vec<Glance>,
}

impl Concerns {
    /// With the concern of each patch, in their order; `glances` has one of each.
    pub(crate) fn of(
        patches: &[Patch],
        all: VariableSet,
        glances: Glances,
    ) -> (Self, Vec<Concern>) {
        let (glances, numbers) = glances.settle();
        let (clues, needed) = Clue::of(&glances, &numbers);
        let mut manners = Vec::new();
        let mut known = HashMap::new();
        let mut of = |(at, (patch, clue)): (usize, (&Patch, Clue))| {
            let manner = Manner::of(patch, all);
            let number = *known.entry(manner).or_insert_with_key(|manner| {
                manners.push(manner.clone());
                manners.len() - 1
            });
            Concern {
                patch: at as u32,
                manner: number as u32,
                clue,
                fields: patch.interest.as_ref().map_or(Keys::ANY, Interest::keys),
            }
        };
        let patches = patches.iter().zip(clues).enumerate();
        let concerns = patches.map(&mut of).collect();
        let all = Self {
            manners,
            needed,
            glances,
        };
        (all, concerns)
    }

    pub(crate) fn manner(&self, concern: &Concern) -> Option<&Manner> {
        self.manners.get(concern.manner as usize)
    }

    /// Whether the head does not rule the patch out.
    pub(crate) fn admits(
        &self,
        concern: &Concern,
        head: &RequestHead<'_>,
        sight: &mut Sight,
        reader: &Reader<'_>,
    ) -> bool {
        let Clue { glance, shared, .. } = concern.clue;
        let Some(number) = glance else {
            return true;
        };
        // PERF: patches for every path are of few kinds; each is asked once.
        if shared && let Some(answer) = sight.said.of(number) {
            return answer;
        }
        let glance = || self.glance(concern);
        let answer = concern.clue.is_in(head, sight, &self.needed, reader)
            && glance().is_none_or(|glance| glance.looks(head, sight, reader));
        if shared {
            sight.said.add(number, answer);
        }
        answer
    }

    /// None: nothing rules the patch out.
    pub(crate) fn glance(&self, concern: &Concern) -> Option<&Glance> {
        self.glances.get(concern.clue.glance? as usize)
    }
}

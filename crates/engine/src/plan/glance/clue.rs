//! What rules most patches out, without a look at what they ask.

use std::collections::HashMap;

use super::{
    Ask, BODY, FAULT, Glance, HEADER, HELD, LINE, NAMES, POSTED, Reader, Shown, Sight, Spot,
};
use crate::plan::params::Keys;
use crate::plan::signature::{Decoding, Signature};
use crate::request::RequestHead;

/// What most heads show to be missing, before the glance itself is asked.
#[derive(Clone, Copy)]
pub(crate) struct Clue {
    /// The number of its glance; none: no head rules the patch out.
    pub(in crate::plan) glance: Option<u32>,
    /// The number of what its rules need of a target.
    needed: u32,
    /// Of the names of parameters that are looked at first.
    keys: Keys,
    kinds: u8,
    /// Whether other patches have this glance too.
    pub(in crate::plan) shared: bool,
}

/// What a target must show for a rule to match, if nothing but the target could.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Needed {
    bits: Signature,
    does: Decoding,
    part: Part,
}

/// Of a target, from what is read first to all of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Path,
    /// The path, and the target as received.
    Line,
    /// Parameters too, which a body may also hold.
    Params,
}

impl Part {
    /// None: it is of no target.
    fn of(spot: &Spot) -> Option<Self> {
        match spot {
            Spot::Path => Some(Self::Path),
            Spot::Raw => Some(Self::Line),
            Spot::Names(_) | Spot::EveryName => Some(Self::Params),
            _ => None,
        }
    }
}

impl Clue {
    /// Of each patch, whose glance has this number; with what these need.
    pub(crate) fn of(
        glances: &[Glance],
        numbers: &[Option<u32>],
    ) -> (Vec<Self>, Vec<Option<Needed>>) {
        let mut uses: HashMap<u32, u32> = HashMap::new();
        for number in numbers.iter().flatten() {
            *uses.entry(*number).or_default() += 1;
        }
        let mut needed = Vec::new();
        let mut known = HashMap::new();
        let mut clue = |number: &Option<u32>| {
            let glance = number.and_then(|number| glances.get(number as usize));
            let own = glance.and_then(Glance::needs);
            let at = *known.entry(own).or_insert_with(|| {
                needed.push(own);
                needed.len() - 1
            });
            Self {
                glance: *number,
                needed: at as u32,
                keys: glance.map_or(Keys::ANY, Glance::keys),
                kinds: glance.map_or(u8::MAX, |glance| {
                    glance.kinds | if glance.holds_body { HELD } else { 0 }
                }),
                shared: number
                    .is_some_and(|number| uses.get(&number).is_some_and(|&uses| uses > 1)),
            }
        };
        (numbers.iter().map(&mut clue).collect(), needed)
    }

    /// Whether the head may be one that the glance admits.
    ///
    /// PERF: most patches of a path ask for parameters, or a fault, where there are none, or for
    /// bytes that the target has nowhere.
    pub(in crate::plan) fn is_in(
        &self,
        head: &RequestHead<'_>,
        sight: &mut Sight,
        needed: &[Option<Needed>],
        reader: &Reader<'_>,
    ) -> bool {
        let kinds = self.kinds & sight.kinds;
        if kinds == 0 {
            return false;
        }
        if !head.bodiless && self.kinds & HELD != 0 {
            return true;
        }
        if head.bodiless && kinds == NAMES && !sight.read_params(head, reader).may_have(&self.keys)
        {
            return false;
        }
        let needed = needed.get(self.needed as usize).copied().flatten();
        needed.is_none_or(|Needed { bits, does, part }| {
            let shows = sight.shows(part, head, reader);
            shows.is_none_or(|shows| does.may_show(shows, bits))
        })
    }

    /// Whether a phase that sees this may find a value, as far as its places tell.
    pub(crate) fn may_find(&self, shown: &Shown) -> bool {
        let there = LINE
            | HEADER
            | NAMES
            | if shown.fault { FAULT } else { 0 }
            | if shown.body { BODY | POSTED } else { 0 };
        match self.kinds & there {
            0 => false,
            kinds if kinds & !(NAMES | POSTED) == 0 => self.keys.may_be_in(shown.names),
            _ => true,
        }
    }
}

impl Glance {
    /// Of the names of parameters of which one must be there.
    fn keys(&self) -> Keys {
        let spots = self.groups.iter().flat_map(|group| &group.spots);
        Keys::of(spots.filter_map(|spot| match spot {
            Spot::Names(wanted) | Spot::BodyNames(wanted) => Some(&**wanted),
            Spot::EveryName => Some(&[][..]),
            _ => None,
        }))
    }

    /// What each of its rules needs of the target; none: one of them needs nothing of it.
    fn needs(&self) -> Option<Needed> {
        let part = |ask: &Ask, group| {
            let parts = ask.spots_of(group).iter().map(Part::of);
            parts.reduce(|one, other| Some(one?.max(other?))).flatten()
        };
        let both = |one: Needed, other: Needed| Needed {
            bits: one.bits & other.bits,
            does: one.does.with(other.does),
            part: one.part.max(other.part),
        };
        let mut needed: Option<Needed> = None;
        for group in &self.groups {
            if group.open {
                return None;
            }
            for asks in group.rules() {
                let mut asks = asks.iter().filter(|ask| ask.bits != 0);
                // One says enough.
                let own = asks.find_map(|ask| {
                    Some(Needed {
                        bits: ask.bits,
                        does: ask.does,
                        part: part(ask, group)?,
                    })
                })?;
                needed = Some(needed.map_or(own, |known| both(known, own)));
            }
        }
        needed.filter(|needed| needed.bits != 0)
    }
}

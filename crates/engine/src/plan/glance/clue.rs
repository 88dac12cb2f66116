//! What rules most patches out, without a look at what they ask.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Glance, HELD, NAMES, Reader, Sight, Spot};
use crate::plan::params::{self, Bloom};
use crate::request::RequestHead;

/// What most heads show to be missing, before the glance itself is asked.
#[derive(Clone, Copy)]
pub(crate) struct Clue {
    kinds: u8,
    /// Bits of the names of parameters, one of which must be there; none: any name may do.
    names: Option<Bloom>,
    /// The glance's number, if patches share it.
    pub(super) shared: Option<u32>,
}

impl Clue {
    /// Of a patch that no head rules out.
    const NONE: Self = Self {
        kinds: u8::MAX,
        names: None,
        shared: None,
    };

    /// Of each patch's glance, in their order.
    pub(crate) fn of<'g>(glances: impl Iterator<Item = Option<&'g Arc<Glance>>>) -> Vec<Self> {
        let mut numbers = HashMap::new();
        let clue = |glance: Option<&Arc<Glance>>| {
            let Some(glance) = glance else {
                return Self::NONE;
            };
            let next = numbers.len() as u32;
            let mut number = || *numbers.entry(Arc::as_ptr(glance).addr()).or_insert(next);
            Self {
                kinds: glance.kinds | if glance.holds_body { HELD } else { 0 },
                names: glance.names(),
                shared: (Arc::strong_count(glance) > 1).then(&mut number),
            }
        };
        glances.map(clue).collect()
    }

    /// Whether the head may be one that the glance admits.
    ///
    /// PERF: most patches of a path ask for parameters, or a fault, where there are none.
    pub(crate) fn is_in(
        &self,
        head: &RequestHead<'_>,
        sight: &mut Sight,
        reader: &Reader<'_>,
    ) -> bool {
        let kinds = self.kinds & sight.kinds;
        match self.names {
            Some(names) if kinds == NAMES && head.bodiless => {
                sight.read_params(head, reader).share(names)
            }
            _ => kinds != 0,
        }
    }
}

impl Glance {
    /// Bits of the names of parameters that it may look at, one of each; none: of any name.
    fn names(&self) -> Option<Bloom> {
        let spots = self.groups.iter().flat_map(|group| &group.spots);
        let mut bits = Bloom::default();
        for spot in spots {
            match spot {
                Spot::Names(wanted) => bits.join(params::telling(wanted)?),
                Spot::EveryName => return None,
                _ => {}
            }
        }
        Some(bits)
    }
}

//! Variants of an exploit that an application might take for the same request.
//!
//! They are candidates: whether one really works is for a live, unpatched
//! application to say. The catalogue has one file for each place of a request and for
//! each class of attacks; `docs/evasions.md` is made of it.

mod body_coding;
mod catalogue;
mod charset;
mod class;
mod cookie;
mod fields;
mod framing;
mod header;
mod json;
mod moved;
mod multipart;
mod parameters;
mod path;
mod reference;
mod text;
mod xml;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::request::Request;
pub use catalogue::{Evasion, Group, all};
pub use reference::reference;

/// A variant of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// What was changed; of two changes the first one first.
    pub name: String,
    /// The changed request.
    pub request: Request,
}

/// Between the names of two evasions.
const THEN: &str = ", then ";
/// Compositions of one request at most.
const COMPOSED: usize = 5_000;

/// The request changed by each evasion of the catalogue, none of them equal to it or to
/// each other.
pub fn evasions(request: &Request) -> Vec<Variant> {
    let mut seen = HashSet::from([mark(request)]);
    all()
        .filter_map(|evasion| {
            let changed = evasion.apply(request)?;
            seen.insert(mark(&changed)).then(|| Variant {
                name: evasion.name.to_owned(),
                request: changed,
            })
        })
        .collect()
}

/// Some of a request's variants changed once more, each when it is asked for: padded ones
/// are large. Of more than the bound allows, every so many a one is taken.
pub fn compositions<'v>(
    request: &'v Request,
    variants: &'v [Variant],
) -> impl Iterator<Item = Variant> + 'v {
    let single = evasions(request);
    let mut seen: HashSet<u64> = single.iter().map(|each| mark(&each.request)).collect();
    seen.insert(mark(request));
    let pairs = variants.len() * all().count();
    let step = pairs.div_ceil(COMPOSED).max(1);
    variants
        .iter()
        .flat_map(|first| all().map(move |second| (first, second)))
        .step_by(step)
        .filter(|(first, second)| first.name != second.name)
        .filter_map(move |(first, second)| {
            let changed = second.apply(&first.request)?;
            seen.insert(mark(&changed)).then(|| Variant {
                name: format!("{}{THEN}{}", first.name, second.name),
                request: changed,
            })
        })
}

/// The variant of a name, as it was given out.
pub fn variant(request: &Request, name: &str) -> Option<Request> {
    let apply = |request: &Request, name: &str| {
        let evasion = all().find(|evasion| evasion.name == name)?;
        evasion.apply(request)
    };
    match name.split_once(THEN) {
        Some((first, second)) => apply(&apply(request, first)?, second),
        None => apply(request, name),
    }
}

fn mark(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    hasher.finish()
}

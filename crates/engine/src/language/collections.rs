//! The collections that outlive a transaction, by name.

use super::nearest::unknown;
use crate::plan::ir::Collection;

const ALL: [(&str, Collection); 5] = [
    ("GLOBAL", Collection::Global),
    ("IP", Collection::Ip),
    ("RESOURCE", Collection::Resource),
    ("SESSION", Collection::Session),
    ("USER", Collection::User),
];

impl Collection {
    /// As rules write it.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter()
            .find(|(_, collection)| *collection == self)
            .map_or("", |(name, _)| name)
    }
}

/// The collection of that name, case ignored.
///
/// # Errors
/// "unknown", with the nearest known one.
pub(crate) fn find(name: &str) -> Result<Collection, String> {
    ALL.iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, collection)| *collection)
        .ok_or_else(|| {
            let names = ALL.iter().map(|(name, _)| *name).chain(["TX"]);
            unknown("collection", name, names)
        })
}

/// `ip.score` or `IP:score` as collection and name.
pub(crate) fn member(path: &str) -> Option<(&str, &str)> {
    let (collection, name) = path.split_once(['.', ':'])?;
    Some((collection.trim(), name.trim()))
}

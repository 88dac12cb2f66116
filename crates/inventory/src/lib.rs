//! What there is to patch: importers of assets, what differs between what is known and what was
//! found, and what is missing.
//!
//! No I/O and no clock: the text of a source and the time come in, assets go out. What a source
//! does not tell is absent, and what was known of it stays.

mod diff;
mod field;
mod gaps;
pub mod import;
mod limits;
mod merge;
mod name;

pub use diff::{Change, Difference, differences};
pub use gaps::{Gap, GapKind, gaps, nameless};
pub use import::{Found, Importer, Options, Part, Reached, importers, named, reached};
pub use limits::Limits;
pub use merge::merged;
pub use name::{Named, Unsure, settled};

/// What is run on a host to tell of it; [`import`] reads its output as `collection`.
pub const COLLECT: &str = include_str!("collect.sh");

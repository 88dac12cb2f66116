//! Virtual patch documents: from YAML to what an ingress point enforces.
//!
//! 1. [`Source::parse`] reads one document; every fault has a line and a column.
//! 2. [`compile()`] turns its rules into SecLang syntax trees and a scope
//!    ([`Compiled`]); nothing else is enforced than what [`explain()`] prints.
//! 3. [`prove`] runs the document's cases and their evasions on the engine.
//! 4. [`lint()`] says what keeps a document from being used.
//!
//! Nothing here opens a connection or knows the time; files are read by [`load`] alone.

mod case;
mod compile;
mod detectors;
pub mod document;
mod evasion;
mod explain;
pub mod har;
mod lint;
pub mod load;
mod problem;
pub mod prove;
pub mod refine;
mod request;
mod schema;

pub use case::{Expected, Reply};
pub use compile::{Compiled, compile};
pub use detectors::{Detector, all as detectors};
pub use document::{Document, Source};
pub use evasion::{
    Evasion, Group, Variant, all as catalogue, compositions, evasions, reference, variant,
};
pub use explain::{Condition, Explained, Explanation, explain};
pub use lint::lint;
pub use problem::{Level, Problem};
pub use request::{Request, next_line, percent_encoded};
pub use schema::schema;

//! What is known of vulnerabilities, and which of the installed software it concerns.
//!
//! No I/O and no clock: the text of a source comes in, what it says goes out. Versions are
//! ordered as their ecosystem orders them, never as strings; what cannot be ordered is said to
//! be unknown.

pub mod assess;
mod limits;
mod matching;
mod merge;
mod package;
pub mod read;
pub mod version;

pub use limits::Limits;
pub use matching::{Index, Matched};
pub use merge::News;

//! What crosses a process: versioned shapes, and nothing else.
//!
//! Whatever is stored or sent carries its version, and an old specimen in
//! `testdata/` that every later reader must open.

mod event;

pub use event::{Action, Event, EventMatch, ReadError};

//! Long runs: nothing is lost, nothing leaks, nothing stalls.
//!
//! A process of their own, and one test at a time, since memory and descriptors of the whole
//! process are measured.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod broken;
mod process;
mod swaps;

#[path = "../all/support.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

//! The factory, from sources to what its patches stop.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod advisories;
mod nuclei;
mod reference;
mod rules;
mod sources;
mod support;
mod synthesis;

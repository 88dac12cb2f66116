//! The contract of the REST API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod campaign_pages;
mod campaigns;
mod changes;
mod console;
mod console_work;
mod due;
mod errors;
mod exception_pages;
mod fleet;
mod fleet_access;
mod harness;
mod listening;
mod oidc;
mod openapi;
mod stop;
mod telling;
mod workflow;

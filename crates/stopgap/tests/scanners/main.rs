//! Scanners and exploitation tools that attackers use, against vulnerable applications:
//! what they find and read directly, they must neither find nor read through the gateway.
//!
//! `cargo xtask test` installs the tools.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../support/demo.rs"]
mod demo;
mod sqlmap;
mod tool;
mod wapiti;

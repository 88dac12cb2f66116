//! `@within`

use super::{Build, Hit, Spec};

/// `@within`
pub(super) const SPEC: Spec = Spec {
    name: "within",
    summary: "the argument contains the value",
    argument: "text that holds every allowed value",
    example: "@within GET,POST,HEAD",
    build: Build::Plain(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    hit.span = Some(0..input.len());
    memchr::memmem::find(argument, input).is_some()
}

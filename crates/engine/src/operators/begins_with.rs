//! `@beginsWith`

use super::{Build, Hit, Spec};

/// `@beginsWith`
pub(super) const SPEC: Spec = Spec {
    name: "beginsWith",
    summary: "the value begins with the argument",
    argument: "text",
    example: "@beginsWith /admin",
    build: Build::Containing(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    hit.span = Some(0..argument.len().min(input.len()));
    input.starts_with(argument)
}

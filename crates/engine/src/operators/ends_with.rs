//! `@endsWith`

use super::{Build, Hit, Spec};

/// `@endsWith`
pub(super) const SPEC: Spec = Spec {
    name: "endsWith",
    summary: "the value ends with the argument",
    argument: "text",
    example: "@endsWith .php",
    build: Build::Containing(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    hit.span = Some(input.len().saturating_sub(argument.len())..input.len());
    input.ends_with(argument)
}

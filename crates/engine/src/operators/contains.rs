//! `@contains`

use super::{Build, Hit, Spec};

/// `@contains`
pub(super) const SPEC: Spec = Spec {
    name: "contains",
    summary: "the value contains the argument",
    argument: "text",
    example: "@contains <script",
    build: Build::Containing(matches),
};

pub(super) fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    let found = memchr::memmem::find(input, argument);
    hit.span = found.map(|start| start..start + argument.len());
    found.is_some()
}

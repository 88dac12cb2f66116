//! `@unconditionalMatch`

use super::{Build, Hit, Spec};

/// `@unconditionalMatch`
pub(super) const SPEC: Spec = Spec {
    name: "unconditionalMatch",
    summary: "every value matches",
    argument: "",
    example: "@unconditionalMatch",
    build: Build::Plain(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    hit.span = Some(0..input.len());
    let _ = argument;
    true
}

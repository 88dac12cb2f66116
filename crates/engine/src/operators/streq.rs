//! `@streq`

use super::{Build, Hit, Spec};

/// `@streq`
pub(super) const SPEC: Spec = Spec {
    name: "streq",
    summary: "the value equals the argument",
    argument: "text",
    example: "@streq POST",
    build: Build::Containing(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    hit.span = Some(0..input.len());
    argument == input
}

//! `@noMatch`

use super::{Build, Hit, Spec};

/// `@noMatch`
pub(super) const SPEC: Spec = Spec {
    name: "noMatch",
    summary: "no value matches",
    argument: "",
    example: "@noMatch",
    build: Build::Plain(matches),
};

fn matches(argument: &[u8], input: &[u8], hit: &mut Hit) -> bool {
    let _ = (argument, input, hit);
    false
}

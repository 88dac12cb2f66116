//! `@strmatch`

use super::{Build, Spec};

/// `@strmatch`
pub(super) const SPEC: Spec = Spec {
    name: "strmatch",
    summary: "the value contains the argument, as @contains",
    argument: "text",
    example: "@strmatch WebZIP",
    build: Build::Containing(super::contains::matches),
};

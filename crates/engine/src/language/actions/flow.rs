//! Actions that say which rule comes next.

use super::{Apply, Spec, number};

/// `chain`
pub(super) const CHAIN: Spec = Spec {
    name: "chain",
    argument: "",
    summary: "the next rule belongs to this one: both must match",
    example: "chain",
    apply: Apply::Bare(|to| to.chain = true),
};

/// `skip`
pub(super) const SKIP: Spec = Spec {
    name: "skip",
    argument: "a number",
    summary: "leaves out so many of the rules that follow; a chain is one",
    example: "skip:2",
    apply: Apply::With(|to, argument| {
        to.skip = number(argument)?;
        Ok(())
    }),
};

/// `skipAfter`
pub(super) const SKIP_AFTER: Spec = Spec {
    name: "skipAfter",
    argument: "a marker's name",
    summary: "goes on after that marker, in the same phase",
    example: "skipAfter:END-LOGIN",
    apply: Apply::With(|to, argument| {
        to.skip_after = Some(argument.to_owned());
        Ok(())
    }),
};

//! Directives with a syntax of their own, which the parser reads.

use super::{Apply, Spec};

/// `SecRule`
pub(super) const RULE: Spec = Spec {
    name: "SecRule",
    argument: "targets, an operator, and perhaps actions",
    summary: "asks the operator of each value that the targets select, and acts if it says yes",
    example: "SecRule ARGS \"@contains union\" \"id:1,phase:2,deny\"",
    apply: Apply::Syntax,
};

/// `SecAction`
pub(super) const ACTION: Spec = Spec {
    name: "SecAction",
    argument: "actions",
    summary: "acts without asking",
    example: "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.score=0\"",
    apply: Apply::Syntax,
};

/// `SecDefaultAction`
pub(super) const DEFAULT_ACTION: Spec = Spec {
    name: "SecDefaultAction",
    argument: "actions, among them a phase and a disruptive one",
    summary: "what later rules of that phase do where they say nothing else",
    example: "SecDefaultAction \"phase:2,log,deny,status:403\"",
    apply: Apply::Syntax,
};

/// `SecMarker`
pub(super) const MARKER: Spec = Spec {
    name: "SecMarker",
    argument: "a name",
    summary: "where `skipAfter` of that name goes on",
    example: "SecMarker END-LOGIN",
    apply: Apply::Syntax,
};

/// `Include`
pub(super) const INCLUDE: Spec = Spec {
    name: "Include",
    argument: "a file or a pattern with `*`, relative to the file in which it stands",
    summary: "reads other files in its place; an error if there is none",
    example: "Include rules/*.conf",
    apply: Apply::Syntax,
};

/// `IncludeOptional`
pub(super) const INCLUDE_OPTIONAL: Spec = Spec {
    name: "IncludeOptional",
    argument: "as Include",
    summary: "as Include, where there may be no such file",
    example: "IncludeOptional local/*.conf",
    apply: Apply::Syntax,
};

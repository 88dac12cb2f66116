//! What a rule asks of a value. One file an operator, one line in [`ALL`].

mod begins_with;
mod compare;
mod contains;
mod detect_sqli;
mod detect_xss;
mod ends_with;
mod no_match;
mod pm;
mod rx;
mod streq;
mod unconditional_match;
mod within;

use std::ops::Range;

/// An operator as rules name it.
pub struct Spec {
    /// Without the `@`; names compare without regard to case.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What the argument is; empty if it takes none.
    pub argument: &'static str,
    /// An argument or a whole operator expression that shows its use.
    pub example: &'static str,
    /// How it is made.
    pub build: Build,
}

/// How an operator comes from its argument.
pub enum Build {
    /// A plain function of (argument, input). The argument may hold macros,
    /// which are expanded before the call.
    Plain(fn(&[u8], &[u8], &mut Hit) -> bool),
    /// Made once, when the plan is compiled, from an argument without macros.
    Compiled(fn(&Arguments<'_>) -> Result<Box<dyn Operator>, String>),
    /// Known, and not for this place; the text says why and what to use instead.
    Refused(&'static str),
}

/// What a compiled operator is made from.
pub struct Arguments<'a> {
    /// As written in the rule.
    pub text: &'a str,
    /// Bounds for regular expressions.
    pub limits: &'a crate::Limits,
    /// Reads the files that `@pmFromFile` and the like name.
    pub resources: &'a dyn Resources,
    /// The file in which the rule stands, for relative names.
    pub source: &'a str,
}

/// Reads the data files that rules name. The engine itself opens no file.
pub trait Resources {
    /// The bytes of the file that the rule in `source` names `name`; the error is for people.
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String>;
}

/// For rules that name no files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoResources;

impl Resources for NoResources {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        Err(format!(
            "no data files are at hand here, so {name:?} cannot be read"
        ))
    }
}

/// A compiled operator. It keeps no state between calls.
pub trait Operator: Send + Sync + std::fmt::Debug {
    /// Does the value match? Fills `hit` when it does.
    fn matches(&self, input: &[u8], hit: &mut Hit) -> bool;
    /// What every matching value must contain; the planner skips the operator where it does not.
    fn requires(&self) -> Requirement {
        Requirement::Anything
    }
}

/// What a value must contain for an operator to match at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing is known.
    Anything,
    /// At least one of these byte strings, ASCII case ignored. Never empty, none of them empty.
    AnyOf(Vec<Vec<u8>>),
    /// At least one byte of this set (bit n of word n/64).
    ByteIn([u64; 4]),
}

/// Where and how an operator matched; reused between calls.
#[derive(Debug, Default, Clone)]
pub struct Hit {
    /// The bytes of the input that matched, where the operator can say.
    pub span: Option<Range<usize>>,
    /// Groups 0 to 9 as ranges of the input.
    pub captures: [Option<Range<usize>>; 10],
    /// What to capture where that is no part of the input, such as a fingerprint.
    pub text: Vec<u8>,
}

impl Hit {
    /// Forgets the last match.
    pub fn clear(&mut self) {
        self.span = None;
        self.captures = Default::default();
        self.text.clear();
    }
}

/// Every operator.
pub static ALL: &[Spec] = &[
    begins_with::SPEC,
    contains::SPEC,
    detect_sqli::SPEC,
    detect_xss::SPEC,
    ends_with::SPEC,
    compare::EQ,
    compare::GE,
    compare::GT,
    compare::LE,
    compare::LT,
    no_match::SPEC,
    pm::SPEC,
    rx::SPEC,
    streq::SPEC,
    unconditional_match::SPEC,
    within::SPEC,
];

/// The operator of that name, case ignored.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
}

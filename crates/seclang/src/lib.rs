//! SecLang, the rule language of ModSecurity and Coraza: text to syntax tree
//! with spans, and back.
//!
//! This crate knows the grammar and nothing of what the names in it mean.

mod ast;
mod error;
mod include;
mod limits;
mod parse;
mod print;
mod span;

pub use ast::{Action, Directive, DirectiveKind, Operator, Rule, Ruleset, Selector, Target, Text};
pub use error::SyntaxError;
pub use include::{Files, NoFiles};
pub use limits::Limits;
pub use parse::{load, parse, parse_actions, parse_targets};
pub use print::print;
pub use span::{Location, SourceMap, Span};

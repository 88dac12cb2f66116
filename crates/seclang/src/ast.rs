//! The syntax tree: what was written, with where it was written.
//!
//! Names (of variables, operators, transformations, actions) are kept as
//! written; whether they exist is for the engine to say.

use crate::span::{SourceMap, Span};

/// Everything that was loaded, in order, includes expanded in place.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// The files that spans point into.
    pub sources: SourceMap,
    /// In the order in which they take effect.
    pub directives: Vec<Directive>,
}

/// One directive with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// From the directive's name to the end of its last argument.
    pub span: Span,
    /// What it says.
    pub kind: DirectiveKind,
}

/// The directives that have a syntax of their own; all others are settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectiveKind {
    /// `SecRule TARGETS OPERATOR [ACTIONS]`
    Rule(Rule),
    /// `SecAction ACTIONS`
    Action(Vec<Action>),
    /// `SecDefaultAction ACTIONS`
    DefaultAction(Vec<Action>),
    /// `SecMarker NAME`
    Marker(Text),
    /// Any other directive: its name as written and its arguments, unquoted.
    Setting {
        /// As written, for example `SecRuleEngine`.
        name: Text,
        /// In order, without their quotes.
        arguments: Vec<Text>,
    },
}

/// A `SecRule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// At least one.
    pub targets: Vec<Target>,
    /// What is asked of every target.
    pub operator: Operator,
    /// In the order written; empty if the argument was left out.
    pub actions: Vec<Action>,
}

/// One of a rule's targets, such as `&ARGS`, `!ARGS:password` or `ARGS:/^id_/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The target with its prefix and selector.
    pub span: Span,
    /// `!`: takes the values away from what the rule's other targets select.
    pub excluded: bool,
    /// `&`: the number of values instead of the values.
    pub counted: bool,
    /// As written, for example `REQUEST_HEADERS`.
    pub variable: String,
    /// What follows the colon.
    pub selector: Option<Selector>,
}

/// Which members of a collection a target means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `ARGS:name`, or an XPath after `XML:`; macros are possible.
    Literal(String),
    /// `ARGS:/pattern/`, without the slashes; `\/` is already `/`.
    Regex(String),
}

/// The second argument of a `SecRule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The whole argument, without quotes.
    pub span: Span,
    /// `!`
    pub negated: bool,
    /// Without the `@`, as written; `rx` if none was written.
    pub name: String,
    /// All that follows the name and its one separating space.
    pub argument: String,
}

/// One action, such as `id:42`, `t:none` or `setvar:tx.a=+1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Name and argument.
    pub span: Span,
    /// As written.
    pub name: String,
    /// What follows the colon, single quotes and their escapes removed.
    pub argument: Option<String>,
}

impl Action {
    /// An action without an argument that was made, not read: it stands nowhere.
    pub fn flag(name: &str) -> Self {
        Self {
            span: Span::default(),
            name: name.to_owned(),
            argument: None,
        }
    }

    /// The same, with an argument.
    pub fn new(name: &str, argument: &str) -> Self {
        Self {
            argument: Some(argument.to_owned()),
            ..Self::flag(name)
        }
    }
}

/// A piece of text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Without quotes.
    pub span: Span,
    /// Without quotes, escapes resolved.
    pub value: String,
}

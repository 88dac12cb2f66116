//! The actions of a rule, read into one record. A spec for each, one line in [`ALL`].

mod ctl;
mod data;
mod disruptive;
mod flow;
mod ignored;
mod kept;
mod metadata;
mod refused;
mod setvar;

use seclang::{Action, Span};

use super::nearest::unknown;
use crate::decision::Strip;
use crate::plan::ir::{Allow, Effect, Text};

pub(crate) use ctl::OPTIONS as CTL_OPTIONS;

/// An action as rules name it.
pub(crate) struct Spec {
    /// Names compare without regard to case.
    pub(crate) name: &'static str,
    /// What follows its colon; empty if nothing does.
    pub(crate) argument: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// How it stands in a rule.
    pub(crate) example: &'static str,
    /// What reading it does.
    pub(crate) apply: Apply,
}

/// What reading an action does.
pub(crate) enum Apply {
    /// It takes no argument.
    Bare(fn(&mut Actions)),
    /// It takes one.
    With(fn(&mut Actions, &str) -> Result<(), String>),
    /// It may take one.
    Perhaps(fn(&mut Actions, std::option::Option<&str>) -> Result<(), String>),
    /// Known, does nothing here: loading it warns, with this reason.
    Ignored(&'static str),
    /// Known, and not for this place; the text says why and what to do instead.
    Refused(&'static str),
}

impl Spec {
    /// Why the action does nothing here, if it does nothing.
    pub(crate) fn ignored(&self) -> std::option::Option<&'static str> {
        match self.apply {
            Apply::Ignored(why) => Some(why),
            _ => None,
        }
    }

    /// Why the action is an error, if it is one.
    pub(crate) fn refused(&self) -> std::option::Option<&'static str> {
        match self.apply {
            Apply::Refused(why) => Some(why),
            _ => None,
        }
    }
}

/// What a list of actions says, before defaults.
#[derive(Default)]
pub(crate) struct Actions {
    pub(crate) id: std::option::Option<u64>,
    pub(crate) phase: std::option::Option<u8>,
    pub(crate) message: Text,
    /// `logdata`.
    pub(crate) data: Text,
    pub(crate) tags: Vec<String>,
    pub(crate) severity: std::option::Option<u8>,
    /// `rev`.
    pub(crate) revision: std::option::Option<Box<str>>,
    pub(crate) status: std::option::Option<u16>,
    pub(crate) disruptive: std::option::Option<Verb>,
    pub(crate) log: std::option::Option<bool>,
    pub(crate) chain: bool,
    pub(crate) capture: bool,
    pub(crate) multi_match: bool,
    pub(crate) skip: usize,
    pub(crate) skip_after: std::option::Option<String>,
    /// Those after the last `t:none`.
    pub(crate) transformations: Vec<u16>,
    pub(crate) clears_transformations: bool,
    pub(crate) effects: Vec<Effect>,
    /// Prefixes of XPath expressions and the namespaces that they mean.
    pub(crate) namespaces: Vec<(String, String)>,
    pub(crate) warnings: Vec<(Span, String)>,
}

/// A disruptive action as written; `block` takes the default's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Pass,
    Block,
    Deny,
    Drop,
    Allow(Allow),
    Redirect(Text),
    Strip(Strip),
}

/// Every action.
pub(crate) static ALL: &[Spec] = &[
    metadata::ID,
    metadata::PHASE,
    metadata::MSG,
    metadata::LOGDATA,
    metadata::TAG,
    metadata::SEVERITY,
    metadata::REV,
    metadata::VER,
    metadata::MATURITY,
    metadata::ACCURACY,
    disruptive::ALLOW,
    disruptive::BLOCK,
    disruptive::DENY,
    disruptive::DROP,
    disruptive::PASS,
    disruptive::REDIRECT,
    disruptive::STRIP,
    disruptive::STATUS,
    flow::CHAIN,
    flow::SKIP,
    flow::SKIP_AFTER,
    data::TRANSFORMATION,
    data::CAPTURE,
    data::MULTI_MATCH,
    data::XMLNS,
    setvar::SPEC,
    ctl::SPEC,
    kept::INITCOL,
    kept::SETSID,
    kept::SETUID,
    kept::SETRSC,
    kept::EXPIREVAR,
    kept::SETENV,
    metadata::LOG,
    metadata::NOLOG,
    ignored::AUDITLOG,
    ignored::NOAUDITLOG,
    ignored::DEPRECATEVAR,
    ignored::SANITISE_ARG,
    ignored::SANITISE_MATCHED,
    ignored::SANITISE_MATCHED_BYTES,
    ignored::SANITISE_REQUEST_HEADER,
    ignored::SANITISE_RESPONSE_HEADER,
    refused::APPEND,
    refused::PREPEND,
    refused::EXEC,
    refused::PAUSE,
    refused::PROXY,
];

/// The action of that name, case ignored.
pub(crate) fn find(name: &str) -> std::option::Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
}

/// What the action of that name does; none if there is no such action.
pub fn summary(name: &str) -> std::option::Option<&'static str> {
    find(name).map(|spec| spec.summary)
}

/// Reads a list of actions.
///
/// # Errors
/// The action at fault and what is wrong with it.
pub(crate) fn read(list: &[Action]) -> Result<Actions, (&Action, String)> {
    let mut actions = Actions::default();
    for action in list {
        apply(&mut actions, action).map_err(|why| (action, why))?;
    }
    Ok(actions)
}

fn apply(to: &mut Actions, action: &Action) -> Result<(), String> {
    let Some(spec) = find(&action.name) else {
        let names = ALL.iter().map(|spec| spec.name);
        return Err(unknown("action", &action.name, names));
    };
    let argument = action.argument.as_deref();
    match (&spec.apply, argument) {
        (Apply::Bare(set), None) => {
            set(to);
            Ok(())
        }
        (Apply::Bare(_), Some(_)) => Err(format!("`{}` takes no value", spec.name)),
        (Apply::With(set), Some(argument)) => set(to, argument),
        (Apply::With(_), None) => Err(format!("`{0}` needs a value: `{0}:…`", spec.name)),
        (Apply::Perhaps(set), argument) => set(to, argument),
        (Apply::Ignored(why), _) => {
            if !why.is_empty() {
                let message = format!("`{}` does nothing here: {why}", spec.name);
                to.warnings.push((action.span, message));
            }
            Ok(())
        }
        (Apply::Refused(why), _) => Err(format!("`{}` is not offered: {why}", spec.name)),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is no number in range"))
}

/// `7` or `7-9`.
pub(crate) fn id_range(text: &str) -> Result<std::ops::RangeInclusive<u64>, String> {
    match text.split_once('-') {
        Some((first, last)) => Ok(number(first)?..=number(last)?),
        None => {
            let id = number(text)?;
            Ok(id..=id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_listed_once_and_its_example_reads() {
        for (at, spec) in ALL.iter().enumerate() {
            let known = ALL
                .iter()
                .position(|other| other.name.eq_ignore_ascii_case(spec.name));
            assert_eq!(known, Some(at), "{}", spec.name);
            if let Some(why) = spec.refused() {
                assert!(why.contains(';'), "{} says what to do instead", spec.name);
                continue;
            }
            let text = seclang::Text {
                span: Span::default(),
                value: spec.example.to_owned(),
            };
            let list = seclang::parse_actions(&text).unwrap();
            assert_eq!(list[0].name, spec.name);
            read(&list).unwrap_or_else(|(_, why)| panic!("{}: {why}", spec.name));
        }
    }
}

//! Detectors: what an attack of one class looks like, as SecLang operators.
//! One file a detector, one line in [`all`].

mod active_markup;
mod code_injection;
mod command;
mod command_injection;
mod deserialization;
mod expression_injection;
mod file;
mod header_injection;
mod jndi;
mod ldap_injection;
mod operators;
mod path_confusion;
mod sql_injection;
mod ssrf;
mod template_injection;
mod traversal;
mod xss;
mod xxe;

use crate::document::{Condition, Decode, Traversal, UrlShape};

/// A class of attacks.
#[derive(Debug)]
pub struct Detector {
    /// As written in `when`.
    pub name: &'static str,
    /// What it finds, in one sentence.
    pub summary: &'static str,
    /// How values are decoded where a rule does not say; every stage is looked at.
    pub decode: &'static [Decode],
    /// One match is enough.
    pub(crate) checks: &'static [Check],
}

/// One operator with its argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check {
    pub(crate) operator: &'static str,
    pub(crate) argument: &'static str,
    /// An expression that the value must match besides, with its white space.
    pub(crate) spaced: Option<&'static str>,
}

impl Check {
    const fn where_spaced(mut self, argument: &'static str) -> Self {
        self.spaced = Some(argument);
        self
    }
}

/// A regular expression as a check.
const fn rx(argument: &'static str) -> Check {
    Check {
        operator: "rx",
        argument,
        spaced: None,
    }
}

/// Every detector.
pub fn all() -> &'static [&'static Detector] {
    &[
        &traversal::DOT_SEGMENTS,
        &traversal::ABSOLUTE,
        &sql_injection::DETECTOR,
        &sql_injection::SYNTAX,
        &xss::DETECTOR,
        &command_injection::DETECTOR,
        &template_injection::DETECTOR,
        &expression_injection::DETECTOR,
        &jndi::DETECTOR,
        &ldap_injection::DETECTOR,
        &ssrf::INTERNAL,
        &ssrf::ANY,
        &ssrf::OTHER_HOST,
        &xxe::DETECTOR,
        &deserialization::DETECTOR,
        &ssrf::HOST,
        &code_injection::DETECTOR,
        &command::DETECTOR,
        &active_markup::DETECTOR,
        &header_injection::DETECTOR,
        &path_confusion::DETECTOR,
        &file::EXECUTABLE,
        &file::SENSITIVE,
        &operators::NOSQL,
        &operators::PROTOTYPE,
    ]
}

/// The detector that a condition names, if it names one.
pub(crate) fn of(condition: &Condition) -> Option<&'static Detector> {
    Some(match condition {
        Condition::Traversal(Traversal::DotSegments | Traversal::OutsidePrefix) => {
            &traversal::DOT_SEGMENTS
        }
        Condition::Traversal(Traversal::Absolute) => &traversal::ABSOLUTE,
        Condition::SqlInjection => &sql_injection::DETECTOR,
        Condition::SqlSyntax => &sql_injection::SYNTAX,
        Condition::Xss => &xss::DETECTOR,
        Condition::CommandInjection => &command_injection::DETECTOR,
        Condition::TemplateInjection => &template_injection::DETECTOR,
        Condition::ExpressionInjection => &expression_injection::DETECTOR,
        Condition::LdapInjection => &ldap_injection::DETECTOR,
        Condition::Jndi => &jndi::DETECTOR,
        Condition::Ssrf(UrlShape::Internal) => &ssrf::INTERNAL,
        Condition::Ssrf(UrlShape::Any) => &ssrf::ANY,
        Condition::Ssrf(UrlShape::OtherHost) => &ssrf::OTHER_HOST,
        Condition::Ssrf(UrlShape::Host) => &ssrf::HOST,
        Condition::CodeInjection => &code_injection::DETECTOR,
        Condition::Command => &command::DETECTOR,
        Condition::ActiveMarkup => &active_markup::DETECTOR,
        Condition::HeaderInjection => &header_injection::DETECTOR,
        Condition::PathConfusion => &path_confusion::DETECTOR,
        Condition::ExecutableFile => &file::EXECUTABLE,
        Condition::SensitiveFile => &file::SENSITIVE,
        Condition::NosqlOperators => &operators::NOSQL,
        Condition::PrototypePollution => &operators::PROTOTYPE,
        Condition::Xxe => &xxe::DETECTOR,
        Condition::Deserialization => &deserialization::DETECTOR,
        _ => return None,
    })
}

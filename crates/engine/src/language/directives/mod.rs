//! The directives of a rule file. A spec for each, one line in [`ALL`].

mod arguments;
mod body_request;
mod body_response;
mod collections;
mod datasets;
pub(crate) mod documents;
pub(crate) mod engine_mode;
mod ignored;
mod names;
mod places;
mod refused;
mod syntax;
mod unicode;
mod updates;

use seclang::{Span, Text};

use super::lower::Lowering;

/// A directive as rule files name it.
pub(crate) struct Spec {
    /// Names compare without regard to case.
    pub(crate) name: &'static str,
    /// What follows it.
    pub(crate) argument: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// A line that shows its use.
    pub(crate) example: &'static str,
    /// What is done with it.
    pub(crate) apply: Apply,
}

/// What is done with a directive.
pub(crate) enum Apply {
    /// It has a syntax of its own.
    Syntax,
    /// Changes the program.
    Set(fn(&mut Lowering<'_>, &Given<'_>) -> Result<(), String>),
    /// Does nothing here, and the text says why: loading it warns.
    Ignored(&'static str),
    /// Not for this place; the text says why and what to do instead.
    Refused(&'static str),
}

impl Spec {
    /// Why the directive does nothing here, if it does nothing.
    pub(crate) fn ignored(&self) -> Option<&'static str> {
        match self.apply {
            Apply::Ignored(why) => Some(why),
            _ => None,
        }
    }

    /// Why the directive is an error, if it is one.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        match self.apply {
            Apply::Refused(why) => Some(why),
            _ => None,
        }
    }
}

/// A directive as it was written.
pub(crate) struct Given<'a> {
    pub(crate) span: Span,
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a [Text],
}

impl<'a> Given<'a> {
    /// The only argument.
    pub(crate) fn one(&self) -> Result<&'a str, String> {
        match self.arguments {
            [argument] => Ok(&argument.value),
            _ => Err(format!(
                "{} takes 1 argument, not {}; quote what holds spaces",
                self.name,
                self.arguments.len()
            )),
        }
    }

    pub(crate) fn on(&self) -> Result<bool, String> {
        let argument = self.one()?;
        match argument.to_ascii_lowercase().as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(format!("{} takes On or Off, not `{argument}`", self.name)),
        }
    }

    pub(crate) fn number<N: std::str::FromStr>(&self) -> Result<N, String> {
        let argument = self.one()?;
        argument
            .parse()
            .map_err(|_| format!("{} takes a number, not `{argument}`", self.name))
    }

    /// Whether the first of two words is given; anything else is an error.
    pub(crate) fn either(&self, first: &str, second: &str) -> Result<bool, String> {
        let argument = self.one()?;
        if argument.eq_ignore_ascii_case(first) {
            return Ok(true);
        }
        if argument.eq_ignore_ascii_case(second) {
            return Ok(false);
        }
        Err(format!(
            "{} takes {first} or {second}, not `{argument}`",
            self.name
        ))
    }
}

/// Every directive.
pub(crate) static ALL: &[Spec] = &[
    syntax::RULE,
    syntax::ACTION,
    syntax::DEFAULT_ACTION,
    syntax::MARKER,
    syntax::INCLUDE,
    syntax::INCLUDE_OPTIONAL,
    engine_mode::SPEC,
    body_request::ACCESS,
    body_request::LIMIT,
    body_request::NO_FILES_LIMIT,
    body_request::LIMIT_ACTION,
    body_request::JSON_DEPTH,
    body_request::FILE_LIMIT,
    body_response::ACCESS,
    body_response::LIMIT,
    body_response::LIMIT_ACTION,
    body_response::TYPES,
    body_response::TYPES_CLEAR,
    arguments::SEPARATOR,
    arguments::LIMIT,
    arguments::COOKIE_FORMAT,
    arguments::COOKIE_SEPARATOR,
    documents::EXTERNAL_ENTITY,
    documents::XML_INTO_ARGS,
    collections::WEB_APP_ID,
    collections::TIMEOUT,
    names::COMPONENT_SIGNATURE,
    updates::REMOVE_BY_ID,
    updates::REMOVE_BY_TAG,
    updates::REMOVE_BY_MSG,
    updates::UPDATE_TARGET_BY_ID,
    updates::UPDATE_TARGET_BY_TAG,
    updates::UPDATE_TARGET_BY_MSG,
    updates::UPDATE_ACTION_BY_ID,
    ignored::AUDIT_ENGINE,
    ignored::AUDIT_LOG,
    ignored::AUDIT_LOG2,
    ignored::AUDIT_LOG_DIR,
    ignored::AUDIT_LOG_DIR_MODE,
    ignored::AUDIT_LOG_FILE_MODE,
    ignored::AUDIT_LOG_FORMAT,
    ignored::AUDIT_LOG_PARTS,
    ignored::AUDIT_LOG_PREFIX,
    ignored::AUDIT_LOG_RELEVANT_STATUS,
    ignored::AUDIT_LOG_STORAGE_DIR,
    ignored::AUDIT_LOG_TYPE,
    ignored::DEBUG_LOG,
    ignored::DEBUG_LOG_LEVEL,
    ignored::DATA_DIR,
    ignored::TMP_DIR,
    ignored::TMP_SAVE,
    ignored::UPLOAD_DIR,
    ignored::UPLOAD_FILE_MODE,
    ignored::UPLOAD_KEEP_FILES,
    ignored::IN_MEMORY_LIMIT,
    ignored::PCRE_MATCH_LIMIT,
    ignored::PCRE_MATCH_LIMIT_RECURSION,
    ignored::STATUS_ENGINE,
    ignored::SERVER_SIGNATURE,
    ignored::SENSOR_ID,
    ignored::RULE_PERF_TIME,
    ignored::CACHE_TRANSFORMATIONS,
    ignored::RULE_INHERITANCE,
    places::GEO_LOOKUP_DB,
    datasets::SPEC,
    unicode::MAP_FILE,
    ignored::UNICODE_CODE_PAGE,
    ignored::CONN_ENGINE,
    ignored::DISABLE_BACKEND_COMPRESSION,
    refused::RULE_SCRIPT,
    refused::REMOTE_RULES,
    refused::REMOTE_RULES_FAIL_ACTION,
    refused::GSB_LOOKUP_DB,
    refused::HTTP_BL_KEY,
    refused::CHROOT_DIR,
    refused::CONN_READ_STATE_LIMIT,
    refused::CONN_WRITE_STATE_LIMIT,
    refused::READ_STATE_LIMIT,
    refused::WRITE_STATE_LIMIT,
    refused::GUARDIAN_LOG,
    refused::CONTENT_INJECTION,
    refused::STREAM_IN,
    refused::STREAM_OUT,
    refused::HASH_ENGINE,
    refused::HASH_KEY,
    refused::HASH_PARAM,
    refused::HASH_METHOD_RX,
    refused::HASH_METHOD_PM,
    refused::IGNORE_ERRORS,
    refused::UNICODE_MAP,
    refused::INTERCEPT_ON_ERROR,
];

/// The directive of that name, case ignored.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_listed_once_and_told_with_an_example() {
        for (at, spec) in ALL.iter().enumerate() {
            let known = ALL
                .iter()
                .position(|other| other.name.eq_ignore_ascii_case(spec.name));
            assert_eq!(known, Some(at), "{}", spec.name);
            if let Some(why) = spec.refused() {
                assert!(why.contains(';'), "{} says what to do instead", spec.name);
            } else {
                assert!(spec.example.starts_with(spec.name), "{}", spec.name);
            }
        }
    }
}

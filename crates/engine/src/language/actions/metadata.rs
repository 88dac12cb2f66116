//! Actions that say what a rule is, and whether it is reported.

use super::{Apply, Spec, number};
use crate::language::nearest::unknown;
use crate::language::text;

/// `id`
pub(super) const ID: Spec = Spec {
    name: "id",
    argument: "a number",
    summary: "the rule's number, which no other rule has",
    example: "id:942100",
    apply: Apply::With(|to, argument| {
        to.id = Some(number(argument)?);
        Ok(())
    }),
};

/// `phase`
pub(super) const PHASE: Spec = Spec {
    name: "phase",
    argument: "1 to 5, request (2), response (4) or logging (5)",
    summary: "when the rule runs: with the request's head, its body, the response's head, its body, or at the end",
    example: "phase:2",
    apply: Apply::With(|to, argument| {
        to.phase = Some(phase(argument)?);
        Ok(())
    }),
};

/// `msg`
pub(super) const MSG: Spec = Spec {
    name: "msg",
    argument: "a text with macros",
    summary: "what a match says",
    example: "msg:'SQL injection in %{MATCHED_VAR_NAME}'",
    apply: Apply::With(|to, argument| {
        to.message = text::parse(argument)?;
        Ok(())
    }),
};

/// `logdata`
pub(super) const LOGDATA: Spec = Spec {
    name: "logdata",
    argument: "a text with macros",
    summary: "what a match records besides its message",
    example: "logdata:'found %{TX.0}'",
    apply: Apply::With(|to, argument| {
        to.data = text::parse(argument)?;
        Ok(())
    }),
};

/// `tag`
pub(super) const TAG: Spec = Spec {
    name: "tag",
    argument: "a text",
    summary: "a word by which the rule can be chosen; there may be several",
    example: "tag:'attack-sqli'",
    apply: Apply::With(|to, argument| {
        to.tags.push(argument.to_owned());
        Ok(())
    }),
};

/// `severity`
pub(super) const SEVERITY: Spec = Spec {
    name: "severity",
    argument: "EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG, or 0 to 7",
    summary: "how grave a match is",
    example: "severity:CRITICAL",
    apply: Apply::With(|to, argument| {
        to.severity = Some(severity(argument)?);
        Ok(())
    }),
};

/// `rev`
pub(super) const REV: Spec = Spec {
    name: "rev",
    argument: "a text",
    summary: "the rule's revision, for people; RULE:rev",
    example: "rev:'2'",
    apply: Apply::With(|to, argument| {
        to.revision = Some(argument.into());
        Ok(())
    }),
};
/// `ver`
pub(super) const VER: Spec = note(
    "ver",
    "ver:'RULES/1.0'",
    "the rule set's version, for people",
);
/// `maturity`
pub(super) const MATURITY: Spec = note(
    "maturity",
    "maturity:9",
    "how long the rule has been used, for people",
);
/// `accuracy`
pub(super) const ACCURACY: Spec = note(
    "accuracy",
    "accuracy:8",
    "how seldom the rule errs, for people",
);

const fn note(name: &'static str, example: &'static str, summary: &'static str) -> Spec {
    Spec {
        name,
        argument: "a text",
        summary,
        example,
        apply: Apply::With(|_, _| Ok(())),
    }
}

/// `log`
pub(super) const LOG: Spec = Spec {
    name: "log",
    argument: "",
    summary: "a match is reported; so it is where nothing else is said",
    example: "log",
    apply: Apply::Bare(|to| to.log = Some(true)),
};

/// `nolog`
pub(super) const NOLOG: Spec = Spec {
    name: "nolog",
    argument: "",
    summary: "a match is not reported, unless it stops the request",
    example: "nolog",
    apply: Apply::Bare(|to| to.log = Some(false)),
};

fn phase(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "request" => Ok(2),
        "response" => Ok(4),
        "logging" => Ok(5),
        other => match other.parse() {
            Ok(phase @ 1..=5) => Ok(phase),
            _ => Err(format!(
                "`{text}` is no phase; write 1 to 5, request, response or logging"
            )),
        },
    }
}

fn severity(text: &str) -> Result<u8, String> {
    const NAMES: [&str; 8] = [
        "EMERGENCY",
        "ALERT",
        "CRITICAL",
        "ERROR",
        "WARNING",
        "NOTICE",
        "INFO",
        "DEBUG",
    ];
    NAMES
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))
        .map(|position| position as u8)
        .or_else(|| text.parse().ok().filter(|level| *level < 8))
        .ok_or_else(|| unknown("severity", text, NAMES.into_iter()))
}

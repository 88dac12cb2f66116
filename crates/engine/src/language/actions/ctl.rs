//! `ctl`: what a rule changes for the rest of the transaction. A line for each option.

use super::{Apply, Spec, id_range, number};
use crate::language::nearest::unknown;
use crate::language::{directives, lower, text, variables};
use crate::plan::ir::{Effect, Processor, Selector};

/// `ctl`
pub(super) const SPEC: Spec = Spec {
    name: "ctl",
    argument: "`OPTION=VALUE`",
    summary: "changes how the rest of this transaction is inspected",
    example: "ctl:ruleRemoveById=942100",
    apply: Apply::With(|to, argument| {
        let (name, value) = argument
            .split_once('=')
            .ok_or_else(|| format!("`ctl:{argument}` needs a value: `ctl:{argument}=…`"))?;
        let name = name.trim();
        let known = OPTIONS
            .iter()
            .find(|option| option.name.eq_ignore_ascii_case(name));
        match known.map(|option| &option.read) {
            Some(Read::Effect(read)) => to.effects.push(read(value.trim())?),
            Some(Read::Ignored) => {}
            Some(Read::Refused(why)) => {
                return Err(format!("`ctl:{name}` is not offered: {why}"));
            }
            None => {
                let names = OPTIONS.iter().map(|option| option.name);
                return Err(unknown("ctl option", name, names));
            }
        }
        Ok(())
    }),
};

/// An option of `ctl`.
pub(crate) struct Option {
    /// Names compare without regard to case.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    read: Read,
}

impl Option {
    /// Why the option is an error, if it is one.
    pub(crate) fn refused(&self) -> std::option::Option<&'static str> {
        match self.read {
            Read::Refused(why) => Some(why),
            _ => None,
        }
    }
}

enum Read {
    Effect(fn(&str) -> Result<Effect, String>),
    /// Audit and debug logs are not written here.
    Ignored,
    Refused(&'static str),
}

const fn effect(
    name: &'static str,
    summary: &'static str,
    read: fn(&str) -> Result<Effect, String>,
) -> Option {
    Option {
        name,
        summary,
        read: Read::Effect(read),
    }
}

const fn ignored(name: &'static str) -> Option {
    Option {
        name,
        summary: "does nothing here: audit and debug logs are not written",
        read: Read::Ignored,
    }
}

/// Every option.
pub(crate) static OPTIONS: &[Option] = &[
    effect("ruleEngine", "On, Off or DetectionOnly", |value| {
        directives::engine_mode::mode(value).map(Effect::Engine)
    }),
    effect(
        "ruleRemoveById",
        "leaves out rules, by id or range of ids",
        |value| id_range(value).map(Effect::RemoveRules),
    ),
    effect(
        "ruleRemoveByTag",
        "leaves out rules that have the tag",
        |value| text::parse(value).map(Effect::RemoveRulesByTag),
    ),
    effect(
        "ruleRemoveByMsg",
        "leaves out rules that have the message",
        |value| text::parse(value).map(Effect::RemoveRulesByMessage),
    ),
    effect(
        "ruleRemoveTargetById",
        "leaves out a target: `942100;ARGS:comment`",
        |value| {
            let (ids, target) = split_target(value)?;
            let (variable, selector) = removed_target(target)?;
            Ok(Effect::RemoveTarget {
                rules: id_range(ids)?,
                variable,
                selector,
            })
        },
    ),
    effect(
        "ruleRemoveTargetByTag",
        "leaves out a target of rules that have the tag: `attack-sqli;ARGS:comment`",
        |value| {
            let (tag, target) = split_target(value)?;
            let (variable, selector) = removed_target(target)?;
            Ok(Effect::RemoveTargetByTag {
                tag: text::parse(tag)?,
                variable,
                selector,
            })
        },
    ),
    effect(
        "ruleRemoveTargetByMsg",
        "leaves out a target of rules that have the message: `SQL injection;ARGS:comment`",
        |value| {
            let (message, target) = split_target(value)?;
            let (variable, selector) = removed_target(target)?;
            Ok(Effect::RemoveTargetByMessage {
                message: text::parse(message)?,
                variable,
                selector,
            })
        },
    ),
    effect(
        "requestBodyProcessor",
        "URLENCODED, MULTIPART, JSON or XML: how the body is read",
        |value| processor(value).map(Effect::BodyProcessor),
    ),
    effect("requestBodyAccess", "On or Off", |value| {
        on(value).map(Effect::RequestBodyAccess)
    }),
    effect("requestBodyLimit", "bytes", |value| {
        number(value).map(Effect::RequestBodyLimit)
    }),
    effect(
        "forceRequestBodyVariable",
        "On: REQUEST_BODY is filled whatever the body processor",
        |value| match on(value)? {
            true => Ok(Effect::ForceRequestBody),
            false => Err("forceRequestBodyVariable can only be On; leave it out".to_owned()),
        },
    ),
    effect("responseBodyAccess", "On or Off", |value| {
        on(value).map(Effect::ResponseBodyAccess)
    }),
    effect("responseBodyLimit", "bytes", |value| {
        number(value).map(Effect::ResponseBodyLimit)
    }),
    effect(
        "parseXmlIntoArgs",
        "On, Off or OnlyArgs: as SecParseXmlIntoArgs",
        |value| directives::documents::into_args(value).map(Effect::XmlIntoArgs),
    ),
    ignored("auditEngine"),
    ignored("auditLogParts"),
    ignored("debugLogLevel"),
    Option {
        name: "responseBodyProcessor",
        summary: "not offered",
        read: Read::Refused("responses are not parsed; inspect RESPONSE_BODY"),
    },
    Option {
        name: "forceResponseBodyVariable",
        summary: "not offered",
        read: Read::Refused(
            "RESPONSE_BODY is filled for the media types of SecResponseBodyMimeType; add the type there",
        ),
    },
    Option {
        name: "hashEngine",
        summary: "not offered",
        read: Read::Refused("links are not signed here; validate them in the application"),
    },
    Option {
        name: "hashEnforcement",
        summary: "not offered",
        read: Read::Refused("links are not signed here; validate them in the application"),
    },
];

fn on(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("`{value}` is not known; write On or Off")),
    }
}

fn processor(value: &str) -> Result<Processor, String> {
    match value.to_ascii_uppercase().as_str() {
        "URLENCODED" => Ok(Processor::Urlencoded),
        "MULTIPART" => Ok(Processor::Multipart),
        "JSON" => Ok(Processor::Json),
        "XML" => Ok(Processor::Xml),
        _ => Err(format!(
            "`{value}` is no body processor; write URLENCODED, MULTIPART, JSON or XML"
        )),
    }
}

fn split_target(value: &str) -> Result<(&str, &str), String> {
    value
        .split_once(';')
        .ok_or_else(|| format!("`{value}` names no target; write RULE;TARGET"))
}

fn removed_target(target: &str) -> Result<(variables::Variable, Selector), String> {
    let (name, member) = match target.split_once(':') {
        Some((name, member)) => (name, Some(member)),
        None => (target, None),
    };
    let spec = variables::find(name.trim()).ok_or_else(|| variables::missing(name.trim()))?;
    let selector = match member {
        None => Selector::All,
        Some(member) => match member
            .strip_prefix('/')
            .and_then(|inner| inner.strip_suffix('/'))
            .filter(|_| spec.variable != variables::Variable::Xml)
        {
            Some(pattern) => lower::pattern(pattern, &crate::Limits::default())?,
            None => Selector::Name(text::parse(member)?),
        },
    };
    Ok((spec.variable, selector))
}

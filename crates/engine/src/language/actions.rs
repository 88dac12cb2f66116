//! The actions of a rule, read into one record.

use seclang::Action;

use super::nearest::unknown;
use super::variables;
use crate::decision::Strip;
use crate::plan::ir::{Allow, Change, Effect, EngineMode, Processor, Selector, Text};
use crate::transformations;

/// What a list of actions says, before defaults.
#[derive(Default)]
pub(crate) struct Actions {
    pub(crate) id: Option<u64>,
    pub(crate) phase: Option<u8>,
    pub(crate) message: Text,
    pub(crate) tags: Vec<String>,
    pub(crate) severity: Option<u8>,
    pub(crate) status: Option<u16>,
    pub(crate) disruptive: Option<Verb>,
    pub(crate) log: Option<bool>,
    pub(crate) chain: bool,
    pub(crate) capture: bool,
    pub(crate) multi_match: bool,
    pub(crate) skip: usize,
    pub(crate) skip_after: Option<String>,
    /// `None` until the first `t:`; `t:none` clears what came before it.
    pub(crate) transformations: Vec<u16>,
    pub(crate) clears_transformations: bool,
    pub(crate) effects: Vec<Effect>,
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

const NAMES: &[&str] = &[
    "accuracy",
    "allow",
    "auditlog",
    "block",
    "capture",
    "chain",
    "ctl",
    "deny",
    "drop",
    "id",
    "log",
    "logdata",
    "maturity",
    "msg",
    "multiMatch",
    "noauditlog",
    "nolog",
    "pass",
    "phase",
    "redirect",
    "rev",
    "setvar",
    "severity",
    "skip",
    "skipAfter",
    "status",
    "strip",
    "t",
    "tag",
    "ver",
];

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
    let argument = action.argument.as_deref();
    let needed = || argument.ok_or_else(|| format!("`{0}` needs a value: `{0}:…`", action.name));
    match action.name.to_ascii_lowercase().as_str() {
        "id" => to.id = Some(number(needed()?)?),
        "phase" => to.phase = Some(phase(needed()?)?),
        "msg" => to.message = super::text::parse(needed()?)?,
        "tag" => to.tags.push(needed()?.to_owned()),
        "severity" => to.severity = Some(severity(needed()?)?),
        "status" => {
            let status: u16 = number(needed()?)?;
            if !(100..=599).contains(&status) {
                return Err(format!(
                    "`{status}` is no HTTP status; write one from 100 to 599"
                ));
            }
            to.status = Some(status);
        }
        "pass" => to.disruptive = Some(Verb::Pass),
        "block" => to.disruptive = Some(Verb::Block),
        "deny" => to.disruptive = Some(Verb::Deny),
        "drop" => to.disruptive = Some(Verb::Drop),
        "allow" => to.disruptive = Some(Verb::Allow(allow(argument)?)),
        "redirect" => to.disruptive = Some(Verb::Redirect(super::text::parse(needed()?)?)),
        "strip" => to.disruptive = Some(Verb::Strip(strip(needed()?)?)),
        "log" => to.log = Some(true),
        "nolog" => to.log = Some(false),
        "chain" => to.chain = true,
        "capture" => to.capture = true,
        "multimatch" => to.multi_match = true,
        "skip" => to.skip = number(needed()?)?,
        "skipafter" => to.skip_after = Some(needed()?.to_owned()),
        "t" => transformation(to, needed()?)?,
        "setvar" => to.effects.push(set_variable(needed()?)?),
        "ctl" => to.effects.extend(control(needed()?)?),
        // For people and audit logs: they do not change what a rule does.
        "logdata" | "rev" | "ver" | "maturity" | "accuracy" => {
            super::text::parse(needed()?)?;
        }
        "auditlog" | "noauditlog" => {}
        _ => return Err(unknown("action", &action.name, NAMES.iter().copied())),
    }
    Ok(())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is no number in range"))
}

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

fn allow(argument: Option<&str>) -> Result<Allow, String> {
    match argument.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(Allow::Transaction),
        Some("phase") => Ok(Allow::Phase),
        Some("request") => Ok(Allow::Request),
        Some(other) => Err(format!(
            "`allow:{other}` is not known; write allow, allow:phase or allow:request"
        )),
    }
}

fn strip(argument: &str) -> Result<Strip, String> {
    match argument.split_once(':') {
        Some(("header", name)) => Ok(Strip::Header(name.to_ascii_lowercase())),
        Some(("cookie", name)) => Ok(Strip::Cookie(name.to_owned())),
        Some(("query", name)) => Ok(Strip::QueryParameter(name.to_owned())),
        _ => Err(format!(
            "`strip:{argument}` is not known; write strip:header:NAME, strip:cookie:NAME or strip:query:NAME"
        )),
    }
}

fn transformation(to: &mut Actions, name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case("none") {
        to.transformations.clear();
        to.clears_transformations = true;
        return Ok(());
    }
    let known = transformations::ALL.iter().position(|spec| {
        spec.name.eq_ignore_ascii_case(name)
            || spec
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    });
    match known {
        Some(position) => to.transformations.push(position as u16),
        None => {
            return Err(unknown(
                "transformation",
                name,
                transformations::ALL.iter().map(|spec| spec.name),
            ));
        }
    }
    Ok(())
}

fn set_variable(argument: &str) -> Result<Effect, String> {
    let (unset, argument) = match argument.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, argument),
    };
    let (path, value) = match argument.split_once('=') {
        Some((path, value)) => (path, Some(value)),
        None => (argument, None),
    };
    let Some((collection, name)) = path.split_once('.') else {
        return Err(format!(
            "`{path}` names no collection; write setvar:tx.name=value"
        ));
    };
    if !collection.trim().eq_ignore_ascii_case("tx") {
        return Err(format!(
            "the collection `{collection}` is not kept here; only TX can be set"
        ));
    }
    let name = super::text::parse(&name.trim().to_ascii_lowercase())?;
    let change = match (unset, value) {
        (true, _) => Change::Unset,
        (false, None) => Change::Set(Text::Plain("1".to_owned())),
        (false, Some(value)) => match value.split_at_checked(1) {
            Some(("+", amount)) => Change::Add(super::text::parse(amount)?),
            Some(("-", amount)) => Change::Subtract(super::text::parse(amount)?),
            _ => Change::Set(super::text::parse(value)?),
        },
    };
    Ok(Effect::SetTx { name, change })
}

fn control(argument: &str) -> Result<Option<Effect>, String> {
    let (name, value) = argument
        .split_once('=')
        .ok_or_else(|| format!("`ctl:{argument}` needs a value: `ctl:{argument}=…`"))?;
    let effect = match name.trim().to_ascii_lowercase().as_str() {
        "ruleengine" => Effect::Engine(match value.to_ascii_lowercase().as_str() {
            "on" => EngineMode::On,
            "off" => EngineMode::Off,
            "detectiononly" => EngineMode::DetectionOnly,
            _ => {
                return Err(format!(
                    "`{value}` is not known; write On, Off or DetectionOnly"
                ));
            }
        }),
        "ruleremovebyid" => Effect::RemoveRules(id_range(value)?),
        "ruleremovebytag" => Effect::RemoveRulesByTag(value.to_owned()),
        "ruleremovetargetbyid" => {
            let (ids, target) = split_target(value)?;
            let (variable, selector) = removed_target(target)?;
            Effect::RemoveTarget {
                rules: id_range(ids)?,
                variable,
                selector,
            }
        }
        "ruleremovetargetbytag" => {
            let (tag, target) = split_target(value)?;
            let (variable, selector) = removed_target(target)?;
            Effect::RemoveTargetByTag {
                tag: tag.to_owned(),
                variable,
                selector,
            }
        }
        "requestbodyprocessor" => {
            Effect::BodyProcessor(match value.to_ascii_uppercase().as_str() {
                "URLENCODED" => Processor::Urlencoded,
                "MULTIPART" => Processor::Multipart,
                "JSON" => Processor::Json,
                "XML" => Processor::Xml,
                _ => {
                    return Err(format!(
                        "`{value}` is no body processor; write URLENCODED, MULTIPART, JSON or XML"
                    ));
                }
            })
        }
        "forcerequestbodyvariable" => Effect::ForceRequestBody,
        // Audit logs are not written here.
        "auditengine" | "auditlogparts" | "debugloglevel" => return Ok(None),
        other => {
            const NAMES: &[&str] = &[
                "auditEngine",
                "auditLogParts",
                "debugLogLevel",
                "forceRequestBodyVariable",
                "requestBodyProcessor",
                "ruleEngine",
                "ruleRemoveById",
                "ruleRemoveByTag",
                "ruleRemoveTargetById",
                "ruleRemoveTargetByTag",
            ];
            return Err(unknown("ctl option", other, NAMES.iter().copied()));
        }
    };
    Ok(Some(effect))
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
    let spec = variables::find(name.trim()).ok_or_else(|| {
        unknown(
            "variable",
            name,
            variables::ALL.iter().map(|spec| spec.name),
        )
    })?;
    let selector = match member {
        None => Selector::All,
        Some(member) => match member
            .strip_prefix('/')
            .and_then(|inner| inner.strip_suffix('/'))
        {
            Some(pattern) => super::lower::pattern(pattern, &crate::Limits::default())?,
            None => Selector::Name(super::text::parse(member)?),
        },
    };
    Ok((spec.variable, selector))
}

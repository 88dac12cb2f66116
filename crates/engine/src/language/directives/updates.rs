//! Directives that change rules which stand elsewhere, before or after them.

use seclang::Text;

use super::{Apply, Given, Spec};
use crate::language::actions::id_range;
use crate::language::lower::Lowering;
use crate::language::update::{Change, Update, Which};

/// `SecRuleRemoveById`
pub(super) const REMOVE_BY_ID: Spec = Spec {
    name: "SecRuleRemoveById",
    argument: "ids and ranges of ids",
    summary: "removes rules",
    example: "SecRuleRemoveById 942100 \"942200-942299\"",
    apply: Apply::Set(|lowering, given| {
        let which = ids(given.arguments)?;
        push(lowering, given, which, Change::Remove);
        Ok(())
    }),
};

/// `SecRuleRemoveByTag`
pub(super) const REMOVE_BY_TAG: Spec = Spec {
    name: "SecRuleRemoveByTag",
    argument: "a tag",
    summary: "removes the rules that have it",
    example: "SecRuleRemoveByTag attack-sqli",
    apply: Apply::Set(|lowering, given| {
        let which = Which::Tag(given.one()?.to_owned());
        push(lowering, given, which, Change::Remove);
        Ok(())
    }),
};

/// `SecRuleRemoveByMsg`
pub(super) const REMOVE_BY_MSG: Spec = Spec {
    name: "SecRuleRemoveByMsg",
    argument: "a message, as the rule has it",
    summary: "removes the rules that have it",
    example: "SecRuleRemoveByMsg \"PHP source code leakage\"",
    apply: Apply::Set(|lowering, given| {
        let which = Which::Message(given.one()?.to_owned());
        push(lowering, given, which, Change::Remove);
        Ok(())
    }),
};

/// `SecRuleUpdateTargetById`
pub(super) const UPDATE_TARGET_BY_ID: Spec = Spec {
    name: "SecRuleUpdateTargetById",
    argument: "an id or a range of ids, and targets",
    summary: "adds targets to rules; those with `!` take away",
    example: "SecRuleUpdateTargetById 942100 \"!ARGS:comment\"",
    apply: Apply::Set(|lowering, given| {
        let (rules, targets) = two(given)?;
        let which = ids(std::slice::from_ref(rules))?;
        update_targets(lowering, given, which, targets)
    }),
};

/// `SecRuleUpdateTargetByTag`
pub(super) const UPDATE_TARGET_BY_TAG: Spec = Spec {
    name: "SecRuleUpdateTargetByTag",
    argument: "a tag, and targets",
    summary: "adds targets to the rules that have it; those with `!` take away",
    example: "SecRuleUpdateTargetByTag attack-sqli \"!ARGS:comment\"",
    apply: Apply::Set(|lowering, given| {
        let (tag, targets) = two(given)?;
        update_targets(lowering, given, Which::Tag(tag.value.clone()), targets)
    }),
};

/// `SecRuleUpdateTargetByMsg`
pub(super) const UPDATE_TARGET_BY_MSG: Spec = Spec {
    name: "SecRuleUpdateTargetByMsg",
    argument: "a message, and targets",
    summary: "adds targets to the rules that have it; those with `!` take away",
    example: "SecRuleUpdateTargetByMsg \"SQL injection\" \"!ARGS:comment\"",
    apply: Apply::Set(|lowering, given| {
        let (message, targets) = two(given)?;
        update_targets(
            lowering,
            given,
            Which::Message(message.value.clone()),
            targets,
        )
    }),
};

/// `SecRuleUpdateActionById`
pub(super) const UPDATE_ACTION_BY_ID: Spec = Spec {
    name: "SecRuleUpdateActionById",
    argument: "an id, or an id and the position in its chain (`1:0` is the first), and actions",
    summary: "changes what a rule does",
    example: "SecRuleUpdateActionById 942100 \"pass,nolog\"",
    apply: Apply::Set(|lowering, given| {
        let (rules, actions) = two(given)?;
        let (id, link) = match rules.value.split_once(':') {
            Some((id, link)) => (
                id,
                link.trim()
                    .parse()
                    .map_err(|_| format!("`{link}` is no position in a chain"))?,
            ),
            None => (rules.value.as_str(), 0),
        };
        let list = seclang::parse_actions(actions)?;
        let read = crate::language::actions::read(&list).map_err(|(_, why)| why)?;
        if read.id.is_some() || read.chain || read.phase.is_some() {
            return Err("a rule's id, phase and chain cannot be changed".to_owned());
        }
        let which = Which::Ids(vec![id_range(id)?]);
        push(
            lowering,
            given,
            which,
            Change::Actions(link, Box::new(read)),
        );
        Ok(())
    }),
};

fn two<'a>(given: &Given<'a>) -> Result<(&'a Text, &'a Text), String> {
    match given.arguments {
        [first, second] => Ok((first, second)),
        [_, _, _] => Err(format!(
            "{} replaces no targets; remove the old one with `!` and add the new one",
            given.name
        )),
        _ => Err(format!(
            "{} takes 2 arguments, not {}; quote what holds spaces",
            given.name,
            given.arguments.len()
        )),
    }
}

fn ids(arguments: &[Text]) -> Result<Which, String> {
    let ranges: Result<Vec<_>, String> = arguments
        .iter()
        .flat_map(|argument| argument.value.split([' ', ',']))
        .filter(|range| !range.is_empty())
        .map(id_range)
        .collect();
    match ranges?.as_slice() {
        [] => Err("ids of rules are expected, such as 942100 or 942200-942299".to_owned()),
        ranges => Ok(Which::Ids(ranges.to_vec())),
    }
}

fn update_targets(
    lowering: &mut Lowering<'_>,
    given: &Given<'_>,
    which: Which,
    targets: &Text,
) -> Result<(), String> {
    let list = seclang::parse_targets(targets)?;
    let targets = lowering
        .targets(&list, &[])
        .map_err(|fault| fault.message)?;
    push(lowering, given, which, Change::Targets(targets));
    Ok(())
}

fn push(lowering: &mut Lowering<'_>, given: &Given<'_>, which: Which, change: Change) {
    let location = lowering.locate(given.span);
    lowering.updates.push(Update {
        location,
        which,
        change,
    });
}

//! What targets select that nothing ever fills.

use std::collections::BTreeSet;

use seclang::{Action, Ruleset, Selector, Target};

use super::actions;

/// Collections that hold only what rules set, and the action that opens each; `TX` is open.
const SET_BY_RULES: [(&str, Option<&str>); 6] = [
    ("TX", None),
    ("GLOBAL", Some("initcol:global=KEY")),
    ("IP", Some("initcol:ip=%{REMOTE_ADDR}")),
    ("RESOURCE", Some("setrsc:KEY")),
    ("SESSION", Some("setsid:KEY")),
    ("USER", Some("setuid:KEY")),
];

/// What rules fill, wherever they stand.
pub(super) struct Filled {
    /// `tx.score`, in lower case; up to the first macro of a name.
    set: BTreeSet<String>,
    /// Names of collections, in lower case.
    opened: BTreeSet<String>,
}

impl Filled {
    pub(super) fn of(rules: &[Ruleset]) -> Self {
        let directives = rules.iter().flat_map(|ruleset| &ruleset.directives);
        let all: Vec<&Action> = directives.filter_map(actions).flatten().collect();
        Self {
            set: all.iter().filter_map(|action| set_by(action)).collect(),
            opened: all.iter().filter_map(|action| opened_by(action)).collect(),
        }
    }

    /// Why a target's selector never selects anything, if that is known.
    pub(super) fn never(&self, target: &Target) -> Option<String> {
        // A count asks whether it is there at all.
        let Some(Selector::Literal(name)) = target.selector.as_ref().filter(|_| !target.counted)
        else {
            return None;
        };
        let variable = target.variable.to_ascii_uppercase();
        if let Some(members) = engine::variable_members(&variable)
            && !members.iter().any(|it| it.eq_ignore_ascii_case(name))
        {
            return Some(format!(
                "there is no {variable}:{name}; {variable} holds {}",
                members.join(", ")
            ));
        }
        let (_, opens) = SET_BY_RULES.iter().find(|(name, _)| *name == variable)?;
        let collection = variable.to_ascii_lowercase();
        if let Some(opens) = opens
            && !self.opened.contains(&collection)
        {
            return Some(format!(
                "{variable} is empty: no rule opens it with {opens}"
            ));
        }
        let captured = collection == "tx" && matches!(name.as_bytes(), [b'0'..=b'9']);
        let path = format!("{collection}.{}", name.to_ascii_lowercase());
        let known = self.set.iter().any(|known| {
            *known == path || known.ends_with(['_', '-', '.']) && path.starts_with(known)
        });
        (!captured && !known && !name.contains("%{"))
            .then(|| format!("no rule sets {variable}:{name}"))
    }
}

fn set_by(action: &Action) -> Option<String> {
    let argument = action.argument.as_deref()?;
    if !action.name.eq_ignore_ascii_case("setvar") {
        return None;
    }
    let path = argument.trim_start_matches('!').split('=').next()?;
    let (collection, name) = path.split_once(['.', ':'])?;
    let path = format!("{}.{}", collection.trim(), name.split("%{").next()?.trim());
    Some(path.to_ascii_lowercase())
}

fn opened_by(action: &Action) -> Option<String> {
    let named = match action.name.to_ascii_lowercase().as_str() {
        "initcol" => action.argument.as_deref()?.split('=').next()?.trim(),
        "setsid" => "session",
        "setuid" => "user",
        "setrsc" => "resource",
        _ => return None,
    };
    Some(named.to_ascii_lowercase())
}

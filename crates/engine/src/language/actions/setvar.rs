//! `setvar`

use super::{Apply, Spec};
use crate::language::{collections, text};
use crate::plan::ir::{Change, Effect, Text};

/// `setvar`
pub(super) const SPEC: Spec = Spec {
    name: "setvar",
    argument: "`COLLECTION.NAME=VALUE`, `=+NUMBER`, `=-NUMBER`, or `!COLLECTION.NAME`, all with macros",
    summary: "sets, counts up or down, or removes a variable of TX or of a persistent collection",
    example: "setvar:'tx.score=+5'",
    apply: Apply::With(|to, argument| {
        to.effects.push(effect(argument)?);
        Ok(())
    }),
};

fn effect(argument: &str) -> Result<Effect, String> {
    let (unset, argument) = match argument.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, argument),
    };
    let (path, value) = match argument.split_once('=') {
        Some((path, value)) => (path, Some(value)),
        None => (argument, None),
    };
    let (collection, name) = collections::member(path)
        .ok_or_else(|| format!("`{path}` names no collection; write setvar:tx.name=value"))?;
    let change = match (unset, value) {
        (true, _) => Change::Unset,
        (false, None) => Change::Set(Text::Plain("1".to_owned())),
        (false, Some(value)) => match value.split_at_checked(1) {
            Some(("+", amount)) => Change::Add(text::parse(amount)?),
            Some(("-", amount)) => Change::Subtract(text::parse(amount)?),
            _ => Change::Set(text::parse(value)?),
        },
    };
    let name = text::parse(&name.to_ascii_lowercase())?;
    if collection.eq_ignore_ascii_case("tx") {
        return Ok(Effect::SetTx { name, change });
    }
    Ok(Effect::SetKept {
        collection: collections::find(collection)?,
        name,
        change,
    })
}

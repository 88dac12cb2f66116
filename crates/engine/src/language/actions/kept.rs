//! Actions on collections that outlive the transaction, and on `ENV`.

use super::{Apply, Spec};
use crate::language::{collections, text};
use crate::plan::ir::{Collection, Effect};

/// `initcol`
pub(super) const INITCOL: Spec = Spec {
    name: "initcol",
    argument: "`COLLECTION=KEY`, the key with macros",
    summary: "chooses the record of a persistent collection: GLOBAL, IP, RESOURCE, SESSION or USER",
    example: "initcol:ip=%{REMOTE_ADDR}",
    apply: Apply::With(|to, argument| {
        let (collection, key) = argument.split_once('=').ok_or_else(|| {
            format!("`{argument}` names no key; write initcol:ip=%{{REMOTE_ADDR}}")
        })?;
        to.effects.push(Effect::InitCollection {
            collection: collections::find(collection.trim())?,
            key: text::parse(key)?,
        });
        Ok(())
    }),
};

/// `setsid`
pub(super) const SETSID: Spec = choose(
    "setsid",
    "setsid:%{REQUEST_COOKIES.session}",
    "sets SESSIONID and chooses the record of SESSION",
    Apply::With(|to, key| init(to, Collection::Session, key)),
);
/// `setuid`
pub(super) const SETUID: Spec = choose(
    "setuid",
    "setuid:%{ARGS.user}",
    "sets USERID and chooses the record of USER",
    Apply::With(|to, key| init(to, Collection::User, key)),
);
/// `setrsc`
pub(super) const SETRSC: Spec = choose(
    "setrsc",
    "setrsc:%{REQUEST_FILENAME}",
    "chooses the record of RESOURCE",
    Apply::With(|to, key| init(to, Collection::Resource, key)),
);

const fn choose(
    name: &'static str,
    example: &'static str,
    summary: &'static str,
    apply: Apply,
) -> Spec {
    Spec {
        name,
        argument: "a key with macros",
        summary,
        example,
        apply,
    }
}

fn init(to: &mut super::Actions, collection: Collection, key: &str) -> Result<(), String> {
    to.effects.push(Effect::InitCollection {
        collection,
        key: text::parse(key)?,
    });
    Ok(())
}

/// `expirevar`
pub(super) const EXPIREVAR: Spec = Spec {
    name: "expirevar",
    argument: "`COLLECTION.NAME=SECONDS`",
    summary: "a variable of a persistent collection is forgotten after that time",
    example: "expirevar:'ip.score=600'",
    apply: Apply::With(|to, argument| {
        let wrong = || format!("`{argument}` is not known; write expirevar:'ip.name=SECONDS'");
        let (path, seconds) = argument.split_once('=').ok_or_else(wrong)?;
        let (collection, name) = collections::member(path).ok_or_else(wrong)?;
        if collection.eq_ignore_ascii_case("tx") {
            return Err(
                "TX ends with the transaction; only persistent variables expire".to_owned(),
            );
        }
        to.effects.push(Effect::Expire {
            collection: collections::find(collection)?,
            name: text::parse(&name.to_ascii_lowercase())?,
            seconds: text::parse(seconds)?,
        });
        Ok(())
    }),
};

/// `setenv`
pub(super) const SETENV: Spec = Spec {
    name: "setenv",
    argument: "`NAME=VALUE`, the value with macros",
    summary: "sets a variable of ENV, for the rules of this transaction",
    example: "setenv:blocked=1",
    apply: Apply::With(|to, argument| {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        to.effects.push(Effect::SetEnv {
            name: name.trim().to_owned(),
            value: text::parse(value)?,
        });
        Ok(())
    }),
};

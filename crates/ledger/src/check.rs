//! What texts must be to come into the ledger.

use crate::{Limits, Refused};

/// What [`id`] demands, for schemas.
pub(crate) const ID: &str = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$";
/// What [`text`] demands, for schemas.
pub(crate) const TEXT: &str = r"^[^\x00]*[^\x00\s][^\x00]*$";

/// What a path's beginning demands, for schemas.
pub(crate) const PREFIX: &str = r"^/[^\x00]*$";
/// What [`address`] demands, for schemas.
pub(crate) const ADDRESS: &str = r"^https?://[A-Za-z0-9._:\[\]-]+$";

/// Letters, digits and `.` `_` `:` `@` `-`, beginning with a letter or digit, so that an
/// identifier stands in a path, a command line and a log as it is.
pub(crate) fn id(what: &str, text: &str, limits: &Limits) -> Result<(), Refused> {
    let first = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte));
    if !first || !rest {
        return Err(Refused::new(format!(
            "{what} `{}` must be letters, digits and `.`, `_`, `:`, `@`, `-`, and begin with a letter or digit",
            text.escape_debug()
        )));
    }
    size(what, text, limits.id_bytes)
}

/// Some text, not blank.
pub(crate) fn text(what: &str, text: &str, limits: &Limits) -> Result<(), Refused> {
    if text.trim().is_empty() {
        return Err(Refused::new(format!("{what} must not be empty")));
    }
    optional(what, text, limits)
}

/// Some text, or none.
pub(crate) fn optional(what: &str, text: &str, limits: &Limits) -> Result<(), Refused> {
    // PostgreSQL keeps no NUL.
    if text.contains('\0') {
        return Err(Refused::new(format!("{what} must not hold a NUL")));
    }
    size(what, text, limits.text_bytes)
}

/// Some text, not blank, if it was told.
pub(crate) fn told(what: &str, text: &Option<String>, limits: &Limits) -> Result<(), Refused> {
    text.iter().try_for_each(|it| self::text(what, it, limits))
}

/// Texts, none blank.
pub(crate) fn texts(
    what: &str,
    each: &str,
    list: &[String],
    limits: &Limits,
) -> Result<(), Refused> {
    entries(what, list, limits)?;
    list.iter().try_for_each(|it| text(each, it, limits))
}

/// The bytes of a long list's texts.
#[derive(Default)]
pub(crate) struct Tally(usize);

impl Tally {
    pub(crate) fn add(&mut self, what: &str, it: &str, limits: &Limits) -> Result<(), Refused> {
        self.0 += it.len();
        text(what, it, limits)
    }

    pub(crate) fn check(
        self,
        what: &str,
        entries: usize,
        most: usize,
        most_bytes: usize,
    ) -> Result<(), Refused> {
        if entries > most {
            return Err(Refused::new(format!(
                "{what} has {entries} entries, {most} are allowed"
            )));
        }
        if self.0 > most_bytes {
            return Err(Refused::new(format!(
                "{what} has {} bytes of text, {most_bytes} are allowed",
                self.0
            )));
        }
        Ok(())
    }
}

/// `http://HOST`, `https://HOST`, with a port or without, and nothing behind it.
pub(crate) fn address(what: &str, text: &str, limits: &Limits) -> Result<(), Refused> {
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:[]-".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(plain) {
        return Err(Refused::new(format!(
            "{what} `{}` must be such as https://shop.example or http://192.0.2.1:8080",
            text.escape_debug()
        )));
    }
    size(what, text, limits.text_bytes)
}

/// Not too many entries.
pub(crate) fn entries<T>(what: &str, list: &[T], limits: &Limits) -> Result<(), Refused> {
    if list.len() > limits.entries {
        return Err(Refused::new(format!(
            "{what} has {} entries, {} are allowed",
            list.len(),
            limits.entries
        )));
    }
    Ok(())
}

/// Identifiers of other records.
pub(crate) fn references(
    what: &str,
    each: &str,
    ids: &[String],
    limits: &Limits,
) -> Result<(), Refused> {
    entries(what, ids, limits)?;
    ids.iter().try_for_each(|it| id(each, it, limits))
}

/// Not too long.
pub(crate) fn size(what: &str, text: &str, most: usize) -> Result<(), Refused> {
    if text.len() > most {
        return Err(Refused::new(format!(
            "{what} has {} bytes, {most} are allowed",
            text.len()
        )));
    }
    Ok(())
}

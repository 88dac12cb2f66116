//! How queries, forms and cookies are cut into parameters.

use super::{Apply, Spec};

/// `SecArgumentSeparator`
pub(super) const SEPARATOR: Spec = Spec {
    name: "SecArgumentSeparator",
    argument: "one character",
    summary: "what stands between the parameters of a query or form",
    example: "SecArgumentSeparator &",
    apply: Apply::Set(|lowering, given| {
        lowering.program.argument_separator = character(given.one()?, given.name)?;
        Ok(())
    }),
};

/// `SecArgumentsLimit`
pub(super) const LIMIT: Spec = Spec {
    name: "SecArgumentsLimit",
    argument: "a number",
    summary: "how many parameters are read; beyond, REQBODY_ERROR is set",
    example: "SecArgumentsLimit 1000",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.arguments_limit = Some(given.number()?);
        Ok(())
    }),
};

/// `SecCookieFormat`
pub(super) const COOKIE_FORMAT: Spec = Spec {
    name: "SecCookieFormat",
    argument: "0 or 1",
    summary: "whether cookies are read as browsers send them, or with the quotes and `$Version` of RFC 2965",
    example: "SecCookieFormat 0",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.cookie_version_1 = given.either("1", "0")?;
        Ok(())
    }),
};

/// `SecCookieV0Separator`
pub(super) const COOKIE_SEPARATOR: Spec = Spec {
    name: "SecCookieV0Separator",
    argument: "one character",
    summary: "what stands between cookies",
    example: "SecCookieV0Separator ;",
    apply: Apply::Set(|lowering, given| {
        let separator = character(given.one()?, given.name)?;
        lowering.program.settings.cookie_separator = separator;
        Ok(())
    }),
};

fn character(text: &str, name: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [separator] => Ok(*separator),
        _ => Err(format!("{name} takes one character, not `{text}`")),
    }
}

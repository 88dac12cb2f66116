//! Response bodies: whether they are read, of which types, and how much of them.

use super::{Apply, Spec};

/// `SecResponseBodyAccess`
pub(super) const ACCESS: Spec = Spec {
    name: "SecResponseBodyAccess",
    argument: "On or Off",
    summary: "whether response bodies are held and inspected",
    example: "SecResponseBodyAccess On",
    apply: Apply::Set(|lowering, given| {
        lowering.program.response_body = given.on()?;
        Ok(())
    }),
};

/// `SecResponseBodyLimit`
pub(super) const LIMIT: Spec = Spec {
    name: "SecResponseBodyLimit",
    argument: "bytes",
    summary: "how much of a response body is held",
    example: "SecResponseBodyLimit 524288",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.response_body_limit = Some(given.number()?);
        Ok(())
    }),
};

/// `SecResponseBodyLimitAction`
pub(super) const LIMIT_ACTION: Spec = Spec {
    name: "SecResponseBodyLimitAction",
    argument: "Reject or ProcessPartial",
    summary: "whether a larger body is answered 500, or inspected as far as it is held",
    example: "SecResponseBodyLimitAction ProcessPartial",
    apply: Apply::Set(|lowering, given| {
        let partial = given.either("ProcessPartial", "Reject")?;
        lowering.program.settings.response_body_reject = !partial;
        Ok(())
    }),
};

/// `SecResponseBodyMimeType`
pub(super) const TYPES: Spec = Spec {
    name: "SecResponseBodyMimeType",
    argument: "media types; `(null)` for responses without one",
    summary: "which response bodies are inspected; text/plain and text/html where it is not said",
    example: "SecResponseBodyMimeType text/plain text/html application/json",
    apply: Apply::Set(|lowering, given| {
        if given.arguments.is_empty() {
            return Err("SecResponseBodyMimeType takes media types, such as text/html".to_owned());
        }
        let types = given
            .arguments
            .iter()
            .flat_map(|argument| argument.value.split_ascii_whitespace())
            .map(str::to_ascii_lowercase);
        lowering.program.settings.response_types = types.collect();
        Ok(())
    }),
};

/// `SecResponseBodyMimeTypesClear`
pub(super) const TYPES_CLEAR: Spec = Spec {
    name: "SecResponseBodyMimeTypesClear",
    argument: "",
    summary: "forgets the media types named before",
    example: "SecResponseBodyMimeTypesClear",
    apply: Apply::Set(|lowering, _| {
        lowering.program.settings.response_types.clear();
        Ok(())
    }),
};

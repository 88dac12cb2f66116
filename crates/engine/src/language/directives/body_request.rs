//! Request bodies: whether they are read, and how much of them.

use super::{Apply, Spec};

/// `SecRequestBodyAccess`
pub(super) const ACCESS: Spec = Spec {
    name: "SecRequestBodyAccess",
    argument: "On or Off",
    summary: "whether request bodies are held, parsed and inspected",
    example: "SecRequestBodyAccess On",
    apply: Apply::Set(|lowering, given| {
        lowering.program.request_body = given.on()?;
        Ok(())
    }),
};

/// `SecRequestBodyLimit`
pub(super) const LIMIT: Spec = Spec {
    name: "SecRequestBodyLimit",
    argument: "bytes",
    summary: "how much of a request body is held",
    example: "SecRequestBodyLimit 13107200",
    apply: Apply::Set(|lowering, given| {
        lowering.program.request_body_limit = Some(given.number()?);
        Ok(())
    }),
};

/// `SecRequestBodyNoFilesLimit`
pub(super) const NO_FILES_LIMIT: Spec = Spec {
    name: "SecRequestBodyNoFilesLimit",
    argument: "bytes",
    summary: "how large a request body may be without its uploaded files; beyond, REQBODY_ERROR is set",
    example: "SecRequestBodyNoFilesLimit 131072",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.request_body_no_files_limit = Some(given.number()?);
        Ok(())
    }),
};

/// `SecRequestBodyLimitAction`
pub(super) const LIMIT_ACTION: Spec = Spec {
    name: "SecRequestBodyLimitAction",
    argument: "Reject or ProcessPartial",
    summary: "whether a larger body is answered 413, or inspected as far as it is held",
    example: "SecRequestBodyLimitAction Reject",
    apply: Apply::Set(|lowering, given| {
        let partial = given.either("ProcessPartial", "Reject")?;
        lowering.program.settings.request_body_partial = partial;
        Ok(())
    }),
};

/// `SecRequestBodyJsonDepthLimit`
pub(super) const JSON_DEPTH: Spec = Spec {
    name: "SecRequestBodyJsonDepthLimit",
    argument: "a number",
    summary: "how deep JSON may nest; beyond, REQBODY_ERROR is set",
    example: "SecRequestBodyJsonDepthLimit 64",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.json_depth = Some(given.number()?);
        Ok(())
    }),
};

/// `SecUploadFileLimit`
pub(super) const FILE_LIMIT: Spec = Spec {
    name: "SecUploadFileLimit",
    argument: "a number",
    summary: "how many files a request may upload; beyond, MULTIPART_FILE_LIMIT_EXCEEDED is set",
    example: "SecUploadFileLimit 100",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.files_limit = Some(given.number()?);
        Ok(())
    }),
};

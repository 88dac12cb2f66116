//! Operators of ModSecurity that are known and not offered: they need files,
//! networks or other programs, or they change the request.

use super::{Build, Spec};

/// `@validateDTD`
pub(super) const VALIDATE_DTD: Spec = refused(
    "validateDTD",
    "the engine reads no DTD; allow the elements you expect with rules on XML, or act on REQBODY_ERROR",
);

/// `@validateSchema`
pub(super) const VALIDATE_SCHEMA: Spec = refused(
    "validateSchema",
    "the engine reads no XML schema; allow the elements you expect with rules on XML, or act on REQBODY_ERROR",
);

/// `@inspectFile`
pub(super) const INSPECT_FILE: Spec = refused(
    "inspectFile",
    "the engine runs no programs; inspect uploads with rules on FILES and FILES_TMP_CONTENT, or scan them in the application",
);

/// `@fuzzyHash`
pub(super) const FUZZY_HASH: Spec = refused(
    "fuzzyHash",
    "fuzzy hashes are not computed; match what is known of the file with @rx or @pm",
);

/// `@rbl`
pub(super) const RBL: Spec = refused(
    "rbl",
    "the engine asks no network while a request waits; use @ipMatchFromFile with a list that is fetched beforehand",
);

/// `@gsbLookup`
pub(super) const GSB_LOOKUP: Spec = refused(
    "gsbLookup",
    "Google Safe Browsing no longer offers what this read; use @pmFromFile with a list of hosts",
);

/// `@rsub`
pub(super) const RSUB: Spec = refused(
    "rsub",
    "rules do not rewrite bodies; deny the request, or strip the header or parameter",
);

/// `@validateHash`
pub(super) const VALIDATE_HASH: Spec = refused(
    "validateHash",
    "links are not signed here; validate them in the application",
);

const fn refused(name: &'static str, why: &'static str) -> Spec {
    Spec {
        name,
        summary: "not offered",
        argument: "",
        example: "",
        build: Build::Refused(why),
    }
}

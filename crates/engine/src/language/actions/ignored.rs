//! Actions that are known and do nothing here.

use super::{Apply, Spec};

const MASKED: &str = "events mask secrets as the gateway's configuration says";

/// `auditlog`: rules say it everywhere, so it does not warn.
pub(super) const AUDITLOG: Spec = ignored("auditlog", "", "auditlog", "");
/// `noauditlog`
pub(super) const NOAUDITLOG: Spec = ignored("noauditlog", "", "noauditlog", "");
/// `deprecatevar`
pub(super) const DEPRECATEVAR: Spec = ignored(
    "deprecatevar",
    "`COLLECTION.NAME=AMOUNT/SECONDS`",
    "deprecatevar:ip.score=60/300",
    "values do not fade; use expirevar",
);
/// `sanitiseArg`
pub(super) const SANITISE_ARG: Spec =
    ignored("sanitiseArg", "a parameter", "sanitiseArg:password", MASKED);
/// `sanitiseMatched`
pub(super) const SANITISE_MATCHED: Spec = ignored("sanitiseMatched", "", "sanitiseMatched", MASKED);
/// `sanitiseMatchedBytes`
pub(super) const SANITISE_MATCHED_BYTES: Spec = ignored(
    "sanitiseMatchedBytes",
    "perhaps `FIRST/LAST`",
    "sanitiseMatchedBytes:4/4",
    MASKED,
);
/// `sanitiseRequestHeader`
pub(super) const SANITISE_REQUEST_HEADER: Spec = ignored(
    "sanitiseRequestHeader",
    "a header",
    "sanitiseRequestHeader:Authorization",
    MASKED,
);
/// `sanitiseResponseHeader`
pub(super) const SANITISE_RESPONSE_HEADER: Spec = ignored(
    "sanitiseResponseHeader",
    "a header",
    "sanitiseResponseHeader:Set-Cookie",
    MASKED,
);

const fn ignored(
    name: &'static str,
    argument: &'static str,
    example: &'static str,
    why: &'static str,
) -> Spec {
    Spec {
        name,
        argument,
        summary: "does nothing here",
        example,
        apply: Apply::Ignored(why),
    }
}

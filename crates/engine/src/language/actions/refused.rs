//! Actions that are known and are an error here.

use super::{Apply, Spec};

/// `append`
pub(super) const APPEND: Spec = refused(
    "append",
    "responses are not rewritten; deny them, or change the application",
);
/// `prepend`
pub(super) const PREPEND: Spec = refused(
    "prepend",
    "responses are not rewritten; deny them, or change the application",
);
/// `exec`
pub(super) const EXEC: Spec = refused(
    "exec",
    "no programs are run while a request waits; act on the event of the match",
);
/// `pause`
pub(super) const PAUSE: Spec = refused(
    "pause",
    "holding requests back costs us more than the attacker; deny or drop them",
);
/// `proxy`
pub(super) const PROXY: Spec = refused(
    "proxy",
    "rules do not choose the upstream; redirect, or route in the gateway's configuration",
);

const fn refused(name: &'static str, why: &'static str) -> Spec {
    Spec {
        name,
        argument: "",
        summary: "not offered",
        example: "",
        apply: Apply::Refused(why),
    }
}

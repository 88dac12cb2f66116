//! Actions that decide; of several in a rule, the last one counts.

use super::{Apply, Spec, Verb, number};
use crate::decision::Strip;
use crate::language::text;
use crate::plan::ir::Allow;

/// `allow`
pub(super) const ALLOW: Spec = Spec {
    name: "allow",
    argument: "nothing, `phase` or `request`",
    summary: "runs no further rules: of this transaction, of this phase, or until the response",
    example: "allow:phase",
    apply: Apply::Perhaps(|to, argument| {
        to.disruptive = Some(Verb::Allow(allow(argument)?));
        Ok(())
    }),
};

/// `block`
pub(super) const BLOCK: Spec = Spec {
    name: "block",
    argument: "",
    summary: "does what SecDefaultAction says for the phase",
    example: "block",
    // Beside another disruptive action it says nothing.
    apply: Apply::Bare(|to| {
        to.disruptive.get_or_insert(Verb::Block);
    }),
};

/// `deny`
pub(super) const DENY: Spec = Spec {
    name: "deny",
    argument: "",
    summary: "stops the transaction and answers with `status`",
    example: "deny",
    apply: Apply::Bare(|to| to.disruptive = Some(Verb::Deny)),
};

/// `drop`
pub(super) const DROP: Spec = Spec {
    name: "drop",
    argument: "",
    summary: "closes the connection without an answer",
    example: "drop",
    apply: Apply::Bare(|to| to.disruptive = Some(Verb::Drop)),
};

/// `pass`
pub(super) const PASS: Spec = Spec {
    name: "pass",
    argument: "",
    summary: "goes on with the next rule",
    example: "pass",
    apply: Apply::Bare(|to| to.disruptive = Some(Verb::Pass)),
};

/// `redirect`
pub(super) const REDIRECT: Spec = Spec {
    name: "redirect",
    argument: "a URI with macros",
    summary: "stops the transaction and sends the client elsewhere, with `status` or 302",
    example: "redirect:'https://example.org/blocked'",
    apply: Apply::With(|to, argument| {
        to.disruptive = Some(Verb::Redirect(text::parse(argument)?));
        Ok(())
    }),
};

/// `strip` (ours)
pub(super) const STRIP: Spec = Spec {
    name: "strip",
    argument: "`header:NAME`, `cookie:NAME` or `query:NAME`",
    summary: "takes something out of the request before it is forwarded (ours)",
    example: "strip:header:x-middleware-subrequest",
    apply: Apply::With(|to, argument| {
        to.disruptive = Some(Verb::Strip(strip(argument)?));
        Ok(())
    }),
};

/// `status`
pub(super) const STATUS: Spec = Spec {
    name: "status",
    argument: "100 to 599",
    summary: "the status of the answer, where the rule stops the transaction; otherwise 403",
    example: "status:404",
    apply: Apply::With(|to, argument| {
        let status: u16 = number(argument)?;
        if !(100..=599).contains(&status) {
            return Err(format!(
                "`{status}` is no HTTP status; write one from 100 to 599"
            ));
        }
        to.status = Some(status);
        Ok(())
    }),
};

fn allow(argument: Option<&str>) -> Result<Allow, String> {
    match argument.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(Allow::Transaction),
        Some("phase") => Ok(Allow::Phase),
        Some("request") => Ok(Allow::Request),
        Some(other) => Err(format!(
            "`allow:{other}` is not known; write allow, allow:phase or allow:request"
        )),
    }
}

fn strip(argument: &str) -> Result<Strip, String> {
    match argument.split_once(':') {
        Some(("header", name)) => Ok(Strip::Header(name.to_ascii_lowercase())),
        Some(("cookie", name)) => Ok(Strip::Cookie(name.to_owned())),
        Some(("query", name)) => Ok(Strip::QueryParameter(name.to_owned())),
        _ => Err(format!(
            "`strip:{argument}` is not known; write strip:header:NAME, strip:cookie:NAME or strip:query:NAME"
        )),
    }
}

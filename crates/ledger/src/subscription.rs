//! Who is told of changes as they happen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Entry;
use crate::{Limits, Refused, check};

/// What a subscription is for if it names nothing itself: what needs a decision.
pub const TOLD: [&str; 10] = [
    "exception.ending",
    "exception.void",
    "gateway.silent",
    "ingress-point.hole",
    "patch.expired",
    "patch.expiring",
    "patch.propose-retirement",
    "rollout.demote",
    "rollout.proof-overdue",
    "rollout.roll-back",
];

/// Somebody who is told of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Names it.
    pub id: String,
    /// `https://…`, `http://…` or `mailto:` and an address.
    pub to: String,
    /// Of which changes, as the audit log names them; none: what needs a decision.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl Subscription {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("to", &self.to, limits)?;
        check::texts("actions", "an action", &self.actions, limits)?;
        let plain = self.to.bytes().all(|byte| byte.is_ascii_graphic());
        let known = match self.to.split_once(':') {
            Some(("https" | "http", rest)) => rest.len() > 2 && rest.starts_with("//"),
            Some(("mailto", address)) => {
                let parts = address.split_once('@');
                parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
            }
            _ => false,
        };
        match plain && known {
            true => Ok(()),
            false => Err(Refused::new(format!(
                "to `{}` must be https://…, http://… or mailto:somebody@example.org",
                self.to.escape_debug()
            ))),
        }
    }

    /// Whether it is for this change.
    #[must_use]
    pub fn wants(&self, entry: &Entry) -> bool {
        match self.actions.is_empty() {
            true => TOLD.contains(&&*entry.action),
            false => self.actions.contains(&entry.action),
        }
    }
}

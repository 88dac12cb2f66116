//! Who may do what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Limits, Refused, check};

/// Who does what happens by itself, in the audit log.
pub const SYSTEM: &str = "system";

named! {
    /// What somebody may do; each may also do what those before may.
    pub enum Role {
        /// Look.
        Viewer = "viewer",
        /// Change what is kept, and start and move rollouts.
        Operator = "operator",
        /// Consent to enforcing.
        Approver = "approver",
        /// Give and take access.
        Admin = "admin",
    }
}

named! {
    /// A part of the ledger.
    pub enum Area {
        /// Assets, applications, ingress points.
        Inventory = "inventory",
        /// Advisories and findings.
        Findings = "findings",
        /// Virtual patches.
        Patches = "patches",
        /// Rollouts.
        Rollouts = "rollouts",
        /// Campaigns that bring vendor patches to assets.
        Campaigns = "campaigns",
        /// Ingress points that take bundles, and their leave to do so.
        Fleet = "fleet",
        /// The log of changes.
        Audit = "audit",
        /// Access to the ledger.
        Tokens = "tokens",
    }
}

/// Somebody's access, for programs. The secret that shows it is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Names it.
    pub id: String,
    /// Whose it is, for the audit log; two tokens of one person are one person.
    pub who: String,
    /// What it allows.
    pub role: Role,
    /// The parts of the ledger that it is for; none: all.
    #[serde(default)]
    pub areas: Vec<Area>,
    /// When it ends.
    pub expires_ms: i64,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
}

impl Token {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or it has ended already.
    pub fn check(&self, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("who", &self.who, limits)?;
        check::entries("areas", &self.areas, limits)?;
        if self.expires_ms <= now_ms {
            return Err(Refused::new("expires_ms must be ahead"));
        }
        Ok(())
    }

    /// Whether it still counts.
    #[must_use]
    pub fn holds(&self, now_ms: i64) -> bool {
        self.revoked_ms.is_none() && now_ms < self.expires_ms
    }

    /// Whether it allows what takes this role in this part of the ledger.
    #[must_use]
    pub fn allows(&self, role: Role, area: Area) -> bool {
        self.role >= role && (self.areas.is_empty() || self.areas.contains(&area))
    }
}

/// Somebody who signs in to the console: with a password, of which no more than a hash is kept elsewhere,
/// or at a provider of identities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Who, also for the audit log: a user and a token of the same name are one person.
    pub id: String,
    /// What they may.
    pub role: Role,
    /// The parts of the ledger where they may; none: all.
    #[serde(default)]
    pub areas: Vec<Area>,
    /// Where they sign in instead of with a password; their role comes from there, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// When they were put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_ms: Option<i64>,
}

/// Who somebody is at a provider of identities (OpenID Connect).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The provider, as it names itself.
    pub issuer: String,
    /// How it names them, and nobody else ever.
    pub subject: String,
}

impl User {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        if self.id == SYSTEM {
            return Err(Refused::new(format!(
                "nobody is `{SYSTEM}`: what happens by itself is logged so"
            )));
        }
        if let Some(account) = &self.account {
            check::text("issuer", &account.issuer, limits)?;
            check::text("subject", &account.subject, limits)?;
        }
        check::entries("areas", &self.areas, limits)
    }

    /// What their access is like; none: they were put out.
    #[must_use]
    pub fn access(&self) -> Option<Token> {
        self.removed_ms.is_none().then(|| Token {
            // No token can have this name.
            id: format!("user/{}", self.id),
            who: self.id.clone(),
            role: self.role,
            areas: self.areas.clone(),
            expires_ms: i64::MAX,
            revoked_ms: None,
        })
    }
}

//! Ingress points that take bundles, and who signs these.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Environment, Limits, Refused, check};

/// Leave for one ingress point to join the fleet, once. The secret that shows it is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The ingress point, by its identifier.
    pub ingress: String,
    /// Where it is.
    pub environment: Environment,
    /// When the leave ends.
    pub expires_ms: i64,
    /// When it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_ms: Option<i64>,
}

impl Enrolment {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// The identifier is malformed, or it has ended already.
    pub fn check(&self, now_ms: i64, limits: &Limits) -> Result<(), Refused> {
        check::id("ingress", &self.ingress, limits)?;
        match self.expires_ms <= now_ms {
            true => Err(Refused::new("expires_ms must be ahead")),
            false => Ok(()),
        }
    }

    /// Whether a key may still join by it.
    ///
    /// # Errors
    /// It was used, or has ended.
    pub fn admits(&self, now_ms: i64) -> Result<(), Refused> {
        if self.used_ms.is_some() {
            return Err(Refused::new(
                "this enrolment token was used: ask for another",
            ));
        }
        match self.expires_ms <= now_ms {
            true => Err(Refused::new(
                "this enrolment token has ended: ask for another",
            )),
            false => Ok(()),
        }
    }
}

/// An ingress point of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The ingress point, by its identifier.
    pub id: String,
    /// Where it is.
    pub environment: Environment,
    /// What its calls are checked with: an Ed25519 key in base64.
    pub key: String,
    /// The version of its program when it joined.
    pub program: String,
    /// When it joined.
    pub enrolled_ms: i64,
    /// When it was put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
}

impl Gateway {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("key", &self.key, limits)?;
        check::text("program", &self.program, limits)
    }
}

named! {
    /// What a signing key is for.
    pub enum KeyState {
        /// It signs bundles.
        Signs = "signs",
        /// Bundles name it; it signs when every ingress point has taken one of these.
        Next = "next",
    }
}

/// A key that signs bundles, as far as others may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// Its name.
    pub id: String,
    /// What signatures are checked with: an Ed25519 key in base64.
    pub key: String,
    /// What it is for.
    pub state: KeyState,
    /// When it was made.
    pub made_ms: i64,
}

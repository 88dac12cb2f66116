//! Virtual patches, as far as the ledger looks into them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Limits, Refused, check, sha256};

named! {
    /// Why there is a virtual patch instead of the fix.
    pub enum Reason {
        /// Nobody has time to fix it now.
        NoResources = "no-resources",
        /// A provider runs the software.
        ProviderManaged = "provider-managed",
        /// Somebody else's software.
        ThirdParty = "third-party",
        /// There is no fix yet.
        WaitingForFix = "waiting-for-fix",
    }
}

/// The real fix that a patch waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwaitedFix {
    /// Where it can be followed: a ticket, a release, an advisory.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub link: String,
    /// What showed on the fixed version that the exploit fails without the patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub verified_by: Option<String>,
}

/// A virtual patch, in its present version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualPatch {
    /// As its document says.
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub id: String,
    /// For people.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: String,
    /// The advisories that it is for.
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub advisories: Vec<String>,
    /// Who answers for it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub owner: String,
    /// Why it is there.
    pub reason: Reason,
    /// When it must be looked at anew. It protects also afterwards.
    pub expires_ms: i64,
    /// The fix that it waits for.
    pub fix: AwaitedFix,
    /// The document, as written.
    #[schemars(length(max = 1048576))]
    pub document: String,
}

/// What a patch asks of people now; the first that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// The fix was verified: the patch may be retired.
    Retire,
    /// It is past its expiry, and still protects.
    Expired,
    /// It expires soon.
    Expiring,
    /// Nothing.
    None,
}

impl VirtualPatch {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::entries("advisories", &self.advisories, limits)?;
        for advisory in &self.advisories {
            check::id("advisory", advisory, limits)?;
        }
        check::text("owner", &self.owner, limits)?;
        check::text("fix.link", &self.fix.link, limits)?;
        if let Some(evidence) = &self.fix.verified_by {
            check::text("fix.verified_by", evidence, limits)?;
        }
        if self.document.contains('\0') {
            return Err(Refused::new("document must not hold a NUL"));
        }
        check::size("document", &self.document, limits.document_bytes)
    }

    /// Names this very document: SHA-256, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(self.document.as_bytes())
    }

    /// What it asks of people, with a warning so many milliseconds before it expires.
    #[must_use]
    pub fn attention(&self, now_ms: i64, warning_ms: i64) -> Attention {
        if self.fix.verified_by.is_some() {
            Attention::Retire
        } else if now_ms >= self.expires_ms {
            Attention::Expired
        } else if now_ms >= self.expires_ms.saturating_sub(warning_ms) {
            Attention::Expiring
        } else {
            Attention::None
        }
    }
}

/// What is kept of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The document that was proven: SHA-256, in hexadecimal.
    pub digest: String,
    /// What speaks against the patch.
    #[serde(default)]
    pub objections: Vec<String>,
    /// When it was proven.
    pub proven_ms: i64,
}

/// A proof that holds for one document, and against which nothing speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Proven(Proof);

impl Proven {
    /// Takes a proof for what it is.
    ///
    /// # Errors
    /// It is of another document, or something speaks against the patch.
    pub fn new(proof: &Proof, patch: &VirtualPatch) -> Result<Self, Refused> {
        if proof.digest != patch.digest() {
            return Err(Refused::new(format!(
                "the proof is of another document than patch {} has now: prove it anew",
                patch.id
            )));
        }
        if let Some(first) = proof.objections.first() {
            return Err(Refused::new(format!(
                "the proof speaks against patch {}: {first}",
                patch.id
            )));
        }
        Ok(Self(proof.clone()))
    }

    /// The document that was proven.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }
}

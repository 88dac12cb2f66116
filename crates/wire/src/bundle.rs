//! Bundles: what the control side tells ingress points to enforce.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::envelope::{self, Sealed};
use crate::key::{PrivateKey, PublicKey};

/// What every ingress point of an environment enforces, from this bundle on.
///
/// It names documents by their digests; ingress points ask for those that they do not have.
/// So a bundle stays small when it grows, and documents may come from anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The shape's version.
    pub version: u32,
    /// Where it is for: `test`, `production`, ….
    pub environment: String,
    /// Rises from bundle to bundle, also when an earlier content comes back.
    pub number: u64,
    /// When it was signed: milliseconds since 1970-01-01 UTC.
    pub made_ms: i64,
    /// Until when it may be taken into use. What is in use stays in use.
    pub expires_ms: i64,
    /// Whose signatures count from the next bundle on.
    pub keys: Vec<PublicKey>,
    /// What is enforced.
    pub patches: Vec<BundlePatch>,
}

/// A virtual patch in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlePatch {
    /// Its identifier.
    pub id: String,
    /// Its document: SHA-256 of the bytes, in hexadecimal.
    pub digest: String,
    /// What it does to whom.
    pub mode: BundleMode,
}

/// What a patch does to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum BundleMode {
    /// Records, and stops nobody.
    Shadow {},
    /// Stops a share of the clients, always the same, and records the others.
    Canary {
        /// Of 100 clients, 1 to 99.
        percent: u8,
    },
    /// Stops everybody.
    Enforce {},
}

/// What an ingress point trusts: it makes a bundle's sender prove itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Its own environment.
    pub environment: String,
    /// Whose signatures count.
    pub keys: Vec<PublicKey>,
    /// The number of the newest bundle that it has taken; 0: none yet.
    pub number: u64,
}

/// Why a bundle is not taken into use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleRefused {
    /// It is longer than a bundle may be.
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// It is no bundle, or not a whole one.
    Malformed(String),
    /// Whoever signed it is not trusted, or it was changed afterwards.
    NotSigned,
    /// It is of a release to come.
    Newer {
        /// Its shape's version.
        version: u32,
    },
    /// It is for another environment.
    OtherEnvironment {
        /// Which.
        environment: String,
    },
    /// A bundle with this number, or a higher one, was there already.
    Old {
        /// Its number.
        number: u64,
        /// The highest there was.
        newest: u64,
    },
    /// Its time is over.
    Expired {
        /// Since when.
        expires_ms: i64,
    },
}

impl Bundle {
    /// The version that this crate writes, and the highest that it reads.
    pub const VERSION: u32 = 1;
    /// Bytes of a signed bundle, at most: 100,000 patches.
    pub const BYTES: usize = 32 << 20;
    /// Patches of a bundle, at most.
    pub const PATCHES: usize = 100_000;
    /// Keys of a bundle, at most.
    pub const KEYS: usize = 16;
    /// What an envelope says it holds.
    const KIND: &'static str = "application/vnd.stopgap.bundle+json";

    /// The bundle, signed: an envelope in JSON.
    ///
    /// # Errors
    /// None in practice: every field can be written as JSON.
    pub fn seal(&self, key: &PrivateKey) -> Result<Vec<u8>, serde_json::Error> {
        envelope::seal(Self::KIND, &serde_json::to_vec(self)?, key)
    }
}

impl Trust {
    /// The bundle in a signed bundle, if it may be taken into use now.
    ///
    /// # Errors
    /// It may not.
    pub fn open(&self, sealed: &[u8], now_ms: i64) -> Result<Bundle, BundleRefused> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        if sealed.len() > Bundle::BYTES {
            return Err(BundleRefused::TooLarge {
                bytes: sealed.len(),
            });
        }
        let payload = envelope::open(Bundle::KIND, sealed, &self.keys)?;
        let malformed = |why: serde_json::Error| BundleRefused::Malformed(why.to_string());
        let Versioned { version } = serde_json::from_slice(&payload).map_err(malformed)?;
        if version == 0 || version > Bundle::VERSION {
            return Err(BundleRefused::Newer { version });
        }
        let bundle: Bundle = serde_json::from_slice(&payload).map_err(malformed)?;
        bundle.check().map_err(BundleRefused::Malformed)?;
        if bundle.environment != self.environment {
            return Err(BundleRefused::OtherEnvironment {
                environment: bundle.environment,
            });
        }
        if bundle.number <= self.number {
            return Err(BundleRefused::Old {
                number: bundle.number,
                newest: self.number,
            });
        }
        if bundle.expires_ms <= now_ms {
            return Err(BundleRefused::Expired {
                expires_ms: bundle.expires_ms,
            });
        }
        Ok(bundle)
    }

    /// What is trusted when the bundle was taken.
    #[must_use]
    pub fn after(&self, bundle: &Bundle) -> Self {
        Self {
            environment: self.environment.clone(),
            keys: bundle.keys.clone(),
            number: bundle.number,
        }
    }
}

impl Bundle {
    /// Whether it says what a bundle must say.
    fn check(&self) -> Result<(), String> {
        if self.keys.is_empty() || self.keys.len() > Self::KEYS {
            return Err(format!("it must name 1 to {} keys", Self::KEYS));
        }
        if self.patches.len() > Self::PATCHES {
            return Err(format!("it has more than {} patches", Self::PATCHES));
        }
        for patch in &self.patches {
            let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if patch.digest.len() != 64 || !patch.digest.bytes().all(hexadecimal) {
                return Err(format!("the digest of {} is none", patch.id));
            }
            if let BundleMode::Canary { percent } = patch.mode
                && !(1..=99).contains(&percent)
            {
                return Err(format!("the share of {} is not 1 to 99", patch.id));
            }
        }
        Ok(())
    }
}

impl BundleRefused {
    /// For programs: `not-signed`, `old`, ….
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Malformed(_) => "malformed",
            Self::NotSigned => "not-signed",
            Self::Newer { .. } => "newer",
            Self::OtherEnvironment { .. } => "other-environment",
            Self::Old { .. } => "old",
            Self::Expired { .. } => "expired",
        }
    }
}

impl From<Sealed> for BundleRefused {
    fn from(why: Sealed) -> Self {
        match why {
            Sealed::Malformed(why) => Self::Malformed(why),
            Sealed::OfAnotherKind(kind) => Self::Malformed(format!("it holds {kind:?}")),
            Sealed::NotSigned => Self::NotSigned,
        }
    }
}

impl std::fmt::Display for BundleRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { bytes } => write!(
                f,
                "the bundle has {bytes} bytes, {} are the most",
                Bundle::BYTES
            ),
            Self::Malformed(why) => write!(f, "not a whole bundle: {why}"),
            Self::NotSigned => f.write_str("no trusted key has signed the bundle as it is"),
            Self::Newer { version } => write!(
                f,
                "bundle version {version} is not known, {} is the highest; upgrade the gateway",
                Bundle::VERSION
            ),
            Self::OtherEnvironment { environment } => {
                write!(f, "the bundle is for the environment {environment:?}")
            }
            Self::Old { number, newest } => write!(
                f,
                "bundle {number} is not newer than {newest}, which was there already"
            ),
            Self::Expired { expires_ms } => {
                write!(f, "the bundle's time was over at {expires_ms} ms")
            }
        }
    }
}

impl std::error::Error for BundleRefused {}

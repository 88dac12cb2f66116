//! Signed calls: HTTP Message Signatures (RFC 9421) with Ed25519, over the method, the request
//! target and the body's digest (RFC 9530).
//!
//! Of the many forms that the standard allows this is one, and no other is read:
//!
//! ```text
//! Content-Digest: sha-256=:BASE64:
//! Signature-Input: sig1=("@method" "@request-target" "content-digest");created=SECONDS;keyid="NAME";alg="ed25519"
//! Signature: sig1=:BASE64:
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::key::{PrivateKey, PublicKey};

const COVERED: &str = r#"("@method" "@request-target" "content-digest")"#;
/// Bytes of a header's value that are looked at, at most.
const VALUE: usize = 512;

/// What is signed of a call.
#[derive(Debug, Clone, Copy)]
pub struct SignedCall<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// Path and query, as on the request line.
    pub target: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// A call's signature: the values of three headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSignature {
    /// Of the header `Content-Digest`.
    pub content_digest: String,
    /// Of the header `Signature-Input`.
    pub input: String,
    /// Of the header `Signature`.
    pub signature: String,
}

/// Why a call's signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallRefused {
    /// The headers are not of the form that is read.
    Malformed,
    /// The body is not the one that was signed.
    OtherBody,
    /// The clocks differ by more than [`CallSignature::TOLERANCE_S`], or it is an old call.
    Clock {
        /// When it says it was signed: seconds since 1970-01-01 UTC.
        created: i64,
    },
    /// The key has not signed this.
    NotSigned,
}

impl SignedCall<'_> {
    fn digest(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(self.body)))
    }

    fn base(&self, digest: &str, parameters: &str) -> String {
        format!(
            "\"@method\": {}\n\"@request-target\": {}\n\"content-digest\": {digest}\n\"@signature-params\": {parameters}",
            self.method, self.target
        )
    }

    /// Its signature by the key that the other side knows by this name.
    #[must_use]
    pub fn sign(&self, name: &str, key: &PrivateKey, now_s: i64) -> CallSignature {
        let parameters = format!("{COVERED};created={now_s};keyid=\"{name}\";alg=\"ed25519\"");
        let content_digest = self.digest();
        let signature = key.sign(self.base(&content_digest, &parameters).as_bytes());
        CallSignature {
            content_digest,
            input: format!("sig1={parameters}"),
            signature: format!("sig1=:{}:", STANDARD.encode(signature)),
        }
    }
}

impl CallSignature {
    /// How far the clocks of both sides may differ.
    pub const TOLERANCE_S: i64 = 300;

    /// The name of the key, as the caller says.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Some(self.parameters()?.1)
    }

    /// When it was made, and by whom.
    fn parameters(&self) -> Option<(i64, &str)> {
        if self.input.len() > VALUE {
            return None;
        }
        let rest = self.input.strip_prefix("sig1=")?.strip_prefix(COVERED)?;
        let (created, rest) = rest.strip_prefix(";created=")?.split_once(';')?;
        let name = rest.strip_prefix("keyid=\"")?;
        let name = name.strip_suffix("\";alg=\"ed25519\"")?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        let created = created.parse().ok()?;
        name.bytes().all(plain).then_some((created, name))
    }

    /// Whether the key has signed this call, now.
    ///
    /// # Errors
    /// It has not.
    pub fn check(
        &self,
        call: &SignedCall<'_>,
        key: &PublicKey,
        now_s: i64,
    ) -> Result<(), CallRefused> {
        let (created, _) = self.parameters().ok_or(CallRefused::Malformed)?;
        let encoded = self.signature.strip_prefix("sig1=:");
        let encoded = encoded.and_then(|text| text.strip_suffix(':'));
        let encoded = encoded.filter(|text| text.len() <= VALUE);
        let signature = encoded.and_then(|text| STANDARD.decode(text).ok());
        let signature = signature.ok_or(CallRefused::Malformed)?;
        if call.digest() != self.content_digest {
            return Err(CallRefused::OtherBody);
        }
        let parameters = self.input.strip_prefix("sig1=").unwrap_or_default();
        let base = call.base(&self.content_digest, parameters);
        if !key.has_signed(base.as_bytes(), &signature) {
            return Err(CallRefused::NotSigned);
        }
        if now_s.abs_diff(created) > Self::TOLERANCE_S.unsigned_abs() {
            return Err(CallRefused::Clock { created });
        }
        Ok(())
    }
}

impl std::fmt::Display for CallRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed => f.write_str("the call is not signed in the form that is read here"),
            Self::OtherBody => f.write_str("the body is not the one that was signed"),
            Self::Clock { created } => write!(
                f,
                "the call was signed at {created} s, which is more than {} s from now: set the clock",
                CallSignature::TOLERANCE_S
            ),
            Self::NotSigned => f.write_str("the key has not signed this call"),
        }
    }
}

impl std::error::Error for CallRefused {}

//! What shows that somebody has a token: `stopgap.`, the token's name, `.`, 32 random bytes,
//! both in base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::sha256;
use rustix::rand::{GetRandomFlags, getrandom};

const BYTES: usize = 32;

/// Random bytes of the system, enough for a secret.
pub(crate) fn random() -> std::io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    // Not more than 256 bytes: given whole, or not at all.
    if getrandom(&mut bytes[..], GetRandomFlags::empty())? != BYTES {
        return Err(std::io::Error::other("too few random bytes"));
    }
    Ok(bytes)
}

/// A token's secret.
pub struct Secret {
    id: String,
    bytes: Vec<u8>,
}

impl Secret {
    /// A new one for this token.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(id: &str) -> std::io::Result<Self> {
        Ok(Self {
            id: id.to_owned(),
            bytes: random()?.into(),
        })
    }

    /// What a client sends.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (id, bytes) = text.strip_prefix("stopgap.")?.split_once('.')?;
        let id = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
        (bytes.len() == BYTES && !id.contains('\0')).then_some(Self { id, bytes })
    }

    /// The token's name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What is kept of it. The bytes are random: a slow hash would protect them no better.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256(&self.bytes)
    }

    /// What its owner is given, once.
    #[must_use]
    pub fn text(&self) -> String {
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        format!("stopgap.{id}.{}", URL_SAFE_NO_PAD.encode(&self.bytes))
    }
}

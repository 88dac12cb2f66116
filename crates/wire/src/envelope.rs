//! Signed documents: DSSE, the Dead Simple Signing Envelope, version 1.0
//! (`secure-systems-lab/dsse`, `protocol.md` and `envelope.md`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::key::{PrivateKey, PublicKey};

/// Signatures looked at, at most.
const SIGNATURES: usize = 16;

#[derive(Serialize, Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    kind: String,
    payload: String,
    signatures: Vec<Signed>,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    /// A hint, as the format has it: which key it is of is tried out.
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// Why an envelope is not opened.
pub(crate) enum Sealed {
    /// It is no envelope, or not a whole one.
    Malformed(String),
    /// It holds something else.
    OfAnotherKind(String),
    /// None of the keys has signed it.
    NotSigned,
}

/// What is signed of a payload of this kind: DSSE's pre-authentication encoding.
fn signed_bytes(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload, signed, as JSON.
pub(crate) fn seal(
    kind: &str,
    payload: &[u8],
    key: &PrivateKey,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope {
        kind: kind.to_owned(),
        payload: STANDARD.encode(payload),
        signatures: vec![Signed {
            keyid: key.public().id(),
            sig: STANDARD.encode(key.sign(&signed_bytes(kind, payload))),
        }],
    })
}

/// The payload, if one of the keys has signed it as this kind.
pub(crate) fn open(kind: &str, bytes: &[u8], keys: &[PublicKey]) -> Result<Vec<u8>, Sealed> {
    let malformed = |why: &dyn std::fmt::Display| Sealed::Malformed(why.to_string());
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|why| malformed(&why))?;
    if envelope.kind != kind {
        return Err(Sealed::OfAnotherKind(envelope.kind));
    }
    let decoded = STANDARD.decode(&envelope.payload);
    let payload = decoded.map_err(|why| malformed(&format!("payload: {why}")))?;
    let signed = signed_bytes(kind, &payload);
    let trusted = envelope.signatures.iter().take(SIGNATURES).any(|each| {
        let signature = STANDARD.decode(&each.sig).unwrap_or_default();
        keys.iter().any(|key| key.has_signed(&signed, &signature))
    });
    match trusted {
        true => Ok(payload),
        false => Err(Sealed::NotSigned),
    }
}

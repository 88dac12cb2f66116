//! What crosses a process: versioned shapes, who signed them, and nothing else.
//!
//! Whatever is stored or sent carries its version, and an old specimen in
//! `testdata/` that every later reader must open.

mod bundle;
mod call;
mod envelope;
mod event;
mod exposition;
mod fleet;
mod key;
mod ocsf;

pub use bundle::{Bundle, BundleMode, BundlePatch, BundleRefused, Trust};
pub use call::{CallRefused, CallSignature, SignedCall};
pub use event::{Action, Event, EventMatch, ReadError};
pub use exposition::{Exposition, Metric};
pub use fleet::{
    Attestation, Attested, CALL_BYTES, Delivered, Delivery, Enrol, Enrolled, Refusal, Traffic,
    Wanted,
};
pub use key::{NotAKey, PrivateKey, PublicKey};

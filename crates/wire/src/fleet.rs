//! What ingress points and the control side say to each other, as JSON.
//!
//! | Call | From the ingress point | Back |
//! |---|---|---|
//! | `POST /api/v1/fleet/enrol` with a one-time token | [`Enrol`] | [`Enrolled`] |
//! | `GET /api/v1/fleet/bundle?after=NUMBER` | | a signed [`Bundle`](crate::Bundle), or 304 after a while |
//! | `POST /api/v1/fleet/documents` | [`Wanted`] | a list of documents, as texts |
//! | `POST /api/v1/fleet/attestations` | [`Attestation`] | nothing |
//! | `POST /api/v1/fleet/events` | [`Delivery`] | [`Delivered`] |
//!
//! All but the first are signed ([`SignedCall`](crate::SignedCall)) by the key of `enrol`. The
//! control side waits up to 25 s for a bundle; what it refuses is told as RFC 9457 says, with 401 if
//! the caller is not, or no longer, of the fleet. A body has [`CALL_BYTES`] at most.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bundle::BundleMode;
use crate::event::Event;
use crate::key::PublicKey;

/// Bytes of the body of a call to the control side, at most.
pub const CALL_BYTES: usize = 4 << 20;

/// An ingress point asks to belong to the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enrol {
    /// The shape's version.
    pub version: u32,
    /// What its calls will be checked with.
    pub key: PublicKey,
    /// The program's version.
    pub program: String,
}

/// It belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enrolled {
    /// The ingress point's identifier in the ledger; the name of its key in calls.
    pub ingress: String,
    /// Where it is.
    pub environment: String,
    /// Whose bundles it takes.
    pub keys: Vec<PublicKey>,
}

/// Documents that an ingress point does not have. The answer holds those that are there, as many
/// as fit into [`Wanted::ANSWER_BYTES`] and at least one: the rest is asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wanted {
    /// Their digests, as in the bundle; [`Wanted::MOST`] at most.
    pub digests: Vec<String>,
}

impl Wanted {
    /// Documents asked for in one call, at most.
    pub const MOST: usize = 200;
    /// Bytes of documents in one answer, at most, unless one alone has more.
    pub const ANSWER_BYTES: usize = 4 << 20;
}

/// What an ingress point does now. Sent when that changes, and from time to time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// The shape's version.
    pub version: u32,
    /// When it was made, by its clock: milliseconds since 1970-01-01 UTC.
    pub time_ms: i64,
    /// The bundle that it enforces; 0: none.
    pub bundle: u64,
    /// What it enforces.
    pub enforced: Vec<Attested>,
    /// The last bundle that it did not take, if that came after the one it enforces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// The applications that it forwards to, with what was answered since it started.
    pub traffic: Vec<Traffic>,
    /// Events that wait to be delivered.
    pub events_waiting: u64,
    /// Events that were lost because too many waited.
    pub events_lost: u64,
}

/// One patch that is enforced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attested {
    /// Its identifier.
    pub id: String,
    /// Its document's digest.
    pub digest: String,
    /// What it does to whom.
    pub mode: BundleMode,
}

/// A bundle that was not taken into use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// For programs: as [`BundleRefused::name`](crate::BundleRefused::name), or `self-test`,
    /// `compile`, `documents`.
    pub reason: String,
    /// For people.
    pub detail: String,
}

/// Requests for one application, since the ingress point started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// As the configuration names it.
    pub application: String,
    /// Host names by which it is reached; empty: any.
    pub hosts: Vec<String>,
    /// Requests.
    pub requests: u64,
    /// Of these, those that the application failed to answer (5xx).
    pub errors: u64,
    /// The sum of what answers took, in microseconds.
    pub latency_us: u64,
}

/// Events, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The oldest first; [`Delivery::MOST`] at most. One that was delivered before, by its
    /// reference, is kept once.
    pub events: Vec<Event>,
}

impl Delivery {
    /// Events delivered in one call, at most.
    pub const MOST: usize = 500;
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivered {
    /// Events that were not there before.
    pub new: u64,
}

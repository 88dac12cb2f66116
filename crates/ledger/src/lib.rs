//! What the ledger holds and how it may change.
//!
//! No I/O and no clock: what is and the time come in, what becomes of it goes out. Times are
//! milliseconds since 1970-01-01 UTC.

mod named;

mod access;
mod advisory;
mod asset;
pub mod audit;
pub mod bundle;
mod check;
pub mod coverage;
mod digest;
pub mod due;
pub mod exception;
mod finding;
mod fleet;
mod ingress;
mod inventory;
mod limits;
mod patch;
pub mod probe;
mod refused;
pub mod rollout;
pub mod ssvc;
mod subscription;

pub use access::{Account, Area, Role, SYSTEM, Token, User};
pub use advisory::{Advisory, Affected, KnownExploited, Severity, VersionRange};
pub use asset::{
    Asset, AssetKind, AutoUpdate, Criticality, Job, JobKind, OperatingSystem, Reboot, Software,
    SoftwareKind,
};
pub use digest::{hex, sha256};
pub use exception::Exception;
pub use finding::{Finding, Move, Schedule, State, Subject};
pub use fleet::{Enrolment, Gateway, KeyState, SigningKey};
pub use ingress::{IngressKind, IngressPath, IngressPoint};
pub use inventory::{Application, Environment};
pub use limits::Limits;
pub use patch::{Attention, AwaitedFix, Proof, Proven, Reason, VirtualPatch};
pub use refused::Refused;
pub use rollout::Rollout;
pub use subscription::{Subscription, TOLD};

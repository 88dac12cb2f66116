//! The control side: the ledger's REST API under `/api/v1`, for people and for ingress points,
//! and the console.
//!
//! [`routes`] is the one table of what can be called, by whom, with what: the router, the
//! description in OpenAPI and the tests of who may do what are all read from it.

mod call;
mod console;
mod coverage;
mod due;
mod fleet;
mod keys;
mod limits;
mod oidc;
mod openapi;
mod password;
mod probe;
mod problem;
mod protection;
mod reply;
mod routes;
mod secret;
mod serve;
mod telemetry;
mod telling;

pub use console::{Examined, Made, Refined, Workshop};
pub use coverage::{Coverage, Does, PatchCovered, PatchesCovered, PointCovered, Probed};
pub use keys::Keys;
pub use limits::Limits;
pub use oidc::{Ask, Exchanging, Line, OidcRole, OidcSettings};
pub use openapi::describe;
pub use password::hash_password;
pub use probe::{Prober, Sendable};
pub use protection::must_protect;
pub use routes::{Method, Route, routes};
pub use secret::Secret;
pub use serve::{Clock, Service, serve};
pub use telling::{Courier, Delivering, Notice, signing_secret};

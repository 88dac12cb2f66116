//! The gateway between real sockets.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod asking;
mod deciding;
mod forward_auth;
mod framing;
mod hardening;
mod proxying;
mod support;
mod telling;
mod tls;
mod upstreams;

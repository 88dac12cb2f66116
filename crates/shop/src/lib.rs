//! A small web shop that is vulnerable on purpose, for the demo.
//!
//! It looks and works like a shop: products, search, cart, orders, account, admin.
//! Five of its flaws are real ones, over a real database, file system and shell:
//!
//! | Flaw | Where |
//! |---|---|
//! | SQL injection | `q` of `/search` (query or form); from version 2 also `term` of `/v2/search` |
//! | path traversal | `/static/…`: decoded twice, backslashes taken for slashes, joined unchecked |
//! | command injection | `file` of `/admin-tools/thumbnail`, `order` of `/invoice` |
//! | authorisation bypass | `X-Internal-Subrequest: 1` opens `/admin` and `/api/admin/…` |
//! | mass assignment | `is_admin` in `POST /api/account` (JSON) or `POST /account` (form) |
//!
//! What keeps it a demo: it listens on loopback only; it answers only requests that
//! a stranger's web page, open in the same machine's browser, cannot make it answer
//! (`guard.rs`); each instance has its own database in memory and its own temporary
//! directory; time, connections, bodies, rows and outputs are bounded. A tool that is
//! injected still runs as the user who started the shop.

mod account;
mod database;
mod files;
mod guard;
mod page;
mod request;
mod routes;
mod seed;
mod server;
mod tool;

use std::net::SocketAddr;

pub use crate::seed::{ADMIN, CUSTOMER, Credentials, SECRET};
pub use crate::server::Running;

/// Requests that exploit the shop and requests that resemble them but are ordinary
/// use, as TOML: tables `exploit` (`name`, `flaw`, `request`, `success`) and `benign`
/// (`name`, `flaw`, `request`, `expect`); `request` is raw HTTP whose lines may end in
/// `\n`; `success` and `expect` hold `status` and `body_contains`. Each case needs one
/// request and no earlier one. Those with `from_version` exist from that version on.
pub const CASES: &str = include_str!("../cases.toml");

/// The shop; see the crate's description.
#[derive(Debug)]
pub struct Shop;

impl Shop {
    /// Starts an instance with fresh data on `address`, whose port may be 0. It runs on
    /// the current tokio runtime, which must have I/O and time enabled.
    ///
    /// `version` stands on each page and in the header `X-Shop-Version`; if its first
    /// number is 2 or more, search is at `/v2/search?term=…` as well and the pages use it.
    ///
    /// # Errors
    /// When the address is not a loopback address or is taken, when `version` cannot be a
    /// header value, or when the temporary directory or the database cannot be made.
    pub async fn start(address: SocketAddr, version: &str) -> Result<Running, Error> {
        server::start(address, version).await
    }
}

/// Why a shop did not start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

impl Error {
    /// Whether the address was taken: another port may do.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        matches!(&self.0, Kind::Bind(_, cause) if cause.kind() == std::io::ErrorKind::AddrInUse)
    }
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("the shop is vulnerable on purpose and listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    #[error("the version {0:?} cannot be a header value: use visible ASCII characters")]
    Version(String),
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] std::io::Error),
    #[error("cannot write the shop's files")]
    Files(#[source] std::io::Error),
    #[error("cannot fill the shop's database")]
    Database(#[from] rusqlite::Error),
}

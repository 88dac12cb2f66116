//! What is reached through ingress points, and where traffic enters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Limits, Refused, check};

named! {
    /// Where something runs.
    pub enum Environment {
        /// Where changes are tried.
        Test = "test",
        /// What people depend on.
        Production = "production",
    }
}

named! {
    /// What an ingress point is made of.
    pub enum IngressKind {
        /// Stopgap's own gateway.
        Gateway = "gateway",
        /// Envoy.
        Envoy = "envoy",
        /// HAProxy.
        Haproxy = "haproxy",
        /// nginx.
        Nginx = "nginx",
        /// Traefik.
        Traefik = "traefik",
        /// Caddy.
        Caddy = "caddy",
    }
}

/// A web application, reached through ingress points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Names it.
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub id: String,
    /// For people.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: String,
    /// Where it runs.
    pub environment: Environment,
    /// Who answers for it.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub owner: String,
    /// The hosts by which it is asked for.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub hosts: Vec<String>,
    /// The assets that it runs on.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub assets: Vec<String>,
}

/// One place where traffic enters towards applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IngressPoint {
    /// Names it, as its events do.
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub id: String,
    /// For people.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub title: String,
    /// What it is made of.
    pub kind: IngressKind,
    /// Where it runs.
    pub environment: Environment,
    /// The applications that it leads to.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(length(max = 128), regex(pattern = crate::check::ID)))]
    pub applications: Vec<String>,
}

impl Application {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::text("owner", &self.owner, limits)?;
        check::entries("hosts", &self.hosts, limits)?;
        for host in &self.hosts {
            check::text("host", host, limits)?;
        }
        check::references("assets", "asset", &self.assets, limits)
    }
}

impl IngressPoint {
    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::references("applications", "application", &self.applications, limits)
    }
}

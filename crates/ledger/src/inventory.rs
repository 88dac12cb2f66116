//! What is reached through ingress points.

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

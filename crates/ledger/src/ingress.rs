//! Where traffic enters, and the ways from there to applications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::{Environment, Limits, Refused, check};

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
        /// What Kubernetes makes of its objects.
        Kubernetes = "kubernetes",
        /// No proxy: names of DNS, which lead to addresses.
        Dns = "dns",
    }
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
    /// Where clients reach it, and so where probes are sent: `https://HOST` or `http://HOST:PORT`.
    /// None: it is not probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::ADDRESS))]
    pub address: Option<String>,
    /// Where it listens, by its own configuration: `HOST:PORT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub listens: Vec<String>,
    /// The ways from it to applications, by its own configuration; empty if that was not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5000))]
    pub paths: Vec<IngressPath>,
}

/// A way from clients to an application.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct IngressPath {
    /// The host that clients name: `*` for all, `*.example` for those below.
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub host: String,
    /// How the paths begin that go this way; `/` for all.
    #[schemars(length(max = 4096), regex(pattern = crate::check::PREFIX))]
    pub prefix: String,
    /// The application; none where only an address is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), regex(pattern = crate::check::ID))]
    pub application: Option<String>,
    /// Where the requests go: `HOST:PORT`, or `HOST`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(length(max = 4096), regex(pattern = crate::check::TEXT)))]
    pub upstreams: Vec<String>,
    /// Who is asked before they go there: `HOST:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096), regex(pattern = crate::check::TEXT))]
    pub asks: Option<String>,
}

impl IngressPoint {
    /// One of which nothing is known yet but that it is there.
    #[must_use]
    pub fn new(id: &str, kind: IngressKind, environment: Environment) -> Self {
        Self {
            id: id.to_owned(),
            title: id.to_owned(),
            kind,
            environment,
            applications: Vec::new(),
            address: None,
            listens: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// Whether it may come into the ledger.
    ///
    /// # Errors
    /// A text is missing, malformed or too long, or a list is.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::id("id", &self.id, limits)?;
        check::text("title", &self.title, limits)?;
        check::references("applications", "application", &self.applications, limits)?;
        if let Some(address) = &self.address {
            check::address("address", address, limits)?;
        }
        check::entries("listens", &self.listens, limits)?;
        let mut listens = self.listens.iter();
        listens.try_for_each(|each| check::text("listens", each, limits))?;
        if self.paths.len() > limits.paths {
            return Err(Refused::new(format!(
                "paths has {} entries, {} are allowed",
                self.paths.len(),
                limits.paths
            )));
        }
        self.paths.iter().try_for_each(|path| {
            path.check(limits)?;
            match &path.application {
                Some(id) if !self.applications.contains(id) => Err(Refused::new(format!(
                    "a path leads to {id}, which is not among the applications: add it there"
                ))),
                _ => Ok(()),
            }
        })
    }
}

impl IngressPath {
    fn check(&self, limits: &Limits) -> Result<(), Refused> {
        check::text("host", &self.host, limits)?;
        check::text("prefix", &self.prefix, limits)?;
        if !self.prefix.starts_with('/') {
            return Err(Refused::new("prefix must begin with `/`"));
        }
        if let Some(application) = &self.application {
            check::id("application", application, limits)?;
        }
        check::entries("upstreams", &self.upstreams, limits)?;
        let mut upstreams = self.upstreams.iter();
        upstreams.try_for_each(|each| check::text("upstream", each, limits))?;
        self.asks
            .iter()
            .try_for_each(|asks| check::text("asks", asks, limits))
    }
}

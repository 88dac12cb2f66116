//! What others wrote of how traffic reaches applications: configurations of proxies, zones of DNS,
//! manifests of Kubernetes, descriptions of APIs.
//!
//! No I/O: texts come in, what they say goes out. What cannot be told from a text is said in
//! [`Found::notes`], and taken for the wider: a condition that is not understood may hold, so the
//! path that it guards is one that can reach the application.

mod address;
mod dns;
mod envoy;
mod haproxy;
mod hosts;
mod kubernetes;
mod limits;
mod nginx;
mod openapi;
mod yaml;

use std::collections::BTreeSet;

pub use limits::Limits;

/// A text, and what it is called in messages.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its file.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// A kind of source.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub summary: &'static str,
    read: fn(&[Source<'_>], &Limits) -> Result<Found, Problem>,
}

/// Every kind of source.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "envoy",
        summary: "Envoy's static configuration, in YAML or JSON",
        read: envoy::read,
    },
    Kind {
        name: "haproxy",
        summary: "HAProxy's configuration, with the files of its SPOE filters",
        read: haproxy::read,
    },
    Kind {
        name: "nginx",
        summary: "nginx's configuration, with the files that it includes",
        read: nginx::read,
    },
    Kind {
        name: "kubernetes",
        summary: "manifests: Ingress, Gateway, HTTPRoute, Service, EnvoyExtensionPolicy",
        read: kubernetes::read,
    },
    Kind {
        name: "dns",
        summary: "zones of DNS, as master files (RFC 1035)",
        read: dns::read,
    },
    Kind {
        name: "hosts",
        summary: "a list of hosts, each with its addresses behind it, or as /etc/hosts has them",
        read: hosts::read,
    },
    Kind {
        name: "openapi",
        summary: "descriptions of APIs in OpenAPI 3, in YAML or JSON",
        read: openapi::read,
    },
];

/// What sources say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Places where traffic enters.
    pub points: Vec<Point>,
    /// Applications that are told of beside these.
    pub applications: Vec<Application>,
    /// What could not be told, each with its place.
    pub notes: Vec<String>,
}

/// A place where traffic enters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// Tells it from others of the same source; empty for the one that the source is of.
    pub part: String,
    /// Where it listens: `HOST:PORT`.
    pub listens: Vec<String>,
    /// Where it leads.
    pub paths: Vec<Path>,
}

/// A way from clients to an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The host that clients name: `*` for all, `*.example` for those below.
    pub host: String,
    /// How the paths begin that go this way; `/` for all.
    pub prefix: String,
    /// What the source calls the application; none where it says an address alone.
    pub application: Option<String>,
    /// Where the requests go: `HOST:PORT`, or `HOST`.
    pub upstreams: Vec<String>,
    /// Who is asked before they go there: `HOST:PORT`.
    pub asks: Option<String>,
}

/// An application, apart from how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// What the source calls it.
    pub name: String,
    /// For people.
    pub title: String,
    /// The hosts by which it is asked for.
    pub hosts: Vec<String>,
    /// The paths that it answers, as templates.
    pub paths: Vec<String>,
}

/// Why a source cannot be read: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// Reads sources of one kind, which may refer to each other.
///
/// # Errors
/// One is not of that kind, is malformed, or says more than is allowed.
pub fn read(kind: &str, sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let Some(known) = KINDS.iter().find(|known| known.name == kind) else {
        let names: Vec<_> = KINDS.iter().map(|known| known.name).collect();
        return Err(Problem(format!(
            "`{kind}` is no kind of source: it is one of {}",
            names.join(", ")
        )));
    };
    for source in sources {
        if source.text.len() > limits.source_bytes {
            return Err(Problem(format!(
                "{}: {} bytes are too many, {} are allowed: split the file",
                source.name,
                source.text.len(),
                limits.source_bytes
            )));
        }
    }
    let mut found = (known.read)(sources, limits)?;
    for point in &mut found.points {
        point.tidy();
        limits.within("ingress paths", point.paths.len(), limits.paths)?;
    }
    limits.within("ingress points", found.points.len(), limits.points)?;
    limits.within("applications", found.applications.len(), limits.points)?;
    let more = found.notes.len().saturating_sub(limits.notes);
    if more > 0 {
        found.notes.truncate(limits.notes);
        found.notes.push(format!("{more} more like these"));
    }
    Ok(found)
}

impl Point {
    /// In one order, each once; of the same path with several upstreams, these together.
    fn tidy(&mut self) {
        let listens: BTreeSet<String> = self.listens.drain(..).collect();
        self.listens = listens.into_iter().collect();
        // What is no host that can be compared, such as `www.*`, may be any.
        let others = |path: &&mut Path| !address::is_host(&path.host);
        for path in self.paths.iter_mut().filter(others) {
            "*".clone_into(&mut path.host);
        }
        self.paths.sort();
        let mut paths: Vec<Path> = Vec::with_capacity(self.paths.len());
        for mut path in self.paths.drain(..) {
            let upstreams: BTreeSet<String> = path.upstreams.drain(..).collect();
            path.upstreams = upstreams.into_iter().collect();
            if paths.last() != Some(&path) {
                paths.push(path);
            }
        }
        self.paths = paths;
    }
}

/// The place of a word in messages.
fn at(source: &Source<'_>, line: usize, what: impl std::fmt::Display) -> String {
    format!("{}:{line}: {what}", source.name)
}

//! Which ways to applications are guarded, and which are holes.
//!
//! What is known are configurations, not the network: addresses are compared as they are written.
//! Where that does not tell that a way is guarded, it is a hole; a probe shows what is true.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Environment, IngressKind, IngressPath, IngressPoint};

/// Ingress points behind ingress points.
const DEPTH: usize = 8;

/// What guards a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// The ingress point itself.
    Itself {},
    /// Another, which it asks before it forwards.
    Asked(String),
    /// Another, to which it forwards.
    Behind(String),
}

/// A way to an application on which nothing enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hole {
    /// The ingress point.
    pub ingress: String,
    /// Where it is.
    pub environment: Environment,
    /// The host that clients name.
    pub host: String,
    /// How the paths begin that go this way.
    pub prefix: String,
    /// The application, if it is known.
    pub application: Option<String>,
    /// What is known of it.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// Why nothing guards a way, and what to do.
type Unguarded = (String, String);

/// The ingress points, and which of them enforce.
pub struct Map<'a> {
    points: BTreeMap<&'a str, &'a IngressPoint>,
    enforcing: BTreeSet<&'a str>,
    /// Those of which every way is guarded.
    guarding: BTreeSet<&'a str>,
    listening: BTreeMap<(Environment, &'a str), Vec<&'a IngressPoint>>,
    /// By the hosts at which they are.
    at: BTreeMap<(Environment, String), Vec<&'a IngressPoint>>,
    /// By the hosts of upstreams, which application is there.
    upstreams: BTreeMap<(Environment, &'a str), Option<&'a str>>,
}

impl<'a> Map<'a> {
    /// Of these; those enforce whose gateways have joined and attest what they do.
    pub fn new(
        points: impl IntoIterator<Item = &'a IngressPoint>,
        enforcing: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut map = Self {
            points: points.into_iter().map(|it| (it.id.as_str(), it)).collect(),
            enforcing: enforcing.into_iter().collect(),
            guarding: BTreeSet::new(),
            listening: BTreeMap::new(),
            at: BTreeMap::new(),
            upstreams: BTreeMap::new(),
        };
        let points: Vec<_> = map.points.values().copied().collect();
        for point in points {
            let environment = point.environment;
            for listens in &point.listens {
                let there = map.listening.entry((environment, listens)).or_default();
                there.push(point);
                let host = (environment, host_of(listens).to_owned());
                map.at.entry(host).or_default().push(point);
            }
            let address = point.address.as_deref();
            if let Some((_, authority)) = address.and_then(|address| address.split_once("://")) {
                let host = (environment, host_of(authority).to_ascii_lowercase());
                map.at.entry(host).or_default().push(point);
            }
            if point.kind == IngressKind::Dns {
                continue;
            }
            for path in &point.paths {
                let application = path.application.as_deref();
                for upstream in &path.upstreams {
                    let host = (environment, host_of(upstream));
                    map.upstreams.insert(host, application);
                }
            }
        }
        // Those that guard only because others do come after these; a circle guards nothing.
        for _ in 0..DEPTH {
            let guards = |point: &IngressPoint| match point.paths.is_empty() {
                true => map.enforces(&point.id),
                false => {
                    let mut paths = point.paths.iter();
                    paths.all(|path| map.guard(point, path).is_ok())
                }
            };
            let proxies = map.points.values().filter(|it| it.kind != IngressKind::Dns);
            let guarding: BTreeSet<&str> = proxies
                .filter(|point| guards(point))
                .map(|point| point.id.as_str())
                .collect();
            if guarding == map.guarding {
                break;
            }
            map.guarding = guarding;
        }
        map
    }

    /// Whether the ingress point's own gateway has joined and attests.
    #[must_use]
    pub fn enforces(&self, ingress: &str) -> bool {
        self.enforcing.contains(ingress)
    }

    /// All ways on which nothing enforces, in the order of the ingress points.
    #[must_use]
    pub fn holes(&self) -> Vec<Hole> {
        let points = self.points.values();
        points.flat_map(|point| self.holes_of(point)).collect()
    }

    /// Those of one ingress point.
    #[must_use]
    pub fn holes_of(&self, point: &IngressPoint) -> Vec<Hole> {
        let hole = |path: Option<&IngressPath>, (why, remedy): Unguarded| Hole {
            ingress: point.id.clone(),
            environment: point.environment,
            host: path.map_or("*", |path| &path.host).to_owned(),
            prefix: path.map_or("/", |path| &path.prefix).to_owned(),
            application: path.and_then(|path| path.application.clone()),
            why,
            remedy,
        };
        if point.paths.is_empty() {
            let unguarded = match point.kind {
                IngressKind::Dns => None,
                _ => self.itself(point).err(),
            };
            return unguarded.map(|why| hole(None, why)).into_iter().collect();
        }
        let paths = point.paths.iter();
        paths
            .filter_map(|path| {
                let unguarded = self.guards(point, path).err()?;
                Some(hole(Some(path), unguarded))
            })
            .collect()
    }

    /// Who enforces on a way to an application: for DNS perhaps several. Nobody at all is needed
    /// where a name leads to nothing that is known.
    ///
    /// # Errors
    /// Nobody does.
    pub fn guards(
        &self,
        point: &IngressPoint,
        path: &IngressPath,
    ) -> Result<Vec<Guard>, (String, String)> {
        match point.kind {
            IngressKind::Dns => self.named(point, path),
            _ => self.guard(point, path).map(|guard| vec![guard]),
        }
    }

    /// The gateways that enforce on the ways of an ingress point, also through others.
    #[must_use]
    pub fn gateways(&self, point: &IngressPoint) -> Vec<String> {
        let (mut gateways, mut met) = (BTreeSet::new(), BTreeSet::new());
        let mut next = vec![point];
        while let Some(point) = next.pop() {
            if !met.insert(point.id.as_str()) {
                continue;
            }
            if point.paths.is_empty() && self.enforces(&point.id) {
                gateways.insert(point.id.clone());
            }
            let guards = point
                .paths
                .iter()
                .filter_map(|it| self.guards(point, it).ok());
            for guard in guards.flatten() {
                match guard {
                    Guard::Itself {} => drop(gateways.insert(point.id.clone())),
                    Guard::Asked(id) => drop(gateways.insert(id)),
                    Guard::Behind(id) => next.extend(self.points.get(id.as_str())),
                }
            }
        }
        gateways.into_iter().collect()
    }

    fn guard(&self, point: &IngressPoint, path: &IngressPath) -> Result<Guard, Unguarded> {
        if point.kind == IngressKind::Gateway {
            return self.itself(point);
        }
        if let Some(asks) = &path.asks {
            let there = self.listening(point.environment, asks);
            let asked = there.iter().find(|it| self.enforces(&it.id));
            if let Some(asked) = asked {
                return Ok(Guard::Asked(asked.id.clone()));
            }
            return self.itself(point).map_err(|(_, remedy)| {
                let why = format!("it asks {asks}, where no gateway of the fleet is known");
                (why, remedy)
            });
        }
        if let Some(behind) = self.behind(point, path) {
            return Ok(Guard::Behind(behind));
        }
        match point.kind {
            // What makes it ask may stand elsewhere, so that it has joined must do.
            IngressKind::Kubernetes | IngressKind::Traefik | IngressKind::Caddy
                if self.enforces(&point.id) =>
            {
                Ok(Guard::Itself {})
            }
            kind => {
                let to = match path.upstreams.is_empty() {
                    true => String::new(),
                    false => format!(" to {}", path.upstreams.join(", ")),
                };
                let remedy = match kind {
                    IngressKind::Kubernetes => {
                        "have it ask a gateway (`stopgap ingress snippet kubernetes`), or let traffic in by one that does".to_owned()
                    }
                    kind => format!(
                        "have it ask a gateway (`stopgap ingress snippet {kind}`), or put a gateway between; then `stopgap discover` again"
                    ),
                };
                Err((format!("it forwards{to} and asks nobody"), remedy))
            }
        }
    }

    /// The first ingress point to which a way leads, if each of its upstreams is one that guards.
    fn behind(&self, point: &IngressPoint, path: &IngressPath) -> Option<String> {
        let mut behind = path.upstreams.iter().map(|upstream| {
            let there = self.listening(point.environment, upstream);
            let mut others = there.iter().filter(|next| next.id != point.id);
            let next = others.find(|next| self.guarding.contains(next.id.as_str()))?;
            Some(next.id.clone())
        });
        let first = behind.next()??;
        behind.all(|next| next.is_some()).then_some(first)
    }

    /// What a name leads to.
    fn named(&self, point: &IngressPoint, path: &IngressPath) -> Result<Vec<Guard>, Unguarded> {
        let mut guards = Vec::new();
        for upstream in &path.upstreams {
            let host = (point.environment, host_of(upstream).to_owned());
            if let Some(there) = self.at.get(&host) {
                // Whether that one has holes is told of itself.
                guards.extend(there.first().map(|it| Guard::Behind(it.id.clone())));
                continue;
            }
            let known = self.upstreams.get(&(point.environment, host.1.as_str()));
            let to = match (known, &path.application) {
                (Some(Some(application)), _) => {
                    format!("straight to {upstream}, where {application} is")
                }
                (Some(None), _) => {
                    format!("straight to {upstream}, which ingress points forward to")
                }
                (None, Some(_)) => format!("to {upstream}, where no ingress point is known"),
                (None, None) => continue,
            };
            return Err((
                format!("the name leads {to}"),
                format!(
                    "lead {} to an ingress point that enforces; if there is one at {upstream}, say so: `stopgap ingress address NAME http://{upstream}`",
                    path.host
                ),
            ));
        }
        Ok(guards)
    }

    fn itself(&self, point: &IngressPoint) -> Result<Guard, Unguarded> {
        match self.enforces(&point.id) {
            true => Ok(Guard::Itself {}),
            false => Err((
                "no gateway that has joined the fleet enforces here".to_owned(),
                format!(
                    "`stopgap ingress enrol {} --environment {}` lets a gateway join",
                    point.id, point.environment
                ),
            )),
        }
    }

    fn listening<'s>(
        &'s self,
        environment: Environment,
        address: &'s str,
    ) -> &'s [&'s IngressPoint] {
        let there = self.listening.get(&(environment, address));
        there.map_or(&[], Vec::as_slice)
    }
}

/// A host without its port and brackets.
fn host_of(authority: &str) -> &str {
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match is_port && (host.ends_with(']') || !host.contains(':')) {
        true => host,
        false => authority,
    };
    host.trim_start_matches('[').trim_end_matches(']')
}

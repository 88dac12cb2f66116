//! Manifests of Kubernetes: `Ingress`, `Gateway`, `HTTPRoute`, and services that are reached from
//! outside without them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Found, Limits, Path, Point, Problem, Source, address, yaml};

/// A namespace and a name in it.
type Named = (String, String);

#[derive(Default)]
struct Cluster<'a> {
    ingresses: Vec<&'a Value>,
    routes: Vec<&'a Value>,
    services: BTreeMap<Named, &'a Value>,
    gateways: BTreeMap<Named, &'a Value>,
    /// Whom a policy has asked, by the kind and the name of what it is for.
    policies: BTreeMap<(String, Named), String>,
    notes: Vec<String>,
}

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut objects = Vec::new();
    for source in sources {
        for document in yaml::documents(source)? {
            // Separators may leave empty documents.
            if document.is_null() {
                continue;
            }
            if yaml::text(&document, "kind").is_none() {
                return Err(Problem(format!(
                    "{}: a document has no `kind`: is this a manifest of Kubernetes?",
                    source.name
                )));
            }
            match yaml::get(&document, "items").and_then(Value::as_array) {
                Some(items) => objects.extend(items.iter().cloned()),
                None => objects.push(document),
            }
        }
    }
    let mut cluster = Cluster::default();
    for object in &objects {
        cluster.sort_in(object);
    }
    let mut paths = Vec::new();
    for ingress in &cluster.ingresses {
        paths.extend(cluster.ingress(ingress));
        limits.within("ingress paths", paths.len(), limits.paths)?;
    }
    for route in &cluster.routes {
        paths.extend(cluster.route(route, limits)?);
        limits.within("ingress paths", paths.len(), limits.paths)?;
    }
    let mut points = Vec::new();
    if !paths.is_empty() {
        points.push(Point {
            paths,
            ..Point::default()
        });
    }
    points.extend(cluster.services_outside());
    Ok(Found {
        points,
        notes: cluster.notes,
        ..Found::default()
    })
}

impl<'a> Cluster<'a> {
    fn sort_in(&mut self, object: &'a Value) {
        let name = named(object);
        match yaml::text(object, "kind").unwrap_or_default().as_str() {
            "Ingress" => self.ingresses.push(object),
            "HTTPRoute" => self.routes.push(object),
            "Gateway" => drop(self.gateways.insert(name, object)),
            "Service" => drop(self.services.insert(name, object)),
            "EnvoyExtensionPolicy" => self.policy(object, &name.0),
            kind @ ("GRPCRoute" | "TLSRoute" | "TCPRoute" | "IngressRoute") => {
                let note = format!("{kind} {}/{} is not read", name.0, name.1);
                self.notes.push(note);
            }
            _ => {}
        }
    }

    /// An external processor of Envoy Gateway.
    fn policy(&mut self, object: &Value, namespace: &str) {
        let Some(spec) = yaml::get(object, "spec") else {
            return;
        };
        let processors = yaml::items(spec, "extProc");
        let mut backends = processors.flat_map(|it| yaml::items(it, "backendRefs"));
        let Some(asks) = backends.find_map(|it| service_of(it, namespace)) else {
            return;
        };
        let targets = yaml::items(spec, "targetRefs").chain(yaml::get(spec, "targetRef"));
        for target in targets {
            let kind = yaml::text(target, "kind").unwrap_or_default();
            let name = yaml::text(target, "name").unwrap_or_default();
            let name = (namespace.to_owned(), name);
            self.policies.insert((kind, name), asks.1.clone());
        }
    }

    fn ingress(&self, ingress: &Value) -> Vec<Path> {
        let (namespace, _) = named(ingress);
        let annotations = yaml::within(ingress, &["metadata", "annotations"]);
        let asks = annotations.and_then(|all| {
            let url = all.get("nginx.ingress.kubernetes.io/auth-url")?.as_str()?;
            address::of_url(url)
        });
        let path = |host: &str, prefix: &str, backend: &Value| {
            let service = yaml::get(backend, "service")?;
            let port = yaml::get(service, "port");
            let port = port.and_then(|it| yaml::text(it, "number").or(yaml::text(it, "name")));
            let name = (namespace.clone(), yaml::text(service, "name")?);
            Some(self.to_service(host, prefix, (&name, port), asks.clone()))
        };
        let Some(spec) = yaml::get(ingress, "spec") else {
            return Vec::new();
        };
        let usual = yaml::get(spec, "defaultBackend");
        let mut paths: Vec<Path> = usual
            .and_then(|it| path("*", "/", it))
            .into_iter()
            .collect();
        for rule in yaml::items(spec, "rules") {
            let host = yaml::text(rule, "host").unwrap_or_else(|| "*".to_owned());
            let Some(http) = yaml::get(rule, "http") else {
                continue;
            };
            paths.extend(yaml::items(http, "paths").filter_map(|it| {
                let prefix = yaml::text(it, "path").filter(|text| text.starts_with('/'));
                let prefix = prefix.unwrap_or_else(|| "/".to_owned());
                path(&host, &prefix, yaml::get(it, "backend")?)
            }));
        }
        paths
    }

    fn route(&self, route: &Value, limits: &Limits) -> Result<Vec<Path>, Problem> {
        let (namespace, name) = named(route);
        let mut paths = Vec::new();
        let Some(spec) = yaml::get(route, "spec") else {
            return Ok(paths);
        };
        let mut hosts = yaml::texts(spec, "hostnames");
        let of_route = ("HTTPRoute".to_owned(), (namespace.clone(), name));
        let mut asks = self.policies.get(&of_route);
        for parent in yaml::items(spec, "parentRefs") {
            let within = yaml::text(parent, "namespace").unwrap_or_else(|| namespace.clone());
            let gateway = (within, yaml::text(parent, "name").unwrap_or_default());
            // Without hosts of its own a route has those of its listeners.
            if yaml::texts(spec, "hostnames").is_empty() {
                hosts.extend(self.hosts_of(&gateway, parent));
                limits.within("hosts", hosts.len(), limits.paths)?;
            }
            asks = asks.or_else(|| self.policies.get(&("Gateway".to_owned(), gateway)));
        }
        if hosts.is_empty() {
            hosts.push("*".to_owned());
        }
        for rule in yaml::items(spec, "rules") {
            let told = yaml::items(rule, "matches").map(|it| match yaml::get(it, "path") {
                // Of an expression that is not asked: all may fit.
                Some(path) if yaml::text(path, "type").as_deref() != Some("RegularExpression") => {
                    let value = yaml::text(path, "value").filter(|text| text.starts_with('/'));
                    value.unwrap_or_else(|| "/".to_owned())
                }
                _ => "/".to_owned(),
            });
            let mut prefixes: Vec<String> = told.collect();
            if prefixes.is_empty() {
                prefixes.push("/".to_owned());
            }
            for backend in yaml::items(rule, "backendRefs") {
                let Some((name, _)) = service_of(backend, &namespace) else {
                    continue;
                };
                let port = yaml::text(backend, "port");
                let more = hosts.len().saturating_mul(prefixes.len());
                let count = paths.len() + more;
                limits.within("ingress paths", count, limits.paths)?;
                for host in &hosts {
                    paths.extend(prefixes.iter().map(|prefix| {
                        self.to_service(host, prefix, (&name, port.clone()), asks.cloned())
                    }));
                }
            }
        }
        Ok(paths)
    }

    /// The hosts of a gateway's listeners, or of the one that is named.
    fn hosts_of(&self, gateway: &Named, parent: &Value) -> Vec<String> {
        let wanted = yaml::text(parent, "sectionName");
        let spec = self
            .gateways
            .get(gateway)
            .and_then(|it| yaml::get(it, "spec"));
        let listeners = spec.into_iter().flat_map(|it| yaml::items(it, "listeners"));
        let named = listeners.filter(|it| wanted.is_none() || yaml::text(it, "name") == wanted);
        let any = || "*".to_owned();
        named
            .map(|it| yaml::text(it, "hostname").unwrap_or_else(any))
            .collect()
    }

    fn to_service(
        &self,
        host: &str,
        prefix: &str,
        (name, port): (&Named, Option<String>),
        asks: Option<String>,
    ) -> Path {
        // A port may be named.
        let port = port.map(|port| self.number_of(name, port));
        Path {
            host: address::plain(host),
            prefix: prefix.to_owned(),
            application: Some(called(name)),
            upstreams: vec![within_cluster(name, port.as_deref())],
            asks,
        }
    }

    fn number_of(&self, service: &Named, port: String) -> String {
        let spec = self
            .services
            .get(service)
            .and_then(|it| yaml::get(it, "spec"));
        let mut ports = spec.into_iter().flat_map(|it| yaml::items(it, "ports"));
        let named = ports.find(|it| yaml::text(it, "name").as_ref() == Some(&port));
        named.and_then(|it| yaml::text(it, "port")).unwrap_or(port)
    }

    /// Services that traffic enters by, past every `Ingress` and `Gateway`.
    fn services_outside(&self) -> Vec<Point> {
        let mut points = Vec::new();
        for (name, service) in &self.services {
            let Some(spec) = yaml::get(service, "spec") else {
                continue;
            };
            let kind = yaml::text(spec, "type").unwrap_or_default();
            let outside = yaml::texts(spec, "externalIPs");
            if !matches!(kind.as_str(), "LoadBalancer" | "NodePort") && outside.is_empty() {
                continue;
            }
            let addresses = yaml::within(service, &["status", "loadBalancer"]);
            let addresses = addresses
                .into_iter()
                .flat_map(|it| yaml::items(it, "ingress"));
            let addresses = addresses
                .filter_map(|it| yaml::text(it, "ip").or_else(|| yaml::text(it, "hostname")))
                .chain(yaml::text(spec, "loadBalancerIP"))
                .chain(outside);
            let addresses: Vec<String> = addresses.collect();
            let ports = yaml::items(spec, "ports");
            let ports: Vec<String> = ports.filter_map(|it| yaml::text(it, "port")).collect();
            let listens = addresses.iter().flat_map(|address| {
                let joined = ports.iter().map(|port| address::joined(address, port));
                joined.collect::<Vec<_>>()
            });
            let port = ports.first().map(String::as_str);
            points.push(Point {
                part: called(name),
                listens: listens.collect(),
                paths: vec![Path {
                    host: "*".to_owned(),
                    prefix: "/".to_owned(),
                    application: Some(called(name)),
                    upstreams: vec![within_cluster(name, port)],
                    asks: None,
                }],
            });
        }
        points
    }
}

fn named(object: &Value) -> Named {
    let part = |name| yaml::within(object, &["metadata", name]).and_then(Value::as_str);
    let namespace = part("namespace").unwrap_or("default");
    (
        namespace.to_owned(),
        part("name").unwrap_or_default().to_owned(),
    )
}

/// The service that a reference is to, and its address.
fn service_of(reference: &Value, namespace: &str) -> Option<(Named, String)> {
    let kind = yaml::text(reference, "kind");
    if kind.is_some_and(|kind| kind != "Service") {
        return None;
    }
    let within = yaml::text(reference, "namespace");
    let within = within.unwrap_or_else(|| namespace.to_owned());
    let name = (within, yaml::text(reference, "name")?);
    let port = yaml::text(reference, "port");
    let address = within_cluster(&name, port.as_deref());
    Some((name, address))
}

/// What an application is called: by its service, and its namespace unless that is the usual one.
fn called((namespace, name): &Named) -> String {
    match namespace.as_str() {
        "default" => name.clone(),
        _ => format!("{namespace}.{name}"),
    }
}

fn within_cluster((namespace, name): &Named, port: Option<&str>) -> String {
    let host = format!("{name}.{namespace}.svc");
    match port {
        Some(port) => address::joined(&host, port),
        None => host,
    }
}

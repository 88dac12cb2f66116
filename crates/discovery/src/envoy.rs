//! Envoy's static configuration (API v3): listeners, their routes, the clusters that these lead to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Found, Limits, Path, Point, Problem, Source, address, yaml};

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut reader = Reader {
        limits,
        clusters: BTreeMap::new(),
        point: Point::default(),
        notes: Vec::new(),
        file: "",
    };
    let mut roots = Vec::new();
    for source in sources {
        for document in yaml::documents(source)? {
            if yaml::get(&document, "static_resources").is_none() {
                return Err(Problem(format!(
                    "{}: there are no `static_resources`: name the file that Envoy is started with",
                    source.name
                )));
            }
            roots.push((source.name, document));
        }
    }
    for (_, root) in &roots {
        if let Some(resources) = yaml::get(root, "static_resources") {
            reader.clusters.extend(
                yaml::items(resources, "clusters")
                    .filter_map(|cluster| Some((yaml::text(cluster, "name")?, cluster))),
            );
        }
    }
    for (file, root) in &roots {
        reader.file = file;
        if yaml::get(root, "dynamic_resources").is_some() {
            reader.note("`dynamic_resources` are got elsewhere and not seen here");
        }
        if let Some(resources) = yaml::get(root, "static_resources") {
            for listener in yaml::items(resources, "listeners") {
                reader.listener(listener)?;
            }
        }
    }
    Ok(Found {
        points: vec![reader.point],
        notes: reader.notes,
        ..Found::default()
    })
}

struct Reader<'a> {
    limits: &'a Limits,
    clusters: BTreeMap<String, &'a Value>,
    point: Point,
    notes: Vec<String>,
    file: &'a str,
}

/// An external processor of a listener.
struct Processor {
    /// The filter's name, by which routes switch it off.
    filter: String,
    asks: Option<String>,
}

impl Reader<'_> {
    fn note(&mut self, what: &str) {
        self.notes.push(format!("{}: {what}", self.file));
    }

    fn listener(&mut self, listener: &Value) -> Result<(), Problem> {
        let name = yaml::text(listener, "name").unwrap_or_default();
        match yaml::get(listener, "address").and_then(socket) {
            Some(address) => self.point.listens.push(address),
            None => self.note(&format!("listener {name}: where it listens is not told")),
        }
        for more in yaml::items(listener, "additional_addresses") {
            let address = yaml::get(more, "address").and_then(socket);
            self.point.listens.extend(address);
        }
        let chains = yaml::items(listener, "filter_chains");
        for chain in chains.chain(yaml::get(listener, "default_filter_chain")) {
            for filter in yaml::items(chain, "filters") {
                let Some(config) = yaml::get(filter, "typed_config") else {
                    continue;
                };
                match kind(config) {
                    "HttpConnectionManager" => self.manager(&name, config)?,
                    "TcpProxy" => self.connections(&name, config)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Connections that are forwarded whole: nobody asks about the requests in them.
    fn connections(&mut self, name: &str, config: &Value) -> Result<(), Problem> {
        self.note(&format!(
            "listener {name}: forwards connections, whose requests it does not see"
        ));
        for cluster in targets(config) {
            self.path(("*", "/"), cluster, None)?;
        }
        Ok(())
    }

    fn manager(&mut self, name: &str, manager: &Value) -> Result<(), Problem> {
        let processors = self.processors(name, manager);
        let Some(routes) = yaml::get(manager, "route_config") else {
            self.note(&format!(
                "listener {name}: its routes are got elsewhere and not seen here"
            ));
            return Ok(());
        };
        for host in yaml::items(routes, "virtual_hosts") {
            for route in yaml::items(host, "routes") {
                let targets = yaml::get(route, "route").map(targets).unwrap_or_default();
                if targets.is_empty() {
                    if yaml::within(route, &["route", "cluster_header"]).is_some() {
                        self.note(&format!(
                            "listener {name}: a route that a header leads is not seen here"
                        ));
                    }
                    continue;
                }
                let asked = processors.iter().find(|processor| {
                    let off = |level| switched_off(level, &processor.filter);
                    // What is said nearest counts.
                    let said = off(route).or_else(|| off(host)).or_else(|| off(routes));
                    said != Some(true)
                });
                let asks = asked.and_then(|processor| processor.asks.clone());
                let prefix = prefix(route);
                for domain in yaml::texts(host, "domains") {
                    let host = address::host_of(&domain);
                    for cluster in &targets {
                        self.path((host, &prefix), cluster.clone(), asks.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn processors(&mut self, name: &str, manager: &Value) -> Vec<Processor> {
        let mut processors = Vec::new();
        for filter in yaml::items(manager, "http_filters") {
            let Some(config) = yaml::get(filter, "typed_config") else {
                continue;
            };
            if kind(config) != "ExternalProcessor" || yaml::is_true(filter, "disabled") {
                continue;
            }
            if yaml::is_true(config, "failure_mode_allow") {
                self.note(&format!(
                    "listener {name}: forwards what nobody has decided while the external processor is away (failure_mode_allow)"
                ));
            }
            let service = yaml::get(config, "grpc_service");
            let cluster = service.and_then(|it| yaml::within(it, &["envoy_grpc", "cluster_name"]));
            let target = service.and_then(|it| yaml::within(it, &["google_grpc", "target_uri"]));
            let asks = match (
                cluster.and_then(Value::as_str),
                target.and_then(Value::as_str),
            ) {
                (Some(cluster), _) => self.upstreams(cluster).into_iter().next(),
                (None, target) => target.map(str::to_owned),
            };
            if asks.is_none() {
                self.note(&format!(
                    "listener {name}: where its external processor is, is not told"
                ));
            }
            processors.push(Processor {
                filter: yaml::text(filter, "name").unwrap_or_default(),
                asks,
            });
        }
        processors
    }

    fn path(
        &mut self,
        (host, prefix): (&str, &str),
        cluster: String,
        asks: Option<String>,
    ) -> Result<(), Problem> {
        let upstreams = self.upstreams(&cluster);
        if upstreams.is_empty() {
            self.note(&format!(
                "cluster {cluster}: where its endpoints are, is not told"
            ));
        }
        self.point.paths.push(Path {
            host: address::plain(host),
            prefix: prefix.to_owned(),
            application: Some(cluster),
            upstreams,
            asks,
        });
        let count = self.point.paths.len();
        self.limits
            .within("ingress paths", count, self.limits.paths)
    }

    fn upstreams(&self, cluster: &str) -> Vec<String> {
        let Some(cluster) = self.clusters.get(cluster) else {
            return Vec::new();
        };
        let Some(assignment) = yaml::get(cluster, "load_assignment") else {
            return Vec::new();
        };
        let endpoints = yaml::items(assignment, "endpoints");
        let endpoints = endpoints.flat_map(|group| yaml::items(group, "lb_endpoints"));
        let addresses = endpoints.filter_map(|it| yaml::within(it, &["endpoint", "address"]));
        addresses.filter_map(socket).collect()
    }
}

/// The last part of a message's type.
fn kind(config: &Value) -> &str {
    let name = config.get("@type").and_then(Value::as_str);
    name.unwrap_or_default()
        .rsplit('.')
        .next()
        .unwrap_or_default()
}

fn socket(address: &Value) -> Option<String> {
    let socket = yaml::get(address, "socket_address")?;
    let host = yaml::text(socket, "address")?;
    let port = yaml::text(socket, "port_value")?;
    Some(address::joined(&host, &port))
}

/// The clusters that a route, or a proxy of connections, leads to.
fn targets(action: &Value) -> Vec<String> {
    let mut targets: Vec<String> = yaml::text(action, "cluster").into_iter().collect();
    if let Some(weighted) = yaml::get(action, "weighted_clusters") {
        let clusters = yaml::items(weighted, "clusters");
        targets.extend(clusters.filter_map(|cluster| yaml::text(cluster, "name")));
    }
    targets
}

/// How the paths of a route begin. Of a regular expression that is not asked: all may fit.
fn prefix(route: &Value) -> String {
    let told = ["prefix", "path", "path_separated_prefix"]
        .iter()
        .find_map(|name| yaml::within(route, &["match", name]).and_then(Value::as_str));
    told.filter(|path| path.starts_with('/'))
        .unwrap_or("/")
        .to_owned()
}

/// Whether a level of the routes switches a filter off; none: it says nothing of it.
fn switched_off(level: &Value, filter: &str) -> Option<bool> {
    let configs = yaml::get(level, "typed_per_filter_config")?;
    Some(yaml::is_true(configs.get(filter)?, "disabled"))
}

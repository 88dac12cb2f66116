//! What was found, against what the ledger has.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use discovery::Found;
use ledger::{Application, Environment, IngressKind, IngressPath, IngressPoint};

/// What is to be there.
pub(super) struct Wanted<'a> {
    pub(super) found: &'a Found,
    /// None: what was found says nothing of ingress points.
    pub(super) kind: Option<IngressKind>,
    pub(super) ingress: &'a str,
    pub(super) environment: Environment,
    pub(super) address: Option<&'a str>,
    pub(super) app: Option<&'a str>,
    pub(super) owner: &'a str,
    pub(super) forget: bool,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Changed,
    Known,
}

impl State {
    fn of<T: PartialEq>(before: Option<&T>, now: &T) -> Self {
        match before {
            None => Self::New,
            Some(before) if before == now => Self::Known,
            Some(_) => Self::Changed,
        }
    }
}

/// An application as it becomes.
pub(super) struct ApplicationBecomes {
    pub(super) state: State,
    pub(super) value: Application,
    /// Hosts that it did not have.
    pub(super) hosts: Vec<String>,
}

/// An ingress point as it becomes.
pub(super) struct PointBecomes {
    pub(super) state: State,
    pub(super) value: IngressPoint,
    /// Paths that it did not have.
    pub(super) new: BTreeSet<IngressPath>,
    /// Paths that the ledger has and the source has not.
    pub(super) vanished: Vec<IngressPath>,
    /// Applications to which only these lead.
    pub(super) lost: Vec<String>,
}

/// What differs, and what does not.
pub(super) struct Difference {
    pub(super) points: Vec<PointBecomes>,
    pub(super) applications: Vec<ApplicationBecomes>,
    /// Hosts that lead somewhere, and to no application that is known.
    pub(super) unknown: Vec<String>,
}

impl Wanted<'_> {
    /// What differs from these.
    ///
    /// # Errors
    /// The ingress point is known as something else.
    pub(super) fn against(
        &self,
        applications: &[Application],
        points: &[IngressPoint],
    ) -> anyhow::Result<Difference> {
        let mut naming = Naming::of(self, applications);
        for found in &self.found.applications {
            naming.described(found);
        }
        let mut becomes = Vec::new();
        for found in &self.found.points {
            let Some(kind) = self.kind else { continue };
            becomes.push(self.point(kind, found, points, &mut naming)?);
        }
        let unknown: BTreeSet<String> = becomes
            .iter()
            .flat_map(|point| &point.value.paths)
            .filter(|path| path.application.is_none())
            .map(|path| path.host.clone())
            .collect();
        Ok(Difference {
            points: becomes,
            applications: naming.applications(applications),
            unknown: unknown.into_iter().collect(),
        })
    }

    fn point(
        &self,
        kind: IngressKind,
        found: &discovery::Point,
        points: &[IngressPoint],
        naming: &mut Naming<'_>,
    ) -> anyhow::Result<PointBecomes> {
        let id = match found.part.as_str() {
            "" => self.ingress.to_owned(),
            part => format!("{}.{}", self.ingress, identifier(part)),
        };
        let before = points.iter().find(|point| point.id == id);
        let mut value = match before {
            Some(before) => before.clone(),
            None => IngressPoint::new(&id, kind, self.environment),
        };
        if value.environment != self.environment {
            bail!(
                "ingress point {id} is in the environment {}: say --environment {0}, or --ingress NAME",
                value.environment
            );
        }
        // Who lets a gateway join in the name of a proxy has not said what kind that is.
        if value.kind != kind && value.kind != IngressKind::Gateway {
            bail!(
                "ingress point {id} is of the kind {}: say --ingress NAME",
                value.kind
            );
        }
        value.kind = kind;
        if found.part.is_empty() && self.address.is_some() {
            value.address = self.address.map(str::to_owned);
        }
        if !found.listens.is_empty() {
            value.listens.clone_from(&found.listens);
        }
        let paths = naming.paths(kind, found);
        let had: BTreeSet<IngressPath> = value.paths.drain(..).collect();
        let vanished: Vec<IngressPath> = had.difference(&paths).cloned().collect();
        let leads: BTreeSet<&String> = paths
            .iter()
            .filter_map(|it| it.application.as_ref())
            .collect();
        let lost: BTreeSet<String> = vanished
            .iter()
            .filter_map(|path| path.application.clone())
            .filter(|application| !leads.contains(application))
            .collect();
        for application in leads {
            if !value.applications.contains(application) {
                value.applications.push(application.clone());
            }
        }
        let new: BTreeSet<IngressPath> = paths.difference(&had).cloned().collect();
        value.paths = match self.forget {
            true => paths.into_iter().collect(),
            false => paths.union(&had).cloned().collect(),
        };
        if self.forget {
            value.applications.retain(|it| !lost.contains(it));
        }
        Ok(PointBecomes {
            state: State::of(before, &value),
            value,
            new,
            vanished,
            lost: lost.into_iter().collect(),
        })
    }
}

/// Which application is meant.
struct Naming<'a> {
    wanted: &'a Wanted<'a>,
    known: BTreeMap<String, Application>,
    /// Those that were in the ledger.
    ledger: BTreeSet<String>,
    /// What names in sources stand for.
    met: BTreeMap<String, String>,
}

impl<'a> Naming<'a> {
    fn of(wanted: &'a Wanted<'a>, applications: &[Application]) -> Self {
        let here = applications
            .iter()
            .filter(|it| it.environment == wanted.environment);
        let known: BTreeMap<_, _> = here.map(|it| (it.id.clone(), it.clone())).collect();
        Self {
            wanted,
            ledger: known.keys().cloned().collect(),
            known,
            met: BTreeMap::new(),
        }
    }

    fn described(&mut self, found: &discovery::Application) {
        let name = self.wanted.app.unwrap_or(&found.name);
        let by_host = found.hosts.iter().find_map(|host| self.asked_for_by(host));
        let id = match self.known.contains_key(name) || self.wanted.app.is_some() {
            true => name.to_owned(),
            false => by_host.unwrap_or_else(|| name.to_owned()),
        };
        self.add(&id, &found.title);
        for host in &found.hosts {
            self.asks_by(&id, host);
        }
    }

    /// The ways of a point, each with its application as the ledger calls it.
    fn paths(&mut self, kind: IngressKind, found: &discovery::Point) -> BTreeSet<IngressPath> {
        let mut paths = BTreeSet::new();
        // Those that name a host say more than those that take all.
        let (open, named): (Vec<_>, Vec<_>) = found.paths.iter().partition(|it| it.host == "*");
        for path in named.into_iter().chain(open) {
            let application = match kind {
                IngressKind::Dns => self.asked_for_by(&path.host),
                _ => Some(self.of_path(path)),
            };
            if let Some(application) = application.as_ref().filter(|_| kind != IngressKind::Dns) {
                self.add(application, application);
                self.asks_by(application, &path.host);
            }
            paths.insert(IngressPath {
                host: path.host.clone(),
                prefix: path.prefix.clone(),
                application,
                upstreams: path.upstreams.clone(),
                asks: path.asks.clone(),
            });
        }
        paths
    }

    /// By the name that the ledger has, or that was met before; else by the host, so that several
    /// versions behind one host are one application.
    fn of_path(&mut self, path: &discovery::Path) -> String {
        if let Some(app) = self.wanted.app {
            return app.to_owned();
        }
        let name = path.application.as_deref().map(identifier);
        if let Some(name) = name.as_ref().filter(|name| self.ledger.contains(*name)) {
            return name.clone();
        }
        let met = name.as_ref().and_then(|name| self.met.get(name));
        if let Some(id) = met {
            return id.clone();
        }
        let or_host = Some(path.host.as_str()).filter(|host| *host != "*");
        let or_address = path.upstreams.first().map(String::as_str);
        let id = self
            .asked_for_by(&path.host)
            .or_else(|| name.clone())
            .or_else(|| or_host.or(or_address).map(identifier))
            .unwrap_or_else(|| "unnamed".to_owned());
        if let Some(name) = name {
            self.met.insert(name, id.clone());
        }
        id
    }

    /// The application that is asked for by a host.
    fn asked_for_by(&self, host: &str) -> Option<String> {
        let fits = |pattern: &String| match pattern.strip_prefix('*') {
            Some(end) => pattern == host || (host.ends_with(end) && host != end),
            None => pattern.eq_ignore_ascii_case(host),
        };
        let mut known = self.known.values();
        let found = known.find(|it| host != "*" && it.hosts.iter().any(fits));
        found.map(|it| it.id.clone())
    }

    fn add(&mut self, id: &str, title: &str) {
        self.known
            .entry(id.to_owned())
            .or_insert_with(|| Application {
                id: id.to_owned(),
                title: title.to_owned(),
                environment: self.wanted.environment,
                owner: self.wanted.owner.to_owned(),
                hosts: Vec::new(),
                assets: Vec::new(),
            });
    }

    fn asks_by(&mut self, id: &str, host: &str) {
        if let Some(application) = self.known.get_mut(id)
            && host != "*"
            && !application.hosts.iter().any(|it| it == host)
        {
            application.hosts.push(host.to_owned());
        }
    }

    fn applications(self, before: &[Application]) -> Vec<ApplicationBecomes> {
        let becomes = self.known.into_values().map(|value| {
            let before = before.iter().find(|it| it.id == value.id);
            let had = |host: &String| before.is_some_and(|it| it.hosts.contains(host));
            ApplicationBecomes {
                state: State::of(before, &value),
                hosts: value
                    .hosts
                    .iter()
                    .filter(|host| !had(host))
                    .cloned()
                    .collect(),
                value,
            }
        });
        becomes.collect()
    }
}

/// A name as the ledger takes identifiers.
fn identifier(name: &str) -> String {
    /// So that it stands behind another one, too.
    const BYTES: usize = 100;
    let plain = |letter: char| match letter.is_ascii_alphanumeric() || "._:@-".contains(letter) {
        true => letter,
        false => '-',
    };
    let name = name.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let name: String = name
        .chars()
        .take(BYTES)
        .filter(|it| *it != ']')
        .map(plain)
        .collect();
    match name.is_empty() {
        true => "unnamed".to_owned(),
        false => name,
    }
}

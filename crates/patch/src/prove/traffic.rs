//! A patch on recorded traffic: what it would have stopped, and what that is worth.

use std::sync::Arc;

use engine::{Exchange, Limits, Match, Mode, NoResources, PatchRules, Plan};
use serde::{Deserialize, Serialize};

use crate::compile::Compiled;
use crate::document::{Document, Member, Place, PlaceKind, Rule, Source};
use crate::problem::Problem;

/// What a patch would have done with recorded requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests that could be read.
    pub requests: u64,
    /// Records that could not.
    pub unreadable: u64,
    /// Requests in the patch's scope.
    pub concerned: u64,
    /// Requests that it would have stopped or changed.
    pub hits: u64,
    /// Requests that it might have: a part that was not recorded decides.
    pub undecided: u64,
    /// Places that the patch looks at and that the records do not show in each request of
    /// the scope: for those, the numbers above say less or nothing.
    pub partial: Vec<Partial>,
    /// The first requests that it would have stopped.
    pub examples: Vec<Hit>,
}

/// A place that was not always recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// As written in the patch: `form.name`.
    pub place: String,
    /// In how many of the concerned requests it was recorded.
    pub seen: u64,
}

/// A request that would have been stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// File and number of the record.
    pub record: String,
    /// Method and target; bytes that are not UTF-8 are replaced by U+FFFD.
    pub request: String,
    /// The rule.
    pub rule: u64,
    /// Where it matched.
    pub target: String,
}

/// Which parts of a request a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Names of the headers that are recorded, in small letters; none: all are.
    pub headers: Option<&'static [&'static str]>,
    /// Whether the body is.
    pub body: bool,
}

impl Recorded {
    /// Everything.
    pub const WHOLE: Self = Self {
        headers: None,
        body: true,
    };

    fn shows(&self, place: &Place) -> bool {
        let Some(headers) = self.headers else {
            return self.body || !place.kind.needs_body();
        };
        match (place.kind, &place.member) {
            (PlaceKind::Header, Some(Member::Name(name))) => {
                headers.iter().any(|known| known.eq_ignore_ascii_case(name))
            }
            (PlaceKind::Host, _) => headers.contains(&"host"),
            (PlaceKind::Credentials, _) => headers.contains(&"authorization"),
            (
                PlaceKind::Header
                | PlaceKind::HeaderNames
                | PlaceKind::Cookie
                | PlaceKind::CookieNames,
                _,
            ) => false,
            _ => self.body || !place.kind.needs_body(),
        }
    }
}

/// Requests that would have been stopped are kept up to this number.
const EXAMPLES: usize = 100;

/// Counts requests one by one.
pub struct Tally {
    plan: Arc<Plan>,
    scope: Arc<Plan>,
    host: Option<Vec<u8>>,
    places: Vec<(Place, u64)>,
    traffic: Traffic,
}

impl Tally {
    /// # Errors
    /// Rules that the engine does not understand, with their place.
    pub fn new(source: &Source, compiled: &Compiled) -> Result<Self, Problem> {
        let host = compiled.scope.hosts.first();
        Ok(Self {
            plan: super::plan(source, compiled)?,
            scope: scope(source, compiled)?,
            host: host.map(|host| host.replace('*', "x").into_bytes()),
            places: places(&source.document),
            traffic: Traffic::default(),
        })
    }

    /// A record that could not be read.
    pub fn unreadable(&mut self) {
        self.traffic.unreadable += 1;
    }

    /// A request; what matched if it would have been stopped.
    pub fn see(
        &mut self,
        exchange: &Exchange,
        recorded: Recorded,
        record: impl FnOnce() -> String,
    ) -> Option<Match> {
        self.traffic.requests += 1;
        // Where no host is recorded, any might have been meant.
        let mut named = None;
        if let (Some(host), None) = (&self.host, exchange.header("host")) {
            let mut exchange = exchange.clone();
            exchange.headers.push((b"Host".to_vec(), host.clone()));
            named = Some(exchange);
        }
        let exchange = named.as_ref().unwrap_or(exchange);
        if exchange.inspect(&self.scope).matches.is_empty() {
            return None;
        }
        self.traffic.concerned += 1;
        // A method without body has none that could be missing.
        let bodyless = matches!(&*exchange.method, b"GET" | b"HEAD");
        let recorded = Recorded {
            body: recorded.body || bodyless,
            ..recorded
        };
        for (place, seen) in &mut self.places {
            *seen += u64::from(recorded.shows(place));
        }
        let verdict = exchange.inspect(&self.plan);
        if verdict.action() == "pass" {
            return None;
        }
        let decided = verdict.decision.map(|decision| decision.cause);
        let mut matches = verdict.matches.into_iter();
        let cause = decided.or_else(|| matches.find(|found| found.disruptive))?;
        // What counts members of a collection counts also what was not recorded.
        if recorded != Recorded::WHOLE && cause.target.starts_with('&') {
            self.traffic.undecided += 1;
            return None;
        }
        self.traffic.hits += 1;
        if self.traffic.examples.len() < EXAMPLES {
            self.traffic.examples.push(Hit {
                record: record(),
                request: format!(
                    "{} {}",
                    String::from_utf8_lossy(&exchange.method),
                    String::from_utf8_lossy(&exchange.target)
                ),
                rule: cause.rule,
                target: cause.target.clone(),
            });
        }
        Some(cause)
    }

    /// What was counted.
    pub fn end(self) -> Traffic {
        let concerned = self.traffic.concerned;
        let partial = self
            .places
            .into_iter()
            .filter(|(_, seen)| *seen < concerned)
            .map(|(place, seen)| Partial {
                place: place.to_string(),
                seen,
            });
        Traffic {
            partial: partial.collect(),
            ..self.traffic
        }
    }
}

impl Traffic {
    /// At 95 % confidence no larger share of all requests like these would be stopped.
    /// None if there was no request.
    pub fn bound(&self) -> Option<f64> {
        (self.requests > 0).then(|| upper_bound(self.hits, self.requests))
    }

    /// The same of the requests in the patch's scope.
    pub fn bound_in_scope(&self) -> Option<f64> {
        (self.concerned > 0).then(|| upper_bound(self.hits, self.concerned))
    }

    pub(super) fn objection(&self) -> Option<String> {
        (self.hits > 0).then(|| {
            format!(
                "{} of {} recorded requests would have been stopped; if they are no attacks, narrow the rules",
                self.hits, self.requests
            )
        })
    }
}

/// The upper end of a one-sided 95 % confidence interval of a share (Clopper and Pearson
/// 1934); for no hits the rule of three, which is a little more.
fn upper_bound(hits: u64, of: u64) -> f64 {
    let of_all = of as f64;
    if hits == 0 {
        return (3.0 / of_all).min(1.0);
    }
    if hits >= of {
        return 1.0;
    }
    // The share at which so few hits, or fewer, have a chance of 5 %.
    let (mut low, mut high) = (hits as f64 / of_all, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match at_most(hits, of_all, middle) > 0.05 {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The chance of so many hits, or fewer, where each of the requests hits with a chance.
fn at_most(hits: u64, of: f64, chance: f64) -> f64 {
    let mut term = of * (-chance).ln_1p();
    let mut sum = term.exp();
    for hit in 1..=hits {
        let hit = hit as f64;
        term += ((of - hit + 1.0) / hit).ln() + chance.ln() - (-chance).ln_1p();
        sum += term.exp();
    }
    sum
}

/// A plan with a match for every request in the patch's scope.
fn scope(source: &Source, compiled: &Compiled) -> Result<Arc<Plan>, Problem> {
    let rule = "SecAction \"id:1,phase:1,pass,log\"";
    let rules = seclang::parse(&source.name, rule, &seclang::Limits::default());
    let mut scope = compiled.scope.clone();
    scope.applications.clear();
    let patch = PatchRules {
        id: compiled.id.clone(),
        mode: Mode::Enforce,
        scope,
        body_bytes: None,
        oversize: compiled.oversize,
        rules: rules.into_iter().collect(),
    };
    let input = engine::Input {
        rules: Vec::new(),
        patches: vec![patch],
    };
    engine::compile(&input, Limits::default(), &NoResources)
        .map_err(|error| super::refused(source, &error))
}

/// Every place that a document names.
fn places(document: &Document) -> Vec<(Place, u64)> {
    let mut found: Vec<(Place, u64)> = Vec::new();
    let places = document.rules.iter().flat_map(|rule| match &rule.value {
        Rule::Allow(allow) => allow.places.iter().chain(&allow.only).collect(),
        Rule::Deny(deny) => deny
            .places
            .iter()
            .chain(deny.and.iter().flat_map(|and| &and.places))
            .collect(),
        Rule::Strip(_) | Rule::Seclang(_) => Vec::new(),
    });
    for place in places {
        if found.iter().all(|(known, _)| known != place) {
            found.push((place.clone(), 0));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::upper_bound;

    /// Tables of the exact interval: 0 of 100, then 1, 5 and 10 of 100.
    #[test]
    fn bounds_are_those_of_the_tables() {
        for (hits, of, expected) in [
            (0, 100, 0.03),
            (1, 100, 0.0466),
            (5, 100, 0.1023),
            (10, 100, 0.1637),
            (0, 2, 1.0),
            (3, 3, 1.0),
        ] {
            let bound = upper_bound(hits, of);
            assert!((bound - expected).abs() < 0.0001, "{hits} of {of}: {bound}");
        }
    }
}

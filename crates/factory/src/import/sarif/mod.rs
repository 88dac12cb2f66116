//! SARIF 2.1.0 from scanners of code and of running applications. A result becomes a patch
//! where it tells a route, a parameter and a weakness (CWE) of a class that can be stopped; a
//! specimen stands for the attack, for code scanners send none.
//!
//! [`log`] is the format, [`evidence`] finds parameter and route.

mod evidence;
mod log;

use std::collections::BTreeSet;

use patch::Request;
use patch::document::Severity;
use serde_json::Value;

use super::scanner::{self, Alert};
use super::target::Target;
use super::{Imported, Importer, Options, Outcome, sample, stem};
use crate::{Origin, Step, Unknown};
use evidence::From;
use log::{Found, Log, Rule, Run, WebRequest};

/// `sarif`
pub(super) const IMPORTER: Importer = Importer {
    kind: "sarif",
    summary: "SARIF 2.1.0 of code scanners: results that tell route, parameter and CWE",
    suffixes: &["sarif", "json"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let text = text.trim_start_matches('\u{feff}');
    let log: Log = match serde_json::from_str(text) {
        Ok(log) => log,
        Err(error) => {
            let why = format!("{name}:{}: this is no SARIF: {error}", error.line());
            return vec![Imported::rejected(stem(name), why)];
        }
    };
    if !log.version.starts_with("2.1") {
        let why = format!("{name}: SARIF {} is not known; 2.1.0 is", log.version);
        return vec![Imported::rejected(stem(name), why)];
    }
    let mut reader = Reader {
        name,
        options,
        taken: BTreeSet::new(),
        seen: BTreeSet::new(),
    };
    let mut imported = Vec::new();
    for run in &log.runs {
        for found in run.results.iter().flatten() {
            imported.push(reader.result(run, found));
        }
    }
    if imported.is_empty() {
        imported.push(Imported {
            id: stem(name),
            outcome: Outcome::Needless(format!("{name}: it holds no result")),
        });
    }
    imported
}

struct Reader<'a> {
    name: &'a str,
    options: &'a Options,
    taken: BTreeSet<String>,
    /// What became a patch already: rule, route, parameter.
    seen: BTreeSet<(String, String, String)>,
}

impl Reader<'_> {
    fn result(&mut self, run: &Run, found: &Found) -> Imported {
        let rule_id = match found.rule_id.is_empty() {
            true => found.rule.id.as_str(),
            false => found.rule_id.as_str(),
        };
        let rule = rule(run, rule_id);
        let id = format!("{}-{}", stem(self.name), scanner::slug(rule_id));
        let place = format!(
            "{}: result `{rule_id}` at {}",
            self.name,
            whereabouts(found)
        );
        let needless = |id: String, why: &str| Imported {
            id,
            outcome: Outcome::Needless(format!("{place}: {why}")),
        };
        if !matches!(found.kind.as_str(), "" | "fail" | "open" | "review") {
            let why = format!("it is of kind `{}`, no fault", found.kind);
            return needless(scanner::unique(id, &mut self.taken), &why);
        }
        if !found.suppressions.is_empty() {
            return needless(scanner::unique(id, &mut self.taken), "it is suppressed");
        }
        let cwe = cwe(rule, found);
        let attack = match attack(found, &cwe) {
            Ok(attack) => attack,
            Err(why) => {
                let id = scanner::unique(id, &mut self.taken);
                return Imported::rejected(id, format!("{place}: {why}"));
            }
        };
        let known = (
            rule_id.to_owned(),
            attack.path.clone(),
            attack.parameter.clone(),
        );
        let id = match scanner::slug(&attack.path) {
            slug if slug.is_empty() => id,
            slug => format!("{id}-{slug}"),
        };
        if !self.seen.insert(known) {
            let id = scanner::unique(id, &mut self.taken);
            return needless(
                id,
                "another result of this rule is of the same route and parameter",
            );
        }
        let alert = Alert {
            id,
            title: format!("{} at {}", title(rule, rule_id), attack.path),
            severity: severity(rule),
            cwe,
            references: rule
                .map(|rule| rule.help_uri.clone())
                .filter(|uri| uri.starts_with("http"))
                .into_iter()
                .collect(),
            exploits: attack.steps,
        };
        alert.imported(&place, &mut self.taken, self.options)
    }
}

struct Attack {
    path: String,
    parameter: String,
    steps: Vec<Step>,
}

/// The requests that a result speaks of.
///
/// # Errors
/// What it does not tell.
fn attack(found: &Found, cwe: &[String]) -> Result<Attack, String> {
    let parameter = evidence::parameter(found);
    if let Some(web) = &found.web_request
        && !web.target.is_empty()
    {
        let mut step = Step::of(sent(web)?);
        step.attacked = parameter.as_ref().map(|(_, name)| name.clone());
        let target = String::from_utf8_lossy(&step.request.target).into_owned();
        return Ok(Attack {
            path: target.split('?').next().unwrap_or_default().to_owned(),
            parameter: parameter.map_or_else(String::new, |(_, name)| name),
            steps: vec![step],
        });
    }
    let route = evidence::route(found);
    let sample = sample::of(cwe);
    let missing: Vec<&str> = [
        (route.is_none(), "no route leads to the code (route in properties, logicalLocations, webRequest, or a snippet that names it)"),
        (parameter.is_none(), "no parameter is told (parameter in properties, or a snippet of the flow's source)"),
        (sample.is_none(), "its rule names no weakness (CWE) of a class that can be stopped by looking at a parameter"),
    ]
    .into_iter()
    .filter_map(|(missing, what)| missing.then_some(what))
    .collect();
    let (Some((method, path)), Some((from, name)), Some(sample)) = (route, parameter, sample)
    else {
        return Err(missing.join("; "));
    };
    let filled = concrete(&path, &name, sample)?;
    if from == From::Path && !filled.attacked {
        return Err(format!(
            "the parameter `{name}` is one of the route's, but the route `{path}` has none of that name"
        ));
    }
    let mut ways = Vec::new();
    let of_path = filled.attacked.then(|| vec![From::Path]);
    for way in of_path.unwrap_or_else(|| ways_of(from, method.as_deref())) {
        let mut step = Step::of(request(
            way,
            method.as_deref(),
            &filled.path,
            &name,
            sample,
        )?);
        step.attacked = (!filled.attacked).then(|| name.clone());
        step.unknowns.clone_from(&filled.unknowns);
        ways.push(step);
    }
    Ok(Attack {
        path: path.split('?').next().unwrap_or_default().to_owned(),
        parameter: name,
        steps: ways,
    })
}

/// A query for GET, a form for POST; one of each where nothing is told.
fn ways_of(from: From, method: Option<&str>) -> Vec<From> {
    match (from, method) {
        (From::Either, Some("GET" | "DELETE" | "HEAD")) => vec![From::Query],
        (From::Either, Some(_)) => vec![From::Body],
        (From::Either, None) => vec![From::Query, From::Body],
        (from, _) => vec![from],
    }
}

fn request(
    way: From,
    method: Option<&str>,
    path: &str,
    name: &str,
    sample: &str,
) -> Result<Request, String> {
    let default = match way {
        From::Body => "POST",
        _ => "GET",
    };
    let method = method.unwrap_or(default);
    let uri = format!("http://app{path}");
    let mut request = match way {
        From::Query => scanner::rebuilt("GET", &uri, name, sample)?,
        From::Body | From::Either => scanner::rebuilt("POST", &uri, name, sample)?,
        From::Header | From::Cookie | From::Path => scanner::rebuilt("GET", &uri, "", "")?,
    };
    match way {
        From::Header => request.set_header(name, sample),
        From::Cookie => {
            request.set_header(
                "Cookie",
                &format!("{name}={}", patch::percent_encoded(sample.as_bytes())),
            );
        }
        _ => {}
    }
    request.method = method.as_bytes().to_vec();
    Ok(request)
}

/// A path of a request.
struct Filled {
    path: String,
    /// What was put there for parameters that are not attacked.
    unknowns: Vec<Unknown>,
    /// Whether the attack is in it.
    attacked: bool,
}

/// A path with something in place of each parameter: `:id`, `{id}`, `{id:int}`, `<int:id>`, `*`; the
/// specimen in place of the one that is attacked.
fn concrete(path: &str, name: &str, sample: &str) -> Result<Filled, String> {
    let path = match path.contains("://") {
        true => Target::of(path)?.target,
        false => path.to_owned(),
    };
    let path = path.split('?').next().unwrap_or_default();
    let mut filled = Filled {
        path: String::new(),
        unknowns: Vec::new(),
        attacked: false,
    };
    let mut segments = Vec::new();
    for (at, segment) in path.split('/').enumerate() {
        let Some(parameter) = parameter(segment) else {
            segments.push(segment.to_owned());
            continue;
        };
        if parameter == name {
            filled.attacked = true;
            segments.push(patch::percent_encoded(sample.as_bytes()));
        } else {
            let text = format!("7{at}935");
            segments.push(text.clone());
            let origin = Origin::Given;
            filled.unknowns.push(Unknown { text, origin });
        }
    }
    filled.path = segments.join("/");
    Ok(filled)
}

/// The name of the parameter that a segment of a route is.
fn parameter(segment: &str) -> Option<&str> {
    let inside = |open, close| segment.strip_prefix(open)?.strip_suffix(close);
    if let Some(inner) = inside('{', '}') {
        // ASP.NET has `{id:int}`, `{**rest}` and `{id?}`, FastAPI `{rest:path}`.
        let name = inner.split([':', '=', '?']).next().unwrap_or_default();
        return Some(name.trim_start_matches(['*', '+', '.']));
    }
    if let Some(inner) = inside('<', '>') {
        return inner.rsplit(':').next();
    }
    if let Some(inner) = segment.strip_prefix(':') {
        let end = inner.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        return inner.get(..end.unwrap_or(inner.len()));
    }
    segment.strip_prefix('*')
}

/// The request that a scanner of running applications sent.
fn sent(web: &WebRequest) -> Result<Request, String> {
    let (host, target) = match web.target.contains("://") {
        true => {
            let url = Target::of(&web.target)?;
            (url.host, url.target)
        }
        false => ("app".to_owned(), super::target::sendable(&web.target)),
    };
    let mut request = Request {
        method: match web.method.is_empty() {
            true => b"GET".to_vec(),
            false => web.method.clone().into_bytes(),
        },
        target: target.into_bytes(),
        version: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Host".to_vec(), host.into_bytes())],
        body: web.body.text.clone().into_bytes(),
        chunked: false,
    };
    let frames = ["content-length", "transfer-encoding"];
    for (name, value) in &web.headers {
        if !frames.contains(&name.to_ascii_lowercase().as_str()) {
            request.set_header(name, value);
        }
    }
    let in_target = request.target.contains(&b'?');
    if !in_target && request.body.is_empty() && !web.parameters.is_empty() {
        let pairs: Vec<String> = web
            .parameters
            .iter()
            .map(|(name, value)| {
                let name = patch::percent_encoded(name.as_bytes());
                format!("{name}={}", patch::percent_encoded(value.as_bytes()))
            })
            .collect();
        let pairs = pairs.join("&");
        match request.method == b"POST" {
            true => {
                request.set_header("Content-Type", "application/x-www-form-urlencoded");
                request.body = pairs.into_bytes();
            }
            false => request
                .target
                .extend_from_slice(format!("?{pairs}").as_bytes()),
        }
    }
    Ok(request)
}

fn rule<'r>(run: &'r Run, id: &str) -> Option<&'r Rule> {
    let components = std::iter::once(&run.tool.driver).chain(&run.tool.extensions);
    let mut rules = components.flat_map(|component| &component.rules);
    rules.find(|rule| rule.id == id)
}

/// The numbers of the weaknesses that rule and result name.
fn cwe(rule: Option<&Rule>, found: &Found) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut tags = |properties: &serde_json::Map<String, Value>| {
        for name in ["tags", "cwe", "CWE"] {
            match properties.get(name) {
                Some(Value::Array(all)) => {
                    texts.extend(all.iter().filter_map(Value::as_str).map(str::to_owned))
                }
                Some(Value::String(text)) => texts.push(text.clone()),
                _ => {}
            }
        }
    };
    tags(&found.properties);
    if let Some(rule) = rule {
        tags(&rule.properties);
    }
    let related = rule.into_iter().flat_map(|rule| &rule.relationships);
    for reference in related.map(|related| &related.target).chain(&found.taxa) {
        let of_cwe = reference.tool_component.name.eq_ignore_ascii_case("cwe");
        texts.push(
            match of_cwe && !reference.id.to_ascii_lowercase().contains("cwe") {
                true => format!("cwe-{}", reference.id),
                false => reference.id.clone(),
            },
        );
    }
    let mut numbers: Vec<String> = Vec::new();
    for text in texts {
        let lower = text.to_ascii_lowercase();
        for piece in lower.split("cwe").skip(1) {
            let digits: String = piece
                .trim_start_matches(['-', '_', ':', '/', ' ', '0'])
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            let number = format!("CWE-{digits}");
            if !digits.is_empty() && !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
    numbers
}

fn title(rule: Option<&Rule>, id: &str) -> String {
    let told = rule.map(|rule| match &rule.short_description {
        Some(message) if !message.text.is_empty() => message.text.as_str(),
        _ => rule.name.as_str(),
    });
    let told = told
        .and_then(|text| text.lines().next())
        .unwrap_or_default();
    match told.trim() {
        "" => id.to_owned(),
        told => told.to_owned(),
    }
}

/// `security-severity`, which is a CVSS score.
fn severity(rule: Option<&Rule>) -> Option<Severity> {
    let score: f64 = match rule?.properties.get("security-severity")? {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    Some(match score {
        9.0.. => Severity::Critical,
        7.0.. => Severity::High,
        4.0.. => Severity::Medium,
        _ => Severity::Low,
    })
}

fn whereabouts(found: &Found) -> String {
    let place = found.locations.first().map(|location| {
        let physical = &location.physical_location;
        format!(
            "{}:{}",
            physical.artifact_location.uri, physical.region.start_line
        )
    });
    place.unwrap_or_else(|| "no location".to_owned())
}

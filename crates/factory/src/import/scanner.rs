//! What reports of scanners have in common: alerts to descriptions.

use std::collections::BTreeSet;

use patch::document::{Severity, Vulnerability};
use patch::{Request, percent_encoded};

use super::target::Target;
use super::{Imported, Options};
use crate::{Description, Exploit, Limits, Step, bytes, synthesis};

/// What a scanner found at one endpoint.
#[derive(Debug, Default)]
pub(super) struct Alert {
    /// `zap-40018`, and the like.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: Option<Severity>,
    pub(super) cwe: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) exploits: Vec<Step>,
}

impl Alert {
    /// The patch of an alert that is at `place` of the source, under an id that no other has.
    pub(super) fn imported(
        self,
        place: &str,
        taken: &mut BTreeSet<String>,
        options: &Options,
    ) -> Imported {
        let id = unique(self.id, taken);
        let Limits {
            exploits: most,
            request_bytes: bound,
            ..
        } = options.limits;
        let bytes = |step: &Step| step.request.target.len() + step.request.body.len();
        if self.exploits.len() > most {
            return Imported::rejected(id, format!("{place}: more than {most} requests"));
        }
        if self.exploits.iter().any(|step| bytes(step) > bound) {
            return Imported::rejected(
                id,
                format!("{place}: a request of more than {bound} bytes"),
            );
        }
        let description = Description {
            id,
            title: self.title,
            severity: self.severity.unwrap_or(Severity::High),
            vulnerability: Vulnerability {
                cwe: self.cwe,
                references: self.references,
                ..Vulnerability::default()
            },
            hints: Vec::new(),
            notes: Vec::new(),
            source: place.to_owned(),
            exploits: exploits(self.exploits),
        };
        Imported {
            id: description.id.clone(),
            outcome: synthesis::patch(&description, options)
                .map_err(|why| format!("{place}: {why}"))
                .into(),
        }
    }
}

fn exploits(steps: Vec<Step>) -> Vec<Exploit> {
    let numbered = steps.into_iter().enumerate();
    numbered
        .map(|(at, step)| Exploit {
            name: format!("request {}", at + 1),
            stage: 0,
            steps: vec![step],
        })
        .collect()
}

/// An id, with a number where another alert has it.
pub(super) fn unique(id: String, taken: &mut BTreeSet<String>) -> String {
    let mut free = id.clone();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{id}-{number}");
    }
    free
}

/// A path as part of an id.
pub(super) fn slug(path: &str) -> String {
    const LONGEST: usize = 40;
    let words: Vec<&str> = path
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let slug = words.join("-").to_ascii_lowercase();
    match slug.get(..LONGEST) {
        Some(start) => start.trim_end_matches('-').to_owned(),
        None => slug,
    }
}

/// A raw request as a proxy saved it, its target without scheme and host.
///
/// # Errors
/// What is no request.
pub(super) fn raw(bytes: &[u8]) -> Result<Request, String> {
    let mut request = Request::from_raw(bytes)?;
    let target = String::from_utf8_lossy(&request.target).into_owned();
    if target.contains("://") && !target.starts_with('/') {
        request.target = Target::of(&target)?.target.into_bytes();
    }
    Ok(request)
}

/// The request that a report tells in parts. The address holds the attack where it is in
/// the path or the query; elsewhere it goes where the parameter's name and the method say.
///
/// # Errors
/// The address is none.
pub(super) fn rebuilt(
    method: &str,
    uri: &str,
    name: &str,
    attack: &str,
) -> Result<Request, String> {
    let url = Target::of(uri)?;
    let mut request = Request {
        method: match method.is_empty() {
            true => b"GET".to_vec(),
            false => method.as_bytes().to_vec(),
        },
        target: Vec::new(),
        version: b"HTTP/1.1".to_vec(),
        headers: vec![(b"Host".to_vec(), url.host.into_bytes())],
        body: Vec::new(),
        chunked: false,
    };
    let (path, query) = url.target.split_once('?').unwrap_or((&url.target, ""));
    let pair = format!(
        "{}={}",
        percent_encoded(name.as_bytes()),
        percent_encoded(attack.as_bytes())
    );
    let names = |known: &str| {
        let known = known.split('=').next().unwrap_or_default();
        known == name || known == percent_encoded(name.as_bytes())
    };
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let known = pairs.iter().position(|pair| names(pair));
    if name.is_empty() || attack.is_empty() {
        // An attack without a parameter is in the address, or is the body.
        let address = engine::body::percent::form_decoded(url.target.as_bytes());
        let in_address = bytes::occurrences(&address, attack.as_bytes()) > 0;
        if matches!(method, "POST" | "PUT" | "PATCH") && !attack.is_empty() && !in_address {
            request.set_header("Content-Type", media_type(attack));
            request.body = attack.as_bytes().to_vec();
        }
        request.target = url.target.into_bytes();
        return Ok(request);
    }
    if let Some(known) = known.and_then(|at| pairs.get_mut(at)) {
        *known = &pair;
    } else if is_header(name) {
        request.set_header(name, attack);
    } else if matches!(method, "POST" | "PUT" | "PATCH") {
        request.set_header("Content-Type", "application/x-www-form-urlencoded");
        request.body = pair.clone().into_bytes();
    } else {
        pairs.push(&pair);
    }
    request.target = match pairs.is_empty() {
        true => path.as_bytes().to_vec(),
        false => format!("{path}?{}", pairs.join("&")).into_bytes(),
    };
    Ok(request)
}

/// What a body is, by how it begins.
fn media_type(body: &str) -> &'static str {
    match body.trim_start().chars().next() {
        Some('<') => "application/xml",
        Some('{' | '[') => "application/json",
        _ => "text/plain",
    }
}

/// Scanners write headers with capitals; `host` is a parameter.
fn is_header(name: &str) -> bool {
    const PLAIN: [&str; 6] = [
        "User-Agent",
        "Referer",
        "Cookie",
        "Origin",
        "Host",
        "Authorization",
    ];
    PLAIN.contains(&name)
        || name.starts_with("X-")
        || name.starts_with("x-")
        || name.starts_with("Accept-")
}

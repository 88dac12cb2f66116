//! Issues of Burp Suite, exported as XML (`<issues burpVersion="…">`), with requests in
//! base64 or plain: each issue becomes a patch. Saved items (`<items burpVersion="…">`)
//! are the exploits of one.
//!
//! Issues of severity "Information" are observations; they are told, and no fault.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use patch::document::Severity;

use super::sample;
use super::scanner::{self, Alert};
use super::xml::Element;
use super::{Imported, Importer, Options, Outcome, stem};
use crate::Step;

/// `burp`
pub(super) const IMPORTER: Importer = Importer {
    kind: "burp",
    summary: "issues or saved items of Burp Suite, as XML with requests",
    suffixes: &["xml"],
    read,
    read_bytes: None,
};

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let root = match Element::parse(text.trim_start_matches('\u{feff}')) {
        Ok(root) => root,
        Err((line, why)) => {
            return vec![Imported::rejected(
                stem(name),
                format!("{name}:{line}: {why}"),
            )];
        }
    };
    if root.name == "items" {
        return vec![saved(&root, name, options)];
    }
    if root.name != "issues" {
        let why = format!(
            "{name}:{}: this is no export of issues or items: its root is `{}`",
            root.line, root.name
        );
        return vec![Imported::rejected(stem(name), why)];
    }
    let mut taken = BTreeSet::new();
    let found: Vec<Imported> = root
        .all("issue")
        .map(|issue| imported(issue, name, &mut taken, options))
        .collect();
    match found.is_empty() {
        true => vec![Imported {
            id: stem(name),
            outcome: Outcome::Needless(format!("{name}: it holds no issue")),
        }],
        false => found,
    }
}

/// Requests that were saved by hand, each of which is an exploit.
fn saved(root: &Element, name: &str, options: &Options) -> Imported {
    let id = stem(name);
    match steps(root, None) {
        Ok(exploits) if exploits.is_empty() => {
            Imported::rejected(id, format!("{name}: it holds no request"))
        }
        Ok(exploits) => {
            let alert = Alert {
                title: format!("the requests of {id}"),
                id,
                exploits,
                ..Alert::default()
            };
            alert.imported(name, &mut BTreeSet::new(), options)
        }
        Err((line, why)) => Imported::rejected(id, format!("{name}:{line}: {why}")),
    }
}

fn imported(
    issue: &Element,
    name: &str,
    taken: &mut BTreeSet<String>,
    options: &Options,
) -> Imported {
    let (title, path) = (issue.text_of("name"), issue.text_of("path"));
    let place = format!("{name}:{}: issue `{title}`", issue.line);
    let id = [scanner::slug(title), scanner::slug(path)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    let id = format!("burp-{id}");
    let severity = match issue.text_of("severity").to_ascii_lowercase().as_str() {
        "high" => Severity::High,
        "medium" => Severity::Medium,
        "low" => Severity::Low,
        _ => {
            return Imported {
                id: scanner::unique(id, taken),
                outcome: Outcome::Needless(format!(
                    "{place}: it is for information; there is no attack to stop"
                )),
            };
        }
    };
    let mut cwe = cwe(issue.text_of("vulnerabilityClassifications"));
    if cwe.is_empty() {
        cwe.extend(named(title).map(str::to_owned));
    }
    let exploits = match exploits(issue, &cwe) {
        Ok(exploits) => exploits,
        Err((line, why)) => {
            let id = scanner::unique(id, taken);
            return Imported::rejected(id, format!("{name}:{line}: issue `{title}`: {why}"));
        }
    };
    let alert = Alert {
        id,
        title: format!("{title} at {path}"),
        severity: Some(severity),
        cwe,
        references: Vec::new(),
        exploits,
    };
    alert.imported(&place, taken, options)
}

fn exploits(issue: &Element, cwe: &[String]) -> Result<Vec<Step>, (usize, String)> {
    let attacked = parameter(issue.text_of("location"));
    let steps = steps(issue, attacked.as_deref())?;
    if steps.is_empty() {
        // The parameter and its weakness are enough.
        let at_line = |why: String| (issue.line, why);
        let (Some(name), Some(sample)) = (attacked, sample::of(cwe)) else {
            let why = "it holds no request; export it with requests and responses";
            return Err(at_line(why.to_owned()));
        };
        let uri = format!("{}{}", issue.text_of("host"), issue.text_of("path"));
        let mut step = Step::of(scanner::rebuilt("GET", &uri, &name, sample).map_err(at_line)?);
        step.attacked = Some(name);
        return Ok(vec![step]);
    }
    Ok(steps)
}

/// The requests below an element.
fn steps(element: &Element, attacked: Option<&str>) -> Result<Vec<Step>, (usize, String)> {
    let mut requests = Vec::new();
    element.below("request", &mut requests);
    let steps = requests.into_iter().map(|request| {
        let at_line = |why: String| (request.line, why);
        let bytes = match request.attribute("base64") {
            "true" => BASE64_STANDARD
                .decode(request.text.trim())
                .map_err(|error| at_line(format!("its request is no base64: {error}")))?,
            _ => request.text.trim_start().as_bytes().to_vec(),
        };
        let mut step = Step::of(scanner::raw(&bytes).map_err(at_line)?);
        step.attacked = attacked.map(str::to_owned);
        Ok(step)
    });
    steps.collect()
}

/// `/search [q parameter]`, `/ [Referer HTTP header]`, `/ [TrackingId cookie]`.
fn parameter(location: &str) -> Option<String> {
    let (_, inside) = location.rsplit_once('[')?;
    let inside = inside.strip_suffix(']')?;
    [
        " parameter",
        " HTTP header",
        " cookie",
        " JSON parameter",
        " XML parameter",
    ]
    .into_iter()
    .filter_map(|kind| inside.strip_suffix(kind))
    .min_by_key(|name| name.len())
    .map(str::to_owned)
}

/// What an issue's name says where its classification was not exported (Burp Suite, "Issue
/// definitions").
fn named(title: &str) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] = &[
        ("SQL injection", "CWE-89"),
        ("OS command injection", "CWE-78"),
        ("Cross-site scripting", "CWE-79"),
        ("File path traversal", "CWE-22"),
        ("File path manipulation", "CWE-73"),
        ("XML external entity injection", "CWE-611"),
        ("LDAP injection", "CWE-90"),
        ("Server-side template injection", "CWE-1336"),
        ("Expression Language injection", "CWE-917"),
        ("Server-side JavaScript code injection", "CWE-94"),
        ("PHP code injection", "CWE-94"),
        ("Perl code injection", "CWE-94"),
        ("Ruby code injection", "CWE-94"),
        ("Python code injection", "CWE-94"),
        ("HTTP response header injection", "CWE-113"),
        ("Open redirection", "CWE-601"),
        ("Server-side request forgery", "CWE-918"),
        ("External service interaction", "CWE-918"),
        ("Out-of-band resource load", "CWE-918"),
        ("Serialized object in HTTP message", "CWE-502"),
    ];
    let known = NAMES.iter().find(|(name, _)| title.starts_with(name))?;
    Some(known.1)
}

/// The numbers in a list of links.
fn cwe(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("CWE-").skip(1) {
        let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let cwe = format!("CWE-{digits}");
        if !digits.is_empty() && !found.contains(&cwe) {
            found.push(cwe);
        }
    }
    found
}

//! Reports of ZAP, as JSON or XML: "traditional" (report version 2.x), with or without the
//! requests and answers that its "plus" forms add. Each alert becomes a patch for each path.
//!
//! Where an alert names the parameter and its weakness alone, a specimen stands for the
//! attack. An alert with neither was found by reading answers: there is no request to stop.

use std::collections::BTreeSet;

use patch::document::Severity;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::sample;
use super::scanner::{self, Alert};
use super::xml::Element;
use super::{Imported, Importer, Options, Outcome, stem};
use crate::Step;

/// `zap`
pub(super) const IMPORTER: Importer = Importer {
    kind: "zap",
    summary: "reports of ZAP, JSON or XML, traditional and traditional plus",
    suffixes: &["json", "xml"],
    read,
    read_bytes: None,
};

#[derive(Deserialize)]
struct Report {
    #[serde(deserialize_with = "one_or_many")]
    site: Vec<Site>,
}

#[derive(Deserialize)]
struct Site {
    #[serde(default)]
    alerts: Vec<Found>,
}

/// One or a list: one site alone is written without brackets.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Site>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<Site>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a site or a list of sites")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<Site>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Site>, A::Error> {
            Ok(vec![Site::deserialize(MapAccessDeserializer::new(map))?])
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

#[derive(Deserialize)]
struct Found {
    #[serde(default, deserialize_with = "text")]
    pluginid: String,
    #[serde(default)]
    alert: String,
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "text")]
    riskcode: String,
    #[serde(default, deserialize_with = "text")]
    cweid: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    uri: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    param: String,
    #[serde(default)]
    attack: String,
    #[serde(default, rename = "request-header")]
    header: String,
    #[serde(default, rename = "request-body")]
    body: String,
}

/// Other tools write numbers as such.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    })
}

fn read(text: &str, name: &str, options: &Options) -> Vec<Imported> {
    let text = text.trim_start_matches('\u{feff}');
    let found = match text.trim_start().starts_with('<') {
        true => from_xml(text),
        false => from_json(text),
    };
    let found = match found {
        Ok(found) => found,
        Err((line, why)) => {
            return vec![Imported::rejected(
                stem(name),
                format!("{name}:{line}: {why}"),
            )];
        }
    };
    let mut taken = BTreeSet::new();
    let mut imported = Vec::new();
    for found in found {
        alerts(found, name, &mut taken, options, &mut imported);
    }
    if imported.is_empty() {
        imported.push(Imported {
            id: stem(name),
            outcome: Outcome::Needless(format!("{name}: it holds no alert")),
        });
    }
    imported
}

fn from_json(text: &str) -> Result<Vec<Found>, (usize, String)> {
    let report: Report = serde_json::from_str(text)
        .map_err(|error| (error.line(), format!("this is no report of ZAP: {error}")))?;
    let sites = report.site.into_iter();
    Ok(sites.flat_map(|site| site.alerts).collect())
}

fn from_xml(text: &str) -> Result<Vec<Found>, (usize, String)> {
    let root = Element::parse(text)?;
    if root.name != "OWASPZAPReport" {
        let why = format!("this is no report of ZAP: its root is `{}`", root.name);
        return Err((root.line, why));
    }
    let mut items = Vec::new();
    root.below("alertitem", &mut items);
    let found = items.into_iter().map(|item| {
        let mut instances = Vec::new();
        item.below("instance", &mut instances);
        let own = |element: &Element, name: &str| element.text_of(name).to_owned();
        // Up to version 2.4 an alert was its only instance.
        if instances.is_empty() && !own(item, "uri").is_empty() {
            instances.push(item);
        }
        Found {
            pluginid: own(item, "pluginid"),
            alert: own(item, "alert"),
            name: own(item, "name"),
            riskcode: own(item, "riskcode"),
            cweid: own(item, "cweid"),
            reference: own(item, "reference"),
            instances: instances
                .into_iter()
                .map(|instance| Instance {
                    uri: own(instance, "uri"),
                    method: own(instance, "method"),
                    param: own(instance, "param"),
                    attack: own(instance, "attack"),
                    header: own(instance, "requestheader"),
                    body: own(instance, "requestbody"),
                })
                .collect(),
        }
    });
    Ok(found.collect())
}

/// One alert for each path, in the order in which they come.
fn alerts(
    found: Found,
    name: &str,
    taken: &mut BTreeSet<String>,
    options: &Options,
    imported: &mut Vec<Imported>,
) {
    let id = format!("zap-{}", scanner::slug(&found.pluginid));
    let title = match found.alert.is_empty() {
        true => &found.name,
        false => &found.alert,
    };
    let place = format!("{name}: alert `{title}`");
    let cwe = match found.cweid.parse::<u32>() {
        Ok(number @ 1..) => vec![format!("CWE-{number}")],
        _ => Vec::new(),
    };
    let sample = sample::of(&cwe);
    // From this number on a rule of ZAP's asks for pages of its own.
    let active = found
        .pluginid
        .parse()
        .is_ok_and(|number: u32| (40_000..50_000).contains(&number));
    let shows = |instance: &Instance| {
        !instance.attack.is_empty()
            || (!instance.param.is_empty() && sample.is_some())
            || (active && crate::synthesis::is_hidden(&instance.uri))
    };
    if !found.instances.iter().any(shows) {
        imported.push(Imported {
            id: scanner::unique(id, taken),
            outcome: Outcome::Needless(format!(
                "{place}: ZAP found it in answers, without an attack; there is no request to stop"
            )),
        });
        return;
    }
    let mut paths: Vec<(String, Vec<Step>)> = Vec::new();
    for (at, instance) in found.instances.iter().enumerate() {
        let step = match step(instance, sample) {
            Ok(step) => step,
            Err(why) => {
                let id = scanner::unique(id.clone(), taken);
                imported.push(Imported::rejected(
                    id,
                    format!("{place}, instance {at}: {why}"),
                ));
                continue;
            }
        };
        let target = String::from_utf8_lossy(&step.request.target).into_owned();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        match paths.iter_mut().find(|(known, _)| *known == path) {
            Some((_, steps)) => steps.push(step),
            None => paths.push((path, vec![step])),
        }
    }
    for (path, exploits) in paths {
        let alert = Alert {
            id: match scanner::slug(&path) {
                slug if slug.is_empty() => id.clone(),
                slug => format!("{id}-{slug}"),
            },
            title: format!("{title} at {path}"),
            severity: Some(match found.riskcode.as_str() {
                "3" => Severity::High,
                "2" => Severity::Medium,
                _ => Severity::Low,
            }),
            cwe: cwe.clone(),
            references: links(&found.reference),
            exploits,
        };
        imported.push(alert.imported(&place, taken, options));
    }
}

/// The addresses in what ZAP writes as HTML.
fn links(text: &str) -> Vec<String> {
    text.split(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>'))
        .filter(|word| word.starts_with("http"))
        .map(str::to_owned)
        .collect()
}

/// The request that ZAP sent; where the report does not hold it, what its parts say.
fn step(instance: &Instance, sample: Option<&str>) -> Result<Step, String> {
    let mut request = match instance.header.trim().is_empty() {
        false => {
            let head = instance.header.trim_end();
            scanner::raw(format!("{head}\r\n\r\n{}", instance.body).as_bytes())?
        }
        true => {
            let attack = match instance.attack.is_empty() {
                true => sample.unwrap_or_default(),
                false => &instance.attack,
            };
            scanner::rebuilt(&instance.method, &instance.uri, &instance.param, attack)?
        }
    };
    request.headers.retain(|(name, _)| !name.is_empty());
    let mut step = Step::of(request);
    step.attacked = (!instance.param.is_empty()).then(|| instance.param.clone());
    Ok(step)
}

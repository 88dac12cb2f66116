//! Fuzzing rules: what a scanner puts in the place of parts of a request. Where the template
//! names the request, each is an exploit.

use patch::{Request, percent_encoded};

use super::template::{Fuzzing, Texts};

/// What a rule changes: which values, and how.
pub(super) struct Change<'t> {
    rule: &'t Fuzzing,
    /// The name it is for, where the rule tells one.
    name: Option<&'t str>,
    payload: Vec<u8>,
}

/// A part of a request that has names and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Query,
    Body,
    Header,
    Cookie,
    Path,
}

impl<'t> Change<'t> {
    pub(super) fn new(rule: &'t Fuzzing, name: Option<&'t str>, payload: Vec<u8>) -> Self {
        Self {
            rule,
            name,
            payload,
        }
    }

    /// Every request that the rule makes of one.
    pub(super) fn of(&self, request: &Request) -> Vec<Request> {
        let mut made = Vec::new();
        for part in parts(self.rule) {
            let values = values(request, part);
            let meant: Vec<usize> = values
                .iter()
                .enumerate()
                .filter(|(_, (name, value))| self.means(name, value))
                .map(|(at, _)| at)
                .collect();
            if meant.is_empty() && part == Part::Header {
                made.extend(self.named_header(request));
                continue;
            }
            let sets: Vec<Vec<usize>> = match self.rule.mode.as_str() {
                "single" => meant.into_iter().map(|at| vec![at]).collect(),
                _ if meant.is_empty() => Vec::new(),
                _ => vec![meant],
            };
            for set in sets {
                let mut changed = values.clone();
                for (at, (_, value)) in changed.iter_mut().enumerate() {
                    if set.contains(&at) {
                        *value = self.put(value);
                    }
                }
                made.push(with(request, part, &changed));
            }
        }
        made
    }

    /// A header that the request does not have yet.
    fn named_header(&self, request: &Request) -> Option<Request> {
        let told = self.rule.keys.texts.first().map(String::as_str);
        let name = self.name.or(told)?;
        let mut changed = request.clone();
        changed.set_header(name, &String::from_utf8_lossy(&self.put(b"")));
        Some(changed)
    }

    fn means(&self, name: &str, value: &[u8]) -> bool {
        let rule = self.rule;
        if let Some(wanted) = self.name {
            return wanted.eq_ignore_ascii_case(name);
        }
        let matches = |patterns: &Texts, text: &[u8]| {
            patterns.texts.iter().any(|pattern| {
                let regex = regex::bytes::Regex::new(pattern);
                regex.is_ok_and(|regex| regex.is_match(text))
            })
        };
        let keyed = rule.keys.texts.is_empty() && rule.keys_regex.texts.is_empty();
        let by_key = keyed
            || rule
                .keys
                .texts
                .iter()
                .any(|key| key.eq_ignore_ascii_case(name))
            || matches(&rule.keys_regex, name.as_bytes());
        by_key && (rule.values.texts.is_empty() || matches(&rule.values, value))
    }

    fn put(&self, value: &[u8]) -> Vec<u8> {
        let payload = &self.payload[..];
        match self.rule.kind.as_str() {
            "prefix" => [payload, value].concat(),
            "postfix" => [value, payload].concat(),
            "infix" => {
                let (start, end) = value.split_at(value.len() / 2);
                [start, payload, end].concat()
            }
            "replace-regex" => match regex::bytes::Regex::new(&self.rule.replace_regex) {
                Ok(regex) => regex.replace_all(value, payload).into_owned(),
                Err(_) => payload.to_vec(),
            },
            _ => payload.to_vec(),
        }
    }
}

/// What a rule looks at, for people.
pub(super) fn told(rules: &[Fuzzing]) -> String {
    let mut told: Vec<String> = Vec::new();
    for rule in rules {
        let keys: Vec<&str> = rule
            .keys
            .texts
            .iter()
            .chain(&rule.keys_regex.texts)
            .map(String::as_str)
            .collect();
        let names = parts(rule).into_iter().map(|part| match part {
            Part::Query => "query",
            Part::Body => "body",
            Part::Header => "headers",
            Part::Cookie => "cookies",
            Part::Path => "path",
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let text = match keys.is_empty() {
            true => names,
            false => format!("{names} ({})", keys.join(", ")),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told.join(" and ")
}

fn parts(rule: &Fuzzing) -> Vec<Part> {
    let told = std::iter::once(&rule.part).chain(&rule.parts.texts);
    let mut all: Vec<Part> = told
        .flat_map(|part| match part.as_str() {
            "query" => vec![Part::Query],
            "body" => vec![Part::Body],
            "header" | "headers" => vec![Part::Header],
            "cookie" | "cookies" => vec![Part::Cookie],
            "path" => vec![Part::Path],
            "request" => vec![Part::Query, Part::Body, Part::Cookie, Part::Path],
            _ => Vec::new(),
        })
        .collect();
    if all.is_empty() {
        all.push(Part::Query);
    }
    all
}

/// Names and values of a part, decoded.
fn values(request: &Request, part: Part) -> Vec<(String, Vec<u8>)> {
    match part {
        Part::Query => {
            let mut halves = request.target.splitn(2, |byte| *byte == b'?');
            pairs(halves.nth(1).unwrap_or_default(), b'&')
        }
        Part::Body if request.media_type() == "application/json" => fields(request),
        Part::Body => pairs(&request.body, b'&'),
        Part::Cookie => pairs(cookie(request), b';'),
        Part::Header => request
            .headers
            .iter()
            .filter(|(name, _)| !is_frame(name))
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()))
            .collect(),
        Part::Path => {
            let path = request.target.split(|byte| *byte == b'?').next();
            let segments = path.unwrap_or_default().split(|byte| *byte == b'/').skip(1);
            segments
                .enumerate()
                .filter(|(_, segment)| !segment.is_empty())
                .map(|(at, segment)| ((at + 1).to_string(), segment.to_vec()))
                .collect()
        }
    }
}

/// What belongs to the connection, or is the target's.
fn is_frame(name: &[u8]) -> bool {
    [&b"host"[..], b"content-type", b"cookie", b"connection"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn cookie(request: &Request) -> &[u8] {
    let mut headers = request.headers.iter();
    headers
        .find(|(name, _)| name.eq_ignore_ascii_case(b"cookie"))
        .map_or(&[], |(_, value)| value)
}

/// The texts of a JSON object's own fields.
fn fields(request: &Request) -> Vec<(String, Vec<u8>)> {
    let read: Option<serde_json::Value> = serde_json::from_slice(&request.body).ok();
    let object = read.as_ref().and_then(serde_json::Value::as_object);
    object
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((name.clone(), text.into_bytes()))
        })
        .collect()
}

fn pairs(text: &[u8], between: u8) -> Vec<(String, Vec<u8>)> {
    text.split(|byte| *byte == between)
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || crate::synthesis::percent_decoded(halves.next().unwrap_or_default());
            (String::from_utf8_lossy(&half()).into_owned(), half())
        })
        .collect()
}

fn with(request: &Request, part: Part, values: &[(String, Vec<u8>)]) -> Request {
    let mut changed = request.clone();
    let joined = |between: &str| {
        let pairs: Vec<String> = values
            .iter()
            .map(|(name, value)| {
                let name = percent_encoded(name.as_bytes());
                format!("{name}={}", percent_encoded(value))
            })
            .collect();
        pairs.join(between)
    };
    let mut halves = request.target.splitn(2, |byte| *byte == b'?');
    let path = halves.next().unwrap_or_default();
    let query = halves.next();
    match part {
        Part::Query => changed.target = [path, b"?", joined("&").as_bytes()].concat(),
        Part::Body if request.media_type() == "application/json" => {
            let read = serde_json::from_slice(&request.body).ok();
            let mut object: serde_json::Map<String, serde_json::Value> = read.unwrap_or_default();
            for (name, value) in values {
                object.insert(name.clone(), String::from_utf8_lossy(value).into());
            }
            changed.body = serde_json::Value::from(object).to_string().into_bytes();
        }
        Part::Body => changed.body = joined("&").into_bytes(),
        Part::Cookie => changed.set_header("Cookie", &joined("; ")),
        Part::Header => {
            for (name, value) in values {
                changed.set_header(name, &String::from_utf8_lossy(value));
            }
        }
        Part::Path => {
            let mut target = Vec::new();
            for (_, segment) in values {
                target.push(b'/');
                target.extend(super::requests::sendable(segment));
            }
            if let Some(query) = query {
                target.extend([b"?", query].concat());
            }
            changed.target = target;
        }
    }
    changed
}

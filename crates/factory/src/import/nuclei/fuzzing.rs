//! Fuzzing rules: what a scanner puts in the place of parts of a request. Where the template
//! names the request, each is an exploit.

use patch::{Request, percent_encoded};
use regex::bytes::Regex;

use super::dsl::{expression, with_matches_replaced};
use super::template::{Fuzzing, Texts};

/// Expressions in the fuzzing rules of a block.
const PATTERNS: usize = 64;
/// Values of a part of a request that fuzzing rules are held against.
const VALUES: usize = 1000;

/// A rule that is ready to be held against requests.
pub(super) struct Rule<'t> {
    pub(super) told: &'t Fuzzing,
    keys: Vec<Regex>,
    values: Vec<Regex>,
    /// Without it, or where it cannot be read, the whole value is replaced.
    replaced: Option<Regex>,
}

/// A part of a request, and which of its values a rule means that names none.
pub(super) struct Place {
    part: Part,
    values: Vec<(String, Vec<u8>)>,
    meant: Vec<usize>,
}

/// What there is room for, and whether that left something out.
pub(super) struct Room {
    /// Payloads that may still be put in requests.
    pub(super) payloads: usize,
    /// Requests that may still be made.
    pub(super) requests: usize,
    /// Bytes of a request.
    pub(super) bytes: usize,
    pub(super) left_out: bool,
}

/// What a rule puts in a request.
pub(super) struct Change<'t> {
    rule: &'t Rule<'t>,
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

impl<'t> Rule<'t> {
    /// # Errors
    /// They have more expressions than a block may.
    pub(super) fn all(told: &'t [Fuzzing]) -> Result<Vec<Self>, String> {
        let patterns = told.iter().map(|rule| {
            let replaced = usize::from(!rule.replace_regex.is_empty());
            rule.keys_regex.texts.len() + rule.values.texts.len() + replaced
        });
        if patterns.sum::<usize>() > PATTERNS {
            return Err(format!("more than {PATTERNS} expressions"));
        }
        let read = |pattern: &String| expression(pattern.as_bytes()).ok();
        let all = |patterns: &Texts| patterns.texts.iter().filter_map(read).collect();
        let rule = |told: &'t Fuzzing| Self {
            told,
            keys: all(&told.keys_regex),
            values: all(&told.values),
            replaced: read(&told.replace_regex),
        };
        Ok(told.iter().map(rule).collect())
    }

    /// What it looks at in a request.
    pub(super) fn places(&self, request: &Request, room: &mut Room) -> Vec<Place> {
        let place = |part| {
            let values = values(request, part);
            room.left_out |= values.len() > VALUES;
            let looked = values.iter().take(VALUES).enumerate();
            let meant = looked
                .filter(|(_, (_, value))| part != Part::Path || !value.is_empty())
                .filter(|(_, (name, value))| self.means(name, value))
                .map(|(at, _)| at)
                .collect();
            Place {
                part,
                values,
                meant,
            }
        };
        parts(self.told).into_iter().map(place).collect()
    }

    fn means(&self, name: &str, value: &[u8]) -> bool {
        let told = self.told;
        let matches =
            |patterns: &[Regex], text: &[u8]| patterns.iter().any(|regex| regex.is_match(text));
        let keys = &told.keys.texts;
        let by_key = (keys.is_empty() && told.keys_regex.texts.is_empty())
            || keys.iter().any(|key| key.eq_ignore_ascii_case(name))
            || matches(&self.keys, name.as_bytes());
        by_key && (told.values.texts.is_empty() || matches(&self.values, value))
    }
}

impl<'t> Change<'t> {
    pub(super) fn new(rule: &'t Rule<'t>, name: Option<&'t str>, payload: Vec<u8>) -> Self {
        Self {
            rule,
            name,
            payload,
        }
    }

    /// Every request that the change makes of one, as far as there is room.
    pub(super) fn of(&self, request: &Request, places: &[Place], room: &mut Room) -> Vec<Request> {
        let mut made = Vec::new();
        for place in places {
            let meant = self.meant(place);
            let sets: Vec<&[usize]> = match self.rule.told.mode.as_str() {
                _ if meant.is_empty() && place.part != Part::Header => Vec::new(),
                "single" if !meant.is_empty() => meant.chunks(1).collect(),
                _ => vec![&meant],
            };
            for set in sets {
                if made.len() >= room.requests {
                    room.left_out = true;
                    return made;
                }
                let changed = match set.is_empty() {
                    true => self.with_header(request),
                    false => self.with(request, place, set, room.bytes),
                };
                match changed {
                    Ok(changed) => made.extend(changed),
                    Err(_) => room.left_out = true,
                }
            }
        }
        made
    }

    fn meant(&self, place: &Place) -> Vec<usize> {
        let Some(wanted) = self.name else {
            return place.meant.clone();
        };
        let looked = place.values.iter().take(VALUES).enumerate();
        looked
            .filter(|(_, (_, value))| place.part != Part::Path || !value.is_empty())
            .filter(|(_, (name, _))| wanted.eq_ignore_ascii_case(name))
            .map(|(at, _)| at)
            .collect()
    }

    /// With some values of a part changed.
    fn with(
        &self,
        request: &Request,
        place: &Place,
        set: &[usize],
        bound: usize,
    ) -> Result<Option<Request>, String> {
        let mut changed = Vec::new();
        let mut bytes = 0;
        for &at in set {
            let (_, value) = place.values.get(at).ok_or("no such value")?;
            let value = self.put(value)?;
            bytes += value.len();
            if bytes > bound {
                return Err(format!("a request of more than {bound} bytes"));
            }
            changed.push((at, value));
        }
        Ok(Some(with(request, place, &changed)))
    }

    /// With a header that the request does not have yet.
    fn with_header(&self, request: &Request) -> Result<Option<Request>, String> {
        let told = self.rule.told.keys.texts.first().map(String::as_str);
        let Some(name) = self.name.or(told) else {
            return Ok(None);
        };
        let mut changed = request.clone();
        changed.set_header(name, &String::from_utf8_lossy(&self.put(b"")?));
        Ok(Some(changed))
    }

    fn put(&self, value: &[u8]) -> Result<Vec<u8>, String> {
        let payload = &self.payload[..];
        Ok(match (self.rule.told.kind.as_str(), &self.rule.replaced) {
            ("prefix", _) => [payload, value].concat(),
            ("postfix", _) => [value, payload].concat(),
            ("infix", _) => {
                let (start, end) = value.split_at(value.len() / 2);
                [start, payload, end].concat()
            }
            ("replace-regex", Some(regex)) => with_matches_replaced(regex, value, payload)?,
            _ => payload.to_vec(),
        })
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
    let mut parts = Vec::new();
    for part in all {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// Names and values of a part, decoded.
fn values(request: &Request, part: Part) -> Vec<(String, Vec<u8>)> {
    match part {
        Part::Query => {
            let mut halves = request.target.splitn(2, |byte| *byte == b'?');
            pairs(halves.nth(1).unwrap_or_default(), b'&')
        }
        Part::Body if request.media_type() == "application/json" => fields(request),
        Part::Body if is_form(request) => pairs(&request.body, b'&'),
        Part::Body => Vec::new(),
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
                .map(|(at, segment)| ((at + 1).to_string(), segment.to_vec()))
                .collect()
        }
    }
}

/// Whether a body is a form; what tells no type is taken for one.
fn is_form(request: &Request) -> bool {
    let kind = request.media_type();
    kind.is_empty() || kind == "application/x-www-form-urlencoded"
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
            let mut half =
                || engine::body::percent::form_decoded(halves.next().unwrap_or_default());
            (String::from_utf8_lossy(&half()).into_owned(), half())
        })
        .collect()
}

/// With new values for some of a part, in their order.
fn with(request: &Request, place: &Place, new: &[(usize, Vec<u8>)]) -> Request {
    let mut changed = request.clone();
    let values = || {
        place.values.iter().enumerate().map(|(at, (name, value))| {
            let found = new.binary_search_by_key(&at, |(at, _)| *at).ok();
            let value = found
                .and_then(|found| new.get(found))
                .map_or(value, |(_, new)| new);
            (name, value)
        })
    };
    let attacked = || {
        new.iter()
            .filter_map(|(at, value)| Some((&place.values.get(*at)?.0, value)))
    };
    let joined = |between: &str| {
        let pairs: Vec<String> = values()
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
    match place.part {
        Part::Query => changed.target = [path, b"?", joined("&").as_bytes()].concat(),
        Part::Body if request.media_type() == "application/json" => {
            let read = serde_json::from_slice(&request.body).ok();
            let mut object: serde_json::Map<String, serde_json::Value> = read.unwrap_or_default();
            for (name, value) in attacked() {
                object.insert(name.clone(), String::from_utf8_lossy(value).into());
            }
            changed.body = serde_json::Value::from(object).to_string().into_bytes();
        }
        Part::Body => changed.body = joined("&").into_bytes(),
        Part::Cookie => changed.set_header("Cookie", &joined("; ")),
        Part::Header => {
            for (name, value) in attacked() {
                changed.set_header(name, &String::from_utf8_lossy(value));
            }
        }
        Part::Path => {
            let mut target = Vec::new();
            for (_, segment) in values() {
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

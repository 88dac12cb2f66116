//! Ordinary uses of an endpoint: its parameters with what they are made for.

use std::collections::HashSet;

use patch::Request;
use serde_json::Value;

use super::client::{self, Body, File, encoded, pairs};
use super::endpoint::{Content, Endpoint, Manners};
use super::kind::{self, Kind};
use super::pools::Pools;
use super::random::Random;
use super::shape::{is_clean_path, is_name, is_plain, runs_script};
use super::site;

/// Paths and their parameters that take URLs of the own site alone.
pub(super) type OwnUrls<'a> = HashSet<(&'a str, String)>;

/// How a request is made of the exploit's.
struct Way<'a> {
    /// What selects an operation stays, such as `action=upload`; else it varies, too.
    keep: bool,
    /// Whether something harmful was replaced.
    changed: bool,
    manners: Manners,
    path: &'a str,
    own_urls: &'a OwnUrls<'a>,
    pools: &'a Pools,
    random: &'a mut Random,
}

/// One use; none where all that could be said differs from the attack in nothing that can
/// be seen.
pub(super) fn request(
    endpoint: &Endpoint,
    own_urls: &OwnUrls<'_>,
    pools: &Pools,
    random: &mut Random,
) -> Option<Request> {
    let mut request = any(endpoint, own_urls, pools, random)?;
    let signs = ["cookie", "authorization", "x-api-key"];
    let is_sign = |(name, _): &(Vec<u8>, Vec<u8>)| {
        signs
            .iter()
            .any(|sign| name.eq_ignore_ascii_case(sign.as_bytes()))
    };
    if endpoint.manners.signed_in && !request.headers.iter().any(is_sign) {
        request.set_header("Cookie", &format!("session={}", kind::token(random)));
    }
    Some(request)
}

fn any(
    endpoint: &Endpoint,
    own_urls: &OwnUrls<'_>,
    pools: &Pools,
    random: &mut Random,
) -> Option<Request> {
    if random.chance(1, 8) {
        return visit(endpoint, pools, random);
    }
    let keep = random.chance(2, 3);
    let mut way = Way {
        keep,
        changed: false,
        manners: endpoint.manners,
        path: &endpoint.path,
        own_urls,
        pools,
        random,
    };
    let query = way.fields(&endpoint.query);
    let body = way.body(&endpoint.body)?;
    let headers = way.headers(&endpoint.headers);
    let path = way.path(&endpoint.path);
    let replaced = path != endpoint.path || query != endpoint.query || way.changed;
    if !replaced {
        return None;
    }
    let form = way.random.chance(1, 2);
    let target = match query.is_empty() {
        true => path,
        false => format!("{path}?{}", pairs(&query, form)),
    };
    let mut request = client::request(&endpoint.method, &target, body, pools, random);
    for (name, value) in headers {
        let known = |header: &(Vec<u8>, Vec<u8>)| header.0.eq_ignore_ascii_case(name.as_bytes());
        if !request.headers.iter().any(known) {
            request
                .headers
                .push((name.into_bytes(), value.into_bytes()));
        }
    }
    Some(request)
}

/// The page itself, or something beside it, as a browser asks for it. Where the attack sends
/// nothing besides the path, to visit the page is the attack.
fn visit(endpoint: &Endpoint, pools: &Pools, random: &mut Random) -> Option<Request> {
    let bare = endpoint.query.is_empty() && matches!(endpoint.body, Content::None);
    let folder = endpoint
        .path
        .rfind('/')
        .and_then(|at| endpoint.path.get(..=at))?;
    if !is_clean_path(folder) {
        return None;
    }
    let target = match bare || random.chance(1, 2) {
        true => format!(
            "{folder}{}",
            encoded(
                random.pick(&[
                    "index.html",
                    "style.css?ver=6.5",
                    "app.min.js",
                    "img/logo.png",
                    "help",
                    "item-42"
                ]),
                false
            )
            .replace("%2F", "/")
            .replace("%3F", "?")
            .replace("%3D", "=")
        ),
        false => endpoint.path.clone(),
    };
    Some(client::request("GET", &target, None, pools, random))
}

impl Way<'_> {
    fn fields(&mut self, fields: &[(String, String)]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, value)| (name.clone(), self.value(name, value)))
            .collect()
    }

    fn value(&mut self, name: &str, known: &str) -> String {
        let kind = Kind::of(name, known);
        let plain = is_plain(known);
        if plain && kind.selects() && self.keep {
            return known.to_owned();
        }
        self.changed = true;
        self.in_good_faith(kind, name, known)
    }

    fn in_good_faith(&mut self, kind: Kind, name: &str, known: &str) -> String {
        let own = || self.own_urls.contains(&(self.path, name.to_owned()));
        let kind = match kind {
            Kind::Url | Kind::Host if own() => Kind::Redirect,
            kind => kind,
        };
        // Nearly all texts are without script.
        const TRIES: usize = 50;
        let mut value = kind.value(self.pools, self.random);
        for _ in 0..TRIES {
            let script = self.manners.no_script && runs_script(&value);
            let known = self.manners.other_values && value == known;
            if !(script || known) {
                break;
            }
            value = kind.value(self.pools, self.random);
        }
        value
    }

    /// None where nobody would send such a body in good faith.
    fn body(&mut self, body: &Content) -> Option<Body> {
        Some(match body {
            Content::None => None,
            Content::Other => return None,
            Content::Form(fields) => {
                let body = pairs(&self.fields(fields), true).into_bytes();
                Some(("application/x-www-form-urlencoded".to_owned(), body))
            }
            Content::Json(value) => {
                let value = self.json("", value);
                Some((
                    "application/json".to_owned(),
                    value.to_string().into_bytes(),
                ))
            }
            Content::Xml => {
                self.changed = true;
                Some(site::xml_body(self.pools, self.random))
            }
            Content::Multipart(fields, files) => {
                let fields = self.fields(fields);
                self.changed |= !files.is_empty();
                let files: Vec<(String, File)> = files
                    .iter()
                    .map(|name| (name.clone(), File::any(self.pools, self.random)))
                    .collect();
                Some(client::multipart(&fields, &files, self.random))
            }
        })
    }

    fn json(&mut self, name: &str, value: &Value) -> Value {
        match value {
            // A text where the attack has a structure in its place.
            Value::Object(_) | Value::Array(_) if scalar(Kind::of(name, "")) => {
                self.changed = true;
                Value::String(self.in_good_faith(Kind::of(name, ""), name, ""))
            }
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| is_name(name))
                .map(|(name, value)| (name.clone(), self.json(name, value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.json(name, item)).collect(),
            Value::String(text) => Value::String(self.value(name, text)),
            Value::Number(_) if !self.keep => {
                self.changed = true;
                kind::integer(self.random)
                    .parse()
                    .map_or(Value::Null, Value::Number)
            }
            other => other.clone(),
        }
    }

    /// A file of a folder, where the attack asks for something of it.
    fn path(&mut self, path: &str) -> String {
        match path.ends_with('/') && path.len() > 1 && self.random.chance(1, 2) {
            true => {
                let file = encoded(self.random.pick(&self.pools.files), false);
                format!("{path}{}", file.replace("%2F", "/"))
            }
            false => path.to_owned(),
        }
    }

    /// Those that say something to the application and that clients send.
    fn headers(&mut self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        for (name, known) in headers {
            let lower = name.to_ascii_lowercase();
            let value = match lower.as_str() {
                "authorization" if known.starts_with("Basic") => {
                    client::basic(self.pools, self.random)
                }
                "authorization" => format!("Bearer {}", kind::jwt(self.pools, self.random)),
                "x-forwarded-for" | "x-real-ip" | "client-ip" | "true-client-ip" => {
                    "203.0.113.7".to_owned()
                }
                "x-forwarded-host" => super::HOST.to_owned(),
                "x-api-key" | "x-csrf-token" | "x-auth-token" | "x-wp-nonce" | "x-xsrf-token" => {
                    kind::token(self.random)
                }
                "cookie" => {
                    self.changed = true;
                    continue;
                }
                "x-requested-with" | "soapaction" if is_plain(known) => known.clone(),
                "host"
                | "user-agent"
                | "accept"
                | "accept-encoding"
                | "accept-language"
                | "connection"
                | "content-type"
                | "content-length"
                | "origin"
                | "referer"
                | "cache-control"
                | "pragma"
                | "upgrade-insecure-requests" => {
                    self.changed |= !is_ordinary(known);
                    continue;
                }
                // A header that no client sends without a reason.
                _ => {
                    self.changed = true;
                    continue;
                }
            };
            self.changed |= value != *known;
            kept.push((name.clone(), value));
        }
        kept
    }
}

/// Whether what has such a name is a text or a number in every application.
fn scalar(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uuid
            | Kind::Integer
            | Kind::Token
            | Kind::Email
            | Kind::Username
            | Kind::Password
            | Kind::Date
            | Kind::Name
            | Kind::Title
    )
}

/// What stands in headers that every client sends.
fn is_ordinary(value: &str) -> bool {
    !["${", "{{", "<", "../", "()", "|", "`", "\\"]
        .iter()
        .any(|sign| value.contains(sign))
}

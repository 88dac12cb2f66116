//! Where a patch watches: the endpoints of its exploits, without what is harmful in them.

use patch::Request;
use patch::document::{Condition, Document, Effect, Paths, Place, PlaceKind, Rule};
use serde_json::Value;

use super::shape::{clean_folder, is_clean_path, is_name, leads_elsewhere};

/// What an application takes at one place.
pub(super) struct Endpoint {
    pub(super) method: String,
    /// Clean; it ends in `/` where something of a folder is asked for.
    pub(super) path: String,
    /// As the exploit has them, decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Content,
    pub(super) manners: Manners,
}

/// What nobody does there in good faith.
#[derive(Clone, Copy)]
pub(super) struct Manners {
    /// To come without having signed in: that is what the vulnerability lets attackers do,
    /// and the patch says so.
    pub(super) signed_in: bool,
    /// To send live script: the application would run it, so that no text with it was ever
    /// displayed as it was meant.
    pub(super) no_script: bool,
    /// To send what the attack sends: where a patch stops values that are known, such as a
    /// published password, nobody uses these any more.
    pub(super) other_values: bool,
    /// To send another site's URL where an attack has one: in an open redirect (CWE-601)
    /// that is the attack itself; elsewhere a person has accepted that only URLs of the own
    /// site pass (`effect: own-urls-only`).
    pub(super) own_urls: bool,
}

impl Endpoint {
    /// Parameters in which the attack leads to another site.
    pub(super) fn lead_elsewhere(&self) -> Vec<String> {
        let mut names = Vec::new();
        let fields: &[(String, String)] = match &self.body {
            Content::Form(fields) | Content::Multipart(fields, _) => fields,
            _ => &[],
        };
        for (name, value) in self.query.iter().chain(fields) {
            if leads_elsewhere(value) {
                names.push(name.clone());
            }
        }
        if let Content::Json(value) = &self.body {
            in_json("", value, &mut names);
        }
        names
    }
}

fn in_json(name: &str, value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| in_json(name, value, names)),
        Value::Array(items) => items.iter().for_each(|item| in_json(name, item, names)),
        Value::String(text) if leads_elsewhere(text) => names.push(name.to_owned()),
        _ => {}
    }
}

impl Manners {
    /// Of clients who do what the patches say that they stop.
    const NONE: Self = Self {
        signed_in: false,
        no_script: false,
        other_values: false,
        own_urls: false,
    };

    fn of(document: &Document) -> Self {
        let weak = |numbers: &[&str]| {
            let mut cwes = document.vulnerability.cwe.iter();
            cwes.any(|cwe| numbers.contains(&cwe.as_str()))
        };
        let names_redirect = document
            .title
            .value
            .to_ascii_lowercase()
            .contains("redirect");
        let asks_for_signs = |rule: &Rule| match rule {
            Rule::Deny(deny) => {
                let headers = |place: &Place| place.kind == PlaceKind::Header;
                deny.condition == Condition::Absent && deny.places.iter().all(headers)
            }
            _ => false,
        };
        Self {
            signed_in: document
                .rules
                .iter()
                .any(|rule| asks_for_signs(&rule.value)),
            no_script: weak(&["CWE-79", "CWE-80"]),
            other_values: document.effect == Some(Effect::Literal),
            own_urls: weak(&["CWE-601"])
                || names_redirect
                || document.effect == Some(Effect::OwnUrlsOnly),
        }
    }
}

/// What the exploit's body is.
pub(super) enum Content {
    None,
    Form(Vec<(String, String)>),
    Json(Value),
    Xml,
    /// Fields, then names of fields with files.
    Multipart(Vec<(String, String)>, Vec<String>),
    /// Nothing that a form or an application's script sends.
    Other,
}

/// One for each exploit, equal ones once.
pub(super) fn of(document: &Document, mannered: bool) -> Vec<Endpoint> {
    let manners = match mannered {
        true => Manners::of(document),
        false => Manners::NONE,
    };
    let mut seen = Vec::new();
    let mut endpoints = Vec::new();
    for case in &document.cases.exploit {
        let Ok(request) = Request::of(&case.request) else {
            continue;
        };
        let endpoint = read(&request, &document.scope.path, manners);
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        let key = (
            endpoint.method.clone(),
            endpoint.path.clone(),
            names(&endpoint.query),
        );
        if !seen.contains(&key) {
            seen.push(key);
            endpoints.push(endpoint);
        }
    }
    endpoints.truncate(4);
    endpoints
}

fn read(request: &Request, scope: &Paths, manners: Manners) -> Endpoint {
    let target = String::from_utf8_lossy(&request.target);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    Endpoint {
        method: text(&request.method),
        path: clean(path, scope),
        query: fields(query.as_bytes()),
        body: content(&headers, &request.body),
        headers,
        manners,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The path itself, or else what the scope says, or else the folder that it begins with.
fn clean(path: &str, scope: &Paths) -> String {
    if is_clean_path(path) {
        return path.to_owned();
    }
    let told = scope.exact.iter().chain(&scope.prefix);
    match told
        .filter(|path| is_clean_path(path))
        .max_by_key(|path| path.len())
    {
        Some(path) => path.clone(),
        None => clean_folder(path),
    }
}

/// Fields whose names are names, each once, as forms send them.
fn fields(text: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text) {
        let known = fields.iter().any(|(other, _)| *other == name);
        if is_name(&name) && (!known || name.ends_with("[]")) {
            fields.push((name.into_owned(), value.into_owned()));
        }
    }
    fields
}

fn content(headers: &[(String, String)], body: &[u8]) -> Content {
    let kind = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("", |(_, value)| value.as_str());
    let lower = kind.to_ascii_lowercase();
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        Content::None
    } else if lower.contains("multipart/") {
        multipart(kind, body)
    } else if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(trimmed)
    {
        Content::Json(value)
    } else if trimmed.starts_with(b"<") {
        Content::Xml
    } else if lower.contains("urlencoded") || (lower.is_empty() && trimmed.contains(&b'=')) {
        Content::Form(fields(trimmed))
    } else {
        Content::Other
    }
}

/// Names and short values of a multipart body's parts.
fn multipart(kind: &str, body: &[u8]) -> Content {
    let Some((_, boundary)) = kind.split_once("boundary=") else {
        return Content::Other;
    };
    let boundary = boundary
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    let body = text(body);
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    for part in body.split(&format!("--{boundary}")).skip(1) {
        let part = part.replace("\r\n", "\n");
        let Some((head, value)) = part.split_once("\n\n") else {
            continue;
        };
        let parameter = |name: &str| {
            let (_, rest) = head.split_once(&format!("{name}=\""))?;
            rest.split('"').next().map(str::to_owned)
        };
        let Some(name) = parameter("; name").filter(|name| is_name(name)) else {
            continue;
        };
        match head.to_ascii_lowercase().contains("filename") {
            true => files.push(name),
            false => fields.push((name, value.trim_end_matches('\n').to_owned())),
        }
    }
    Content::Multipart(fields, files)
}

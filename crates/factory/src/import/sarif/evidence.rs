//! What of a result tells where an attack would come in: the name of a parameter in the
//! source of a data flow, the route that leads to the code.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::log::{Found, Location};

/// Where a parameter comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Query,
    Body,
    Header,
    Cookie,
    /// A parameter of the route.
    Path,
    /// The query, or the body.
    Either,
}

/// How code reads a parameter: the place, and an expression with its name.
const SOURCES: &[(From, &str)] = &[
    // PHP
    (From::Query, r#"\$_GET\s*\[\s*['"]([^'"]+)['"]"#),
    (From::Body, r#"\$_POST\s*\[\s*['"]([^'"]+)['"]"#),
    (From::Cookie, r#"\$_COOKIE\s*\[\s*['"]([^'"]+)['"]"#),
    (From::Either, r#"\$_REQUEST\s*\[\s*['"]([^'"]+)['"]"#),
    // Python: Flask, Django
    (
        From::Query,
        r#"\b(?:args|GET|query_params)(?:\.get(?:list)?\s*\(|\s*\[)\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Body,
        r#"\b(?:form|POST)(?:\.get(?:list)?\s*\(|\s*\[)\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Either,
        r#"\brequest\.values(?:\.get\s*\(|\s*\[)\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Cookie,
        r#"\b(?:cookies|COOKIES)(?:\.get\s*\(|\s*\[)\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Header,
        r#"\bheaders(?:\.get\s*\(|\s*\[)\s*['"]([^'"]+)['"]"#,
    ),
    // JavaScript: Express and its kin
    (
        From::Query,
        r#"\b(?:req|request|ctx)\.query\.([A-Za-z_]\w*)"#,
    ),
    (
        From::Query,
        r#"\b(?:req|request|ctx)\.query\[\s*['"]([^'"]+)['"]"#,
    ),
    (From::Body, r#"\b(?:req|request)\.body\.([A-Za-z_]\w*)"#),
    (
        From::Body,
        r#"\b(?:req|request)\.body\[\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Cookie,
        r#"\b(?:req|request)\.cookies\.([A-Za-z_]\w*)"#,
    ),
    (
        From::Header,
        r#"\b(?:req|request)\.(?:get|header)\(\s*['"]([^'"]+)['"]"#,
    ),
    (
        From::Path,
        r#"\b(?:req|request|ctx)\.params\.([A-Za-z_]\w*)"#,
    ),
    (
        From::Path,
        r#"\b(?:req|request|ctx)\.params\[\s*['"]([^'"]+)['"]"#,
    ),
    // Java
    (
        From::Path,
        r#"@PathVariable\s*\(\s*(?:(?:value|name)\s*=\s*)?"([^"]+)""#,
    ),
    (
        From::Path,
        r#"@PathVariable(?:\([^)]*\))?\s+(?:final\s+)?[\w<>\[\]]+\s+(\w+)"#,
    ),
    (From::Path, r#"@PathParam\(\s*"([^"]+)""#),
    (From::Either, r#"\bgetParameter(?:Values)?\(\s*"([^"]+)""#),
    (From::Header, r#"\bgetHeaders?\(\s*"([^"]+)""#),
    (
        From::Either,
        r#"@RequestParam\s*\(\s*(?:(?:value|name)\s*=\s*)?"([^"]+)""#,
    ),
    (
        From::Either,
        r#"@RequestParam(?:\([^)]*\))?\s+(?:final\s+)?[\w<>\[\]]+\s+(\w+)"#,
    ),
    // Ruby
    (From::Either, r#"\bparams\[\s*[:'"](\w+)"#),
    // Go
    (
        From::Path,
        r#"\b(?:c\.Param|PathValue|chi\.URLParam\(\s*\w+\s*,)\(?\s*"([^"]+)""#,
    ),
    (From::Path, r#"\bVars\(\w+\)\[\s*"([^"]+)""#),
    (From::Query, r#"\bQuery\(\)\.Get\(\s*"([^"]+)""#),
    (
        From::Query,
        r#"\bc\.(?:Query|QueryParam|DefaultQuery)\(\s*"([^"]+)""#,
    ),
    (
        From::Either,
        r#"\b(?:FormValue|PostFormValue|PostForm)\(\s*"([^"]+)""#,
    ),
    (From::Header, r#"\bHeader\.Get\(\s*"([^"]+)""#),
    // C#
    (From::Query, r#"\b(?:QueryString|Query)\[\s*"([^"]+)""#),
    (From::Body, r#"\bForm\[\s*"([^"]+)""#),
    (From::Either, r#"\bRequest(?:\.Params)?\[\s*"([^"]+)""#),
    (
        From::Query,
        r#"\[FromQuery(?:\(\s*Name\s*=\s*"([^"]+)"\s*\))?\]\s*[\w<>\[\]?.]+\s+(\w+)"#,
    ),
    (
        From::Body,
        r#"\[FromForm(?:\(\s*Name\s*=\s*"([^"]+)"\s*\))?\]\s*[\w<>\[\]?.]+\s+(\w+)"#,
    ),
    (
        From::Path,
        r#"\[FromRoute(?:\(\s*Name\s*=\s*"([^"]+)"\s*\))?\]\s*[\w<>\[\]?.]+\s+(\w+)"#,
    ),
    (From::Header, r#"\[FromHeader\(\s*Name\s*=\s*"([^"]+)""#),
    // NestJS
    (From::Query, r#"@Query\(\s*['"]([^'"]+)['"]"#),
    (From::Body, r#"@Body\(\s*['"]([^'"]+)['"]"#),
    (From::Path, r#"@Param\(\s*['"]([^'"]+)['"]"#),
    (From::Header, r#"@Headers\(\s*['"]([^'"]+)['"]"#),
    // Laravel
    (
        From::Either,
        r#"(?:\$request|request\(\))->(?:input|get|post|query)\(\s*['"]([^'"]+)['"]"#,
    ),
    // Messages
    (
        From::Either,
        r#"(?i)\b(?:query|request|http|url|get|post|form)?\s*param(?:eter)?\s+[`'"]([\w.\[\]-]+)[`'"]"#,
    ),
];

/// How code and messages name a route: an expression for method, where it tells one, and path.
const ROUTES: &[&str] = &[
    r#"@\w+\.(?P<method>get|post|put|patch|delete)\(\s*['"](?P<path>/[^'"]*)['"]"#,
    r#"\.route\(\s*['"](?P<path>/[^'"]*)['"]"#,
    r#"\b(?:app|router|server|r|e|mux)\.(?P<method>get|post|put|patch|delete|GET|POST|PUT|PATCH|DELETE)\(\s*['"`](?P<path>/[^'"`]*)['"`]"#,
    r#"\bHandleFunc\(\s*"(?P<path>/[^"]*)""#,
    r#"@(?P<method>Get|Post|Put|Patch|Delete)Mapping\s*\(\s*(?:(?:value|path)\s*=\s*)?"(?P<path>/[^"]*)""#,
    r#"@(?:RequestMapping|WebServlet|Path)\s*\(\s*(?:(?:value|path|urlPatterns)\s*=\s*)?"(?P<path>/[^"]*)""#,
    // Some take a path without its slash.
    r#"\[Http(?P<method>Get|Post|Put|Patch|Delete)\(\s*"(?P<path>[^"\[\]]+)""#,
    r#"\[Route\(\s*"(?P<path>[^"\[\]]+)""#,
    r#"@(?P<method>Get|Post|Put|Patch|Delete)(?:Mapping)?\(\s*(?:(?:value|path)\s*=\s*)?['"](?P<path>[\w.:{}*-][^'"]*)['"]"#,
    r#"\bRoute::(?P<method>get|post|put|patch|delete)\(\s*['"](?P<path>[^'"]+)['"]"#,
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE)\s+(?P<path>/[\w./:{}<>*-]*)",
    r#"(?i)\b(?:route|endpoint|url|path)\s+[`'"]?(?P<path>/[\w./:{}<>*-]*)"#,
];

/// Files that a server runs under their own names.
const PAGES: &[&str] = &["php", "jsp", "aspx", "asp", "cfm", "cgi"];

/// Everything that a result says, what tells most first.
pub(super) fn texts(found: &Found) -> Vec<&str> {
    let flows = found.code_flows.iter().flat_map(|flow| &flow.thread_flows);
    // The source comes first in a flow.
    let steps = flows.flat_map(|flow| flow.locations.iter().map(|step| &step.location));
    let all: Vec<&Location> = steps
        .chain(&found.locations)
        .chain(&found.related_locations)
        .collect();
    let mut texts: Vec<&str> = all.into_iter().flat_map(of_location).collect();
    texts.push(&found.message.text);
    texts.retain(|text| !text.is_empty());
    texts
}

fn of_location(location: &Location) -> [&str; 3] {
    let physical = &location.physical_location;
    [
        &physical.region.snippet.text,
        &physical.context_region.snippet.text,
        &location.message.text,
    ]
    .map(String::as_str)
}

/// The parameter, and where it comes from.
pub(super) fn parameter(found: &Found) -> Option<(From, String)> {
    const NAMES: [&str; 4] = ["parameter", "param", "paramName", "parameterName"];
    if let Some(name) = property(found, &NAMES) {
        return Some((From::Either, name.to_owned()));
    }
    texts(found).into_iter().find_map(|text| {
        sources().iter().find_map(|(from, regex)| {
            // The last is the variable's own name, where no other is given.
            let found = regex.captures(text)?;
            let name = found.iter().skip(1).flatten().next()?.as_str();
            Some((*from, name.to_owned()))
        })
    })
}

/// The method, where it is told, and the path.
pub(super) fn route(found: &Found) -> Option<(Option<String>, String)> {
    const NAMES: [&str; 6] = ["route", "endpoint", "url", "uri", "path", "urlPath"];
    if let Some(text) = property(found, &NAMES) {
        return Some(method_and_path(text));
    }
    let names = found
        .locations
        .iter()
        .flat_map(|location| &location.logical_locations);
    let mut names = names.flat_map(|logical| [&logical.fully_qualified_name, &logical.name]);
    if let Some(name) = names.find(|name| is_route(name)) {
        return Some(method_and_path(name));
    }
    let in_text = texts(found).into_iter().find_map(|text| {
        routes().iter().find_map(|regex| {
            let captures = regex.captures(text)?;
            let method = captures.name("method");
            let method = method.map(|method| method.as_str().to_ascii_uppercase());
            let path = captures.name("path")?.as_str();
            let slash = if path.starts_with('/') { "" } else { "/" };
            Some((method, format!("{slash}{path}")))
        })
    });
    in_text.or_else(|| page(found))
}

/// A page that is its own route: what is served stands in the folder of the web server.
fn page(found: &Found) -> Option<(Option<String>, String)> {
    let uri = &found
        .locations
        .first()?
        .physical_location
        .artifact_location
        .uri;
    if uri.contains("://") {
        return uri.starts_with("http").then(|| (None, uri.clone()));
    }
    let name = uri.rsplit('/').next()?;
    let suffix = name.rsplit_once('.')?.1.to_ascii_lowercase();
    PAGES
        .contains(&suffix.as_str())
        .then(|| (None, format!("/{name}")))
}

/// `GET /path`, `/path`, or a URL.
fn method_and_path(text: &str) -> (Option<String>, String) {
    match text.trim().split_once(' ') {
        Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim().to_owned()),
        None => (None, text.trim().to_owned()),
    }
}

fn is_route(text: &str) -> bool {
    let (_, path) = method_and_path(text);
    path.starts_with('/') || path.starts_with("http://") || path.starts_with("https://")
}

/// A text under one of these names in the properties of a result or its location.
fn property<'f>(found: &'f Found, names: &[&str]) -> Option<&'f str> {
    let of = |properties: &'f Map<String, Value>| {
        names
            .iter()
            .find_map(|name| properties.get(*name)?.as_str())
    };
    let location = found.locations.first();
    of(&found.properties).or_else(|| of(&location?.properties))
}

fn sources() -> &'static [(From, Regex)] {
    static COMPILED: OnceLock<Vec<(From, Regex)>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let lines = SOURCES.iter();
        lines
            .filter_map(|(from, pattern)| Some((*from, Regex::new(pattern).ok()?)))
            .collect()
    })
}

fn routes() -> &'static [Regex] {
    static COMPILED: OnceLock<Vec<Regex>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        ROUTES
            .iter()
            .filter_map(|pattern| Regex::new(pattern).ok())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_expression_compiles() {
        assert_eq!(super::sources().len(), super::SOURCES.len());
        assert_eq!(super::routes().len(), super::ROUTES.len());
    }
}

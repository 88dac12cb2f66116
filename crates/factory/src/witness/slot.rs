//! Values for the places that rules look at, and the request that holds them.

use engine::{PathScope, Scope};
use seclang::{Selector, Target};

use super::chain::Chain;
use super::inverse::Choice;
use super::sample;
use super::solve::{self, Wish};
use super::want::{self, Want};

/// How often one place is given in a request that is looked for.
const TIMES: usize = 1_000;

/// A place in a request that can be given a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    Method,
    Host,
    Path,
    /// Path and query as sent.
    Uri,
    /// The query as sent.
    QueryString,
    Query(String),
    QueryName,
    Form(String),
    FormName,
    /// By path, without `json.`.
    Json(String),
    Header(String),
    HeaderName,
    Cookie(String),
    CookieName,
    Body,
    FileName,
    FileField,
    FileContent,
    XmlText,
    XmlAttribute,
    XmlExternal,
    Protocol,
    BodyParser,
}

/// What a request is made of.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// In the order in which rules ask.
    pub(super) given: Vec<(Slot, Vec<u8>)>,
    pub(super) absent: Vec<Slot>,
    /// Which media type a raw body has.
    pub(super) kind: usize,
}

impl Values {
    pub(super) fn get(&self, slot: &Slot) -> Option<&[u8]> {
        let found = self.given.iter().find(|(known, _)| known == slot);
        found.map(|(_, value)| value.as_slice())
    }
}

/// Values for a chain, one way of many; none where this way asks for what no request has.
pub(super) fn fill(chain: &Chain, scope: &Scope, attempt: u64) -> Option<Values> {
    let mut choice = Choice::of(attempt);
    let mut wishes: Vec<(Slot, Vec<Wish>)> = Vec::new();
    let mut absent = Vec::new();
    let mut often = Vec::new();
    let mut last = None;
    for (slot, want) in scoped(scope, &mut choice) {
        wish(&mut wishes, slot, want, Vec::new());
    }
    for link in &chain.links {
        let transformations = want::transformations(link);
        let want = want::of(link, &transformations)?;
        let targets: Vec<&Target> = link
            .targets
            .iter()
            .filter(|target| !target.excluded)
            .collect();
        if want == Want::Count(0) {
            for target in targets {
                absent.push(slot(target, &mut choice)?);
            }
            continue;
        }
        let target = targets.get(choice.below(targets.len()))?;
        let slot = match target.variable.to_ascii_uppercase().as_str() {
            "MATCHED_VAR" | "MATCHED_VARS" => last.clone()?,
            _ => slot(target, &mut choice)?,
        };
        last = Some(slot.clone());
        if let Want::Count(times) = want {
            often.push((slot.clone(), times));
        }
        let want = match (&slot, want) {
            (Slot::FileContent, Want::Number(bytes)) => Want::Bytes(usize::try_from(bytes).ok()?),
            (_, want) => want,
        };
        wish(&mut wishes, slot, want, transformations);
    }
    let mut given = Vec::new();
    for (slot, wishes) in wishes {
        let value = solve::value(&wishes, &mut choice)?;
        let again = often.iter().find(|(known, _)| *known == slot);
        let times = again.map_or(1, |(_, times)| (*times).clamp(1, TIMES));
        given.extend(std::iter::repeat_n((slot, value), times));
    }
    Some(Values {
        given,
        absent,
        kind: choice.below(4),
    })
}

fn wish(wishes: &mut Vec<(Slot, Vec<Wish>)>, slot: Slot, want: Want, transformations: Vec<String>) {
    let wish = Wish {
        want,
        transformations,
    };
    // There may be as many names as are asked for.
    let is_name = matches!(
        slot,
        Slot::QueryName | Slot::FormName | Slot::HeaderName | Slot::CookieName
    );
    let known = wishes.iter_mut().find(|(known, _)| *known == slot);
    match known.filter(|_| !is_name) {
        Some((_, all)) => all.push(wish),
        None => wishes.push((slot, vec![wish])),
    }
}

fn scoped(scope: &Scope, choice: &mut Choice) -> Vec<(Slot, Want)> {
    let mut wants = Vec::new();
    if let Some(path) = scope.paths.get(choice.below(scope.paths.len())) {
        let want = match path.clone() {
            PathScope::Exact(text) => Want::Equals(text),
            PathScope::Prefix(text) => Want::StartsWith(text),
            PathScope::Suffix(text) => Want::EndsWith(text),
            PathScope::Regex(text) => Want::Matches(text),
        };
        wants.push((Slot::Path, want));
    }
    if let Some(method) = scope.methods.get(choice.below(scope.methods.len())) {
        wants.push((Slot::Method, Want::Equals(method.clone())));
    }
    if let Some(host) = scope.hosts.first() {
        wants.push((Slot::Host, Want::Equals(host.replace('*', "www"))));
    }
    wants
}

/// Where a target's value stands in a request.
fn slot(target: &Target, choice: &mut Choice) -> Option<Slot> {
    let name = |default: &str, choice: &mut Choice| match &target.selector {
        None => Some(default.to_owned()),
        Some(Selector::Literal(name)) => Some(name.clone()),
        Some(Selector::Regex(pattern)) => member(pattern, choice),
    };
    let variable = target.variable.to_ascii_uppercase();
    Some(match variable.as_str() {
        "REQUEST_METHOD" => Slot::Method,
        "SERVER_NAME" => Slot::Host,
        "REQUEST_FILENAME" | "REQUEST_BASENAME" | "PATH_INFO" => Slot::Path,
        "REQUEST_URI" | "REQUEST_URI_RAW" | "REQUEST_LINE" => Slot::Uri,
        "QUERY_STRING" => Slot::QueryString,
        "REQUEST_PROTOCOL" => Slot::Protocol,
        "REQBODY_PROCESSOR" => Slot::BodyParser,
        "ARGS_GET" => Slot::Query(name("q", choice)?),
        "ARGS" => {
            let name = name("q", choice)?;
            match (name.strip_prefix("json."), choice.below(2)) {
                (Some(path), _) => Slot::Json(path.to_owned()),
                (None, 0) => Slot::Query(name),
                (None, _) => Slot::Form(name),
            }
        }
        "ARGS_POST" => {
            let name = name("q", choice)?;
            let whole = matches!(target.selector, Some(Selector::Regex(_))) && name == "json";
            match name.strip_prefix("json.") {
                Some(path) => Slot::Json(path.to_owned()),
                None if whole => Slot::Json("value".to_owned()),
                None => Slot::Form(name),
            }
        }
        "ARGS_NAMES" | "ARGS_GET_NAMES" => Slot::QueryName,
        "ARGS_POST_NAMES" => Slot::FormName,
        "REQUEST_HEADERS" => Slot::Header(name("X-Input", choice)?),
        "REQUEST_HEADERS_NAMES" => Slot::HeaderName,
        "REQUEST_COOKIES" => Slot::Cookie(name("session", choice)?),
        "REQUEST_COOKIES_NAMES" => Slot::CookieName,
        "REQUEST_BODY" | "RAW_REQUEST_BODY" => Slot::Body,
        "FILES" | "MULTIPART_FILENAME" => Slot::FileName,
        "FILES_NAMES" | "MULTIPART_NAME" => Slot::FileField,
        "FILES_TMP_CONTENT" | "FILES_COMBINED_SIZE" | "FILES_SIZES" => Slot::FileContent,
        "XML" => match &target.selector {
            Some(Selector::Literal(path)) if path.contains('@') => Slot::XmlAttribute,
            Some(Selector::Literal(path)) if path == "external" => Slot::XmlExternal,
            _ => Slot::XmlText,
        },
        _ => return None,
    })
}

/// A name that the pattern takes, as an application would have it.
fn member(pattern: &str, choice: &mut Choice) -> Option<String> {
    let clean = |name: &String| {
        let inner = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte));
        inner && !name.is_empty() && !name.ends_with(['.', '['])
    };
    let mut names = (0..16_u64)
        .map(|way| way + choice.below(64) as u64)
        .filter_map(|way| sample::of(pattern, &mut Choice::of(way)))
        .filter_map(|name| String::from_utf8(name).ok());
    names.find(clean)
}

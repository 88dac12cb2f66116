//! One call, as far as every route reads it.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use ledger::rollout::Policy;
use ledger::{Area, Role, Token, sha256};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{By, Change, Error, Paging, Repeatable, Store};

use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::routes::{Method, Route};
use crate::{Limits, Secret};

/// Says why something is changed, for the audit log.
pub(crate) const WHY: &str = "stopgap-why";
/// Names a call that may come again.
pub(crate) const KEY: &str = "idempotency-key";

/// A call of a route, by somebody who may.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Store,
    pub(crate) policy: Policy,
    token: Token,
    now_ms: i64,
    path: String,
    parameters: Vec<String>,
    query: BTreeMap<String, String>,
    body: Bytes,
    why: String,
    key: Option<String>,
    request: String,
    expected: Option<i64>,
    known: Option<String>,
}

/// What came over the network.
pub(crate) struct Raw {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) parameters: Vec<String>,
    pub(crate) now_ms: i64,
}

impl<'a> Call<'a> {
    /// May the token's owner call, and is the call whole?
    pub(crate) fn read(
        (store, policy, limits): (&'a Store, Policy, &Limits),
        route: &Route,
        token: Token,
        raw: Raw,
    ) -> Result<Self, Problem> {
        let headers = &raw.head.headers;
        if !token.allows(route.role, route.area) {
            let (role, area) = (route.role, route.area);
            return Err(Problem::new(
                Kind::Forbidden,
                format!("this takes the role {role}, in the area {area}"),
            ));
        }
        let changes = route.method != Method::Get;
        let why = header(headers, WHY)?.unwrap_or_default();
        if changes && why.trim().is_empty() {
            return Err(malformed(
                "say why, for the audit log, in the header Stopgap-Why",
            ));
        }
        let key = header(headers, KEY)?.filter(|_| route.method == Method::Post);
        if key
            .as_ref()
            .is_some_and(|key| key.is_empty() || key.len() > limits.key_bytes)
        {
            return Err(malformed(&format!(
                "Idempotency-Key must have 1 to {} bytes",
                limits.key_bytes
            )));
        }
        let expected = expected(headers)?;
        if route.method == Method::Put && !headers.contains_key(header::IF_MATCH) {
            return Err(Problem::new(
                Kind::Unconditional,
                "say in If-Match the ETag of what is to be replaced, or *",
            ));
        }
        let target = raw.head.uri.to_string();
        let request = [route.method.name().as_bytes(), target.as_bytes(), &raw.body].join(&b'\n');
        Ok(Self {
            store,
            policy,
            token,
            now_ms: raw.now_ms,
            path: raw.head.uri.path().to_owned(),
            parameters: raw.parameters,
            query: query(route, raw.head.uri.query().unwrap_or_default())?,
            why,
            key,
            request: sha256(&request),
            expected,
            known: header(headers, header::IF_NONE_MATCH.as_str())?,
            body: raw.body,
        })
    }

    /// When it came.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Whether whoever calls may also look into this area.
    pub(crate) fn sees(&self, area: Area) -> bool {
        self.token.allows(Role::Viewer, area)
    }

    /// Whether whoever calls may in all areas.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.token.areas.is_empty()
    }

    /// Nobody gives others, or themselves, more areas than their own; none are all.
    pub(crate) fn may_give(&self, areas: &[Area]) -> Result<(), Problem> {
        let own = &self.token.areas;
        let is_within = !areas.is_empty() && areas.iter().all(|it| own.contains(it));
        if self.is_everywhere() || is_within {
            return Ok(());
        }
        let own: Vec<String> = own.iter().map(ToString::to_string).collect();
        let why = format!(
            "you may in the areas {}: name these or some of them, more takes somebody who may there",
            own.join(", ")
        );
        Err(Problem::new(Kind::Forbidden, why))
    }

    /// Whose it is.
    pub(crate) fn who(&self) -> &str {
        &self.token.who
    }

    /// Why it changes something.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// The path's only parameter.
    pub(crate) fn id(&self) -> &str {
        self.parameters.first().map_or("", String::as_str)
    }

    /// Where something that this call makes will be.
    pub(crate) fn below(&self, id: &str) -> String {
        format!("{}/{id}", self.path)
    }

    /// The path's only parameter, where it is a number.
    pub(crate) fn number(&self) -> Result<i64, Problem> {
        let none = || Problem::new(Kind::Missing, format!("`{}` is no number", self.id()));
        self.id().parse().map_err(|_| none())
    }

    /// A parameter of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A parameter of the query with a meaning.
    pub(crate) fn asked_as<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let parsed = self.asked(name).map(|text| {
            let text: Result<T, _> = text.parse();
            text.map_err(|why| malformed(&format!("{name}: {why}")))
        });
        parsed.transpose()
    }

    /// What of a list is asked for.
    pub(crate) fn paging(&self) -> Result<Paging<'_>, Problem> {
        Ok(Paging {
            after: self.asked("after"),
            most: self.asked_as("limit")?,
        })
    }

    /// The version that the caller has seen.
    pub(crate) fn expected(&self) -> Option<i64> {
        self.expected
    }

    /// What is to be done, from the body.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).or_else(|why: serde_json::Error| {
            let read = serde_json::from_slice(&self.body).map(whole);
            let read = read.and_then(serde_json::from_value);
            read.map_err(|_| malformed(&format!("the body is not as described: {why}")))
        })
    }

    /// Changes the ledger, once for each idempotency key.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Result<Reply, Error>,
    ) -> Result<Reply, Problem> {
        let by = By {
            who: self.who(),
            why: &self.why,
            now_ms: self.now_ms,
        };
        let call = self.key.as_ref().map(|key| Repeatable {
            token: &self.token.id,
            key,
            request: &self.request,
        });
        let reply = self.store.change(&by, |it| {
            let Some(call) = &call else { return change(it) };
            if let Some(before) = it.answered(call)? {
                return Ok(serde_json::from_str(&before)?);
            }
            let reply = change(it)?;
            it.remember(call, &serde_json::to_string(&reply)?)?;
            Ok(reply)
        })?;
        Ok(reply)
    }

    /// Changes the ledger, and shows a secret that this has brought in the answer: once, and only if
    /// it was carried out now.
    pub(crate) fn change_showing_once(
        &self,
        secret: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<Reply, Error>,
    ) -> Result<Reply, Problem> {
        let mut new = false;
        let mut reply = self.change(|it| {
            new = true;
            change(it)
        })?;
        if new && let Some(body) = reply.body.as_object_mut() {
            body.insert("secret".to_owned(), secret.into());
        }
        Ok(reply)
    }

    /// The answer, or that the caller has it.
    pub(crate) fn unless_known(&self, reply: Reply) -> Reply {
        let version = reply.version.map(|version| format!("\"{version}\""));
        let same = self
            .known
            .as_ref()
            .zip(version)
            .is_some_and(|(known, version)| {
                known == "*"
                    || known
                        .split(',')
                        .any(|each| each.trim().trim_start_matches("W/") == version)
            });
        match same {
            true => Reply {
                status: 304,
                ..reply
            },
            false => reply,
        }
    }
}

/// Whose token a call carries.
pub(crate) fn authenticate(
    store: &Store,
    headers: &HeaderMap,
    now_ms: i64,
) -> Result<Token, Problem> {
    let text = header(headers, header::AUTHORIZATION.as_str())?.unwrap_or_default();
    let secret = text.split_once(' ').and_then(|(scheme, secret)| {
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        bearer.then(|| Secret::read(secret.trim())).flatten()
    });
    let token = match secret {
        Some(secret) => token_of(store, &secret, now_ms)?,
        None => None,
    };
    token.ok_or_else(|| {
        Problem::new(
            Kind::Unauthenticated,
            "send `Authorization: Bearer TOKEN` with a token that has not ended",
        )
    })
}

/// The token that the secret shows, if it still counts.
pub(crate) fn token_of(
    store: &Store,
    secret: &Secret,
    now_ms: i64,
) -> Result<Option<Token>, Problem> {
    match store.read(|it| it.token_with_hash(secret.id())) {
        Ok((token, hash)) if hash == secret.hash() && token.value.holds(now_ms) => {
            Ok(Some(token.value))
        }
        Ok(_) => Ok(None),
        Err(why) if why.is_missing() => Ok(None),
        Err(why) => Err(why.into()),
    }
}

pub(crate) fn header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let text = values.next().map(|value| {
        let text = str::from_utf8(value.as_bytes());
        let text = text.map_err(|_| malformed(&format!("the header {name} is not UTF-8")));
        text.map(str::to_owned)
    });
    match values.next() {
        Some(_) => Err(malformed(&format!("the header {name} is there twice"))),
        None => text.transpose(),
    }
}

/// What `If-Match` says: none for `*`, or if it is not there.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    match header(headers, header::IF_MATCH.as_str())?
        .as_deref()
        .map(str::trim)
    {
        None | Some("*") => Ok(None),
        Some(tag) => {
            let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let number = number.and_then(|number| number.parse().ok());
            let wrong = || malformed("If-Match must be one ETag as it was given, or *");
            number.map(Some).ok_or_else(wrong)
        }
    }
}

fn query(route: &Route, text: &str) -> Result<BTreeMap<String, String>, Problem> {
    let mut query = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if !route.query.iter().any(|(known, _)| *known == name) {
            return Err(malformed(&format!(
                "the parameter `{name}` is not known here"
            )));
        }
        if value.contains('\0') {
            return Err(malformed(&format!("the parameter `{name}` holds a NUL")));
        }
        if query
            .insert(name.clone().into_owned(), value.into_owned())
            .is_some()
        {
            return Err(malformed(&format!("the parameter `{name}` is there twice")));
        }
    }
    Ok(query)
}

/// `1.0` is a whole number to a schema, but not to the types.
fn whole(value: Value) -> Value {
    /// Beyond these a fraction cannot be told.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, whole(value)));
            fields.collect()
        }
        Value::Number(number) => match number.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole, and within bounds"
            )]
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        other => other,
    }
}

pub(crate) fn malformed(detail: &str) -> Problem {
    Problem::new(Kind::Malformed, detail)
}

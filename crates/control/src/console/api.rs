//! Calls of the routes by a visit.

use axum::http::Request;
use axum::http::header::IF_MATCH;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::visit::Visit;
use crate::call::{Call, Raw, WHY};
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::routes::{Method, Route, routes};

impl Visit<'_> {
    /// What a route tells.
    pub(super) fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Problem> {
        let reply = self.call(Method::Get, target, &Value::Null)?;
        Ok(serde_json::from_value(reply.body)?)
    }

    /// What the form is to change, for the reason that it gives, if that is still as it was
    /// when the form was shown.
    pub(super) fn post(&self, target: &str, body: &Value) -> Result<Reply, Problem> {
        self.call(Method::Post, target, body)
    }

    /// Puts a record in the place of the one that the form was shown of.
    pub(super) fn put(&self, target: &str, body: &Value) -> Result<Reply, Problem> {
        self.call(Method::Put, target, body)
    }

    /// Takes something back, for the reason that the form gives.
    pub(super) fn delete(&self, target: &str) -> Result<Reply, Problem> {
        self.call(Method::Delete, target, &Value::Null)
    }

    fn call(&self, method: Method, target: &str, body: &Value) -> Result<Reply, Problem> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let (route, parameters) = routed(method, path)
            .ok_or_else(|| Problem::new(Kind::Missing, "there is no such path"))?;
        let mut request = Request::builder()
            .method(method.name())
            .uri(format!("/api/v1{target}"))
            .header(WHY, self.form.get("why"));
        let seen = self.form.get("seen");
        if !seen.is_empty() {
            request = request.header(IF_MATCH, format!("\"{seen}\""));
        }
        let malformed = |why: axum::http::Error| Problem::new(Kind::Malformed, why.to_string());
        let (head, ()) = request.body(()).map_err(malformed)?.into_parts();
        let raw = Raw {
            head,
            body: body.to_string().into(),
            parameters,
            now_ms: self.now_ms,
        };
        let service = self.service;
        let of = (&*service.store, service.policy, &service.limits);
        let call = Call::read(of, &route, self.token.clone(), raw)?;
        (route.handle)(&call)
    }
}

/// The route that a path is of, and the path's parameters, decoded.
fn routed(method: Method, path: &str) -> Option<(Route, Vec<String>)> {
    routes().into_iter().find_map(|route| {
        if route.method != method {
            return None;
        }
        let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
        let mut parameters = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some((route, parameters)),
                (Some(wanted), Some(given)) if wanted.starts_with('{') => {
                    parameters.push(given.to_owned());
                }
                (wanted, given) if wanted == given => {}
                _ => return None,
            }
        }
    })
}

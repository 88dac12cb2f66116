//! A request as the shop reads it.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE};
use hyper::{HeaderMap, Method};
use tokio::time::timeout;

pub(crate) const BODY_BYTES: usize = 64 * 1024;
const BODY: Duration = Duration::from_secs(10);

/// A request that is wholly read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent, not decoded.
    pub(crate) path: String,
    query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// Reads the body; `None` if it is too large, too slow or broken.
    pub(crate) async fn read(request: hyper::Request<Incoming>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = timeout(BODY, Limited::new(body, BODY_BYTES).collect()).await;
        Some(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body: body.ok()?.ok()?.to_bytes(),
        })
    }

    /// A parameter of the query or of a form body; of several of one name, the last.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = form_urlencoded::parse(self.query.as_bytes());
        query
            .chain(self.form())
            .filter(|(each, _)| each == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    /// The fields of a form body; none if the body is of another type.
    pub(crate) fn form(&self) -> form_urlencoded::Parse<'_> {
        let form = self.header(CONTENT_TYPE.as_str()).is_some_and(|value| {
            let kind = value.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        form_urlencoded::parse(if form { &self.body } else { b"" })
    }

    /// The first header of this name, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token in the cookie `session`.
    pub(crate) fn session(&self) -> Option<&str> {
        let cookies = self.headers.get_all(COOKIE).into_iter();
        cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix("session="))
    }
}

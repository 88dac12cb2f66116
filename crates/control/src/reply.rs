//! What a call is answered.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Page, Stored};

/// An answer, which can be kept and given again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Of what the body shows.
    pub(crate) version: Option<i64>,
    /// Where what was made is.
    pub(crate) location: Option<String>,
    pub(crate) body: serde_json::Value,
}

/// Something with the number of its version, which the `ETag` tells too.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Version")]
pub(crate) struct Versioned<T> {
    /// From 1.
    pub(crate) version: i64,
    /// What it is now.
    pub(crate) value: T,
}

/// Something new whose secret is shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Made{T}")]
pub(crate) struct WithSecret<T> {
    /// From 1.
    version: i64,
    /// What is kept of it.
    value: T,
    /// What its owner alone shall know. It is shown this once, also if the call comes again with its
    /// idempotency key.
    secret: Option<String>,
}

/// Some of a list, in its order.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(crate) struct Listed<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// What to give as `after` for the next page; none: this is the last.
    pub(crate) next: Option<String>,
}

impl<T> From<Stored<T>> for Versioned<T> {
    fn from(stored: Stored<T>) -> Self {
        Self {
            version: stored.version,
            value: stored.value,
        }
    }
}

impl<T> Listed<T> {
    /// A page, each entry as it is shown.
    pub(crate) fn of<S>(page: Page<S>, shown: impl Fn(S) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(shown).collect(),
            next: page.next,
        }
    }
}

impl Reply {
    /// What was asked for.
    pub(crate) fn found(shown: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            status: 200,
            version: None,
            location: None,
            body: serde_json::to_value(shown)?,
        })
    }

    /// Something with the number of its version.
    pub(crate) fn versioned<T: Serialize>(stored: Stored<T>) -> Result<Self, serde_json::Error> {
        let version = stored.version;
        Ok(Self::found(&Versioned::from(stored))?.of_version(version))
    }

    /// It was done, and there is nothing to tell.
    pub(crate) fn nothing() -> Self {
        Self {
            status: 204,
            version: None,
            location: None,
            body: serde_json::Value::Null,
        }
    }

    /// Something new is there. What is remembered of this answer must not hold its secret:
    /// that is put in as the answer goes out.
    pub(crate) fn made_with_secret<T: Serialize>(
        made: Stored<T>,
        location: String,
    ) -> Result<Self, serde_json::Error> {
        let Stored { version, value } = made;
        let shown = WithSecret {
            version,
            value,
            secret: None,
        };
        Ok(Self::found(&shown)?.of_version(version).made(location))
    }

    /// With the version of what it shows.
    pub(crate) fn of_version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// Something was made, and is there.
    pub(crate) fn made(mut self, location: String) -> Self {
        self.status = 201;
        self.location = Some(location);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = match status {
            StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => status.into_response(),
            _ => (status, self.body.to_string()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let version = self.version.map(|version| format!("\"{version}\""));
        for (name, value) in [(ETAG, version), (LOCATION, self.location)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        response
    }
}

//! Why a call was not carried out, as RFC 9457 says.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The one shape of all errors.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
}

/// What went wrong: its name and status are in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    Unauthenticated,
    Forbidden,
    Missing,
    Method,
    TooSlow,
    Exists,
    Changed,
    TooLarge,
    Refused,
    Unconditional,
    Internal,
    Busy,
    Full,
}

impl Kind {
    /// The status, the last part of the `type`, and the title.
    fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request is malformed",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "A valid token is needed",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "The token does not allow this",
            ),
            Self::Missing => (StatusCode::NOT_FOUND, "missing", "It is not there"),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "This cannot be done with it",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "The body did not come in time",
            ),
            Self::Exists => (StatusCode::CONFLICT, "exists", "It is there already"),
            Self::Changed => (
                StatusCode::PRECONDITION_FAILED,
                "changed",
                "It was changed by others",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
            ),
            Self::Refused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "refused",
                "It cannot be done",
            ),
            Self::Unconditional => (
                StatusCode::PRECONDITION_REQUIRED,
                "unconditional",
                "If-Match is needed",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something is broken here",
            ),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too much to do"),
            Self::Full => (
                StatusCode::INSUFFICIENT_STORAGE,
                "full",
                "There is no room for it",
            ),
        }
    }
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind, detail }
    }

    /// Its status, its title and what is wrong, for people.
    pub(crate) fn told(&self) -> (StatusCode, &str, &str) {
        let (status, _, title) = self.kind.row();
        (status, title, &self.detail)
    }

    /// Whoever may move something may not consent to it by the same route.
    pub(crate) fn consent_elsewhere() -> Self {
        let detail = "consent is given at `approvals`, by an approver";
        Self::new(Kind::Refused, detail)
    }

    /// A defect of ours: the log tells what, the caller learns that.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!("a call failed: {cause}");
        Self::new(Kind::Internal, "the log of the control side tells more")
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let kind = if error.is_missing() {
            Kind::Missing
        } else if error.is_existing() {
            Kind::Exists
        } else if error.is_changed() {
            Kind::Changed
        } else if error.is_refused() {
            Kind::Refused
        } else if error.is_full() {
            tracing::error!("the ledger's disk is full: {error}");
            let detail =
                "the ledger's disk is full: nothing was changed; make room there, then try again";
            return Self::new(Kind::Full, detail);
        } else if error.is_retryable() {
            tracing::warn!("a call must come again: {error}");
            return Self::new(Kind::Busy, "try again later");
        } else {
            return Self::internal(&error);
        };
        Self::new(kind, error.to_string())
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.row();
        let body = json!({
            "type": format!("urn:stopgap:problem:{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.kind == Kind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.kind == Kind::Busy {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

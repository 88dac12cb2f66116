//! Why a request does not get its application's answer.

use engine::Decision;
use http::StatusCode;

use crate::body::BodyError;
use crate::framing::Refusal;

/// What ended a request's life early.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The engine stopped it.
    Decided(Box<Decision>),
    /// Inspection itself failed, and the application fails closed.
    Uninspected,
    /// The client's request is at fault.
    Request(StatusCode, &'static str),
    /// The gateway has no room for it.
    Busy,
    /// The upstream did not answer; the text is for the log.
    Upstream(StatusCode, String),
}

impl Halt {
    /// The `kind` under which `stopgap_failures_total` counts it; none for a decision.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Decided(_) => None,
            Self::Uninspected => Some("inspection"),
            Self::Request(..) => Some("request"),
            Self::Busy => Some("busy"),
            Self::Upstream(..) => Some("upstream"),
        }
    }
}

impl From<Refusal> for Halt {
    fn from(Refusal(why): Refusal) -> Self {
        Self::Request(StatusCode::BAD_REQUEST, why)
    }
}

impl From<&BodyError> for Halt {
    fn from(why: &BodyError) -> Self {
        match why {
            BodyError::TimedOut => {
                Self::Request(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")
            }
            BodyError::Malformed(_) => {
                Self::Request(StatusCode::BAD_REQUEST, "the body did not arrive whole")
            }
        }
    }
}

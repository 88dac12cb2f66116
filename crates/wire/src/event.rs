//! What an ingress point tells of one request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One request that was decided or matched, written as one JSON line.
///
/// Secrets are masked before an event is made: what stands here may be stored and shown.
/// A reader ignores fields that it does not know; a change that would mislead it raises
/// [`Event::VERSION`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The shape's version.
    pub version: u32,
    /// Names this event; also on the page that a stopped client sees.
    pub reference: String,
    /// When the request's head was complete: milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// The ingress point's name, as its configuration says.
    pub ingress: String,
    /// The application's name; empty if none was chosen.
    pub application: String,
    /// The client's IP address, behind trusted proxies the one they name.
    pub client: String,
    /// As received.
    pub method: String,
    /// As received, with the port if there was one.
    pub host: String,
    /// Path and query, values of secret parameters masked.
    pub path: String,
    /// What was done with the request.
    pub action: Action,
    /// The status that the client got; none if it got no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The id that a trusted proxy gave the request: of its `X-Request-Id`, or the trace of its
    /// `traceparent`; none: it gave none, so the request is known by the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What matched, in the order of evaluation.
    #[serde(default)]
    pub matches: Vec<EventMatch>,
    /// What the request said in the header [`Event::PROBE_HEADER`]. Anybody can say that: whether it
    /// is a probe of the control side is for that to find out, and what is not it leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
}

/// What was done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Forwarded as it was.
    Pass,
    /// Answered with an error.
    Block,
    /// Answered with another place.
    Redirect,
    /// Not answered, its connection closed.
    Drop,
    /// Forwarded without some of its parts.
    Strip,
}

impl Action {
    /// As in JSON: `pass`, `block`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
            Self::Redirect => "redirect",
            Self::Drop => "drop",
            Self::Strip => "strip",
        }
    }
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventMatch {
    /// The virtual patch; none for a general rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The rule's id.
    pub rule: u64,
    /// 1 to 5.
    pub phase: u8,
    /// What matched, as rules name it: `ARGS:q`.
    pub target: String,
    /// The rule's message; may be empty.
    pub message: String,
    /// The start of what matched, masked where it may be a secret; bytes that are not UTF-8
    /// are replaced by U+FFFD.
    pub value: String,
    /// 0 (emergency) to 7 (debug).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// Whether the rule's action was carried out.
    pub enforced: bool,
}

impl Event {
    /// The version that this crate writes, and the highest that it reads.
    pub const VERSION: u32 = 1;
    /// The header that marks probes.
    pub const PROBE_HEADER: &str = "stopgap-probe";
    /// A mark, in bytes; longer ones are none.
    pub const PROBE_BYTES: usize = 512;

    /// The event as one line of JSON, without the line end.
    ///
    /// # Errors
    /// None in practice: every field can be written as JSON.
    pub fn to_line(&self) -> Result<String, ReadError> {
        serde_json::to_string(self).map_err(|source| ReadError(Kind::Json(source)))
    }

    /// Reads one line of JSON.
    ///
    /// # Errors
    /// The line is not an event, or one of a later version.
    pub fn from_line(line: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let json = |source| ReadError(Kind::Json(source));
        let Versioned { version } = serde_json::from_str(line).map_err(json)?;
        if version == 0 || version > Self::VERSION {
            return Err(ReadError(Kind::Version(version)));
        }
        serde_json::from_str(line).map_err(json)
    }
}

/// Why a line cannot be read.
#[derive(Debug)]
pub struct ReadError(Kind);

#[derive(Debug)]
enum Kind {
    Json(serde_json::Error),
    Version(u32),
}

impl ReadError {
    /// Whether a later release of Stopgap wrote the line.
    pub fn is_newer(&self) -> bool {
        matches!(self.0, Kind::Version(version) if version > Event::VERSION)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Json(source) => write!(f, "not an event: {source}"),
            Kind::Version(version) => write!(
                f,
                "event version {version} is not known, {} is the highest; upgrade the reader",
                Event::VERSION
            ),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Json(source) => Some(source),
            Kind::Version(_) => None,
        }
    }
}

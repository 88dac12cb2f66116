//! What probes have shown: exploit cases, sent from outside through ingress points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;

/// How long the ingress point's word on a probe is waited for, in milliseconds.
pub const PATIENCE_MS: i64 = 60 * 1000;
/// After this long what a probe has shown is shown anew, in milliseconds.
pub const AGAIN_MS: i64 = 24 * 60 * 60 * 1000;
/// The same where it has shown that something is wrong.
pub const SOON_MS: i64 = 10 * 60 * 1000;

/// A probe of one patch at one ingress point: what was sent, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The ingress point.
    pub ingress: String,
    /// The virtual patch.
    pub patch: String,
    /// Its document: SHA-256, in hexadecimal.
    pub digest: String,
    /// The exploit case that was sent.
    pub case: String,
    /// Its method.
    pub method: String,
    /// The host that it named.
    pub host: String,
    /// Its path, without a query.
    pub path: String,
    /// What it was marked with: nobody else knows it before.
    pub mark: String,
    /// When.
    pub sent_ms: i64,
    /// What came back; none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What an ingress point has told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// An answer with this status.
    Status(u16),
    /// None, and why.
    Failed(String),
    /// Nothing was sent, and why.
    Unsent(String),
}

/// The event of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Whose event it is.
    pub ingress: String,
    /// Its name.
    pub reference: String,
    /// Whether the patch was enforced, not only recorded.
    pub enforced: bool,
    /// Whether it was forwarded without what is harmful in it.
    #[serde(default)]
    pub stripped: bool,
}

named! {
    /// What a probe has shown.
    pub enum Shown {
        /// The patch stopped it.
        Blocked = "blocked",
        /// The patch recorded it, and it went on.
        Recorded = "recorded",
        /// It went through.
        Passed = "passed",
        /// The answer is an error, and no ingress point knows of it: another has answered, as proxies do by
        /// themselves.
        Elsewhere = "elsewhere",
        /// Nobody answered.
        Unreachable = "unreachable",
        /// The document has no case that may be sent.
        Unsent = "unsent",
        /// Nothing yet.
        Waiting = "waiting",
    }
}

impl Probe {
    /// What it has shown by now. That it was stopped takes both: an ingress point that says so,
    /// and an answer that is not the application's.
    #[must_use]
    pub fn shows(&self, now_ms: i64) -> Shown {
        let waits = now_ms.saturating_sub(self.sent_ms) < PATIENCE_MS;
        match (&self.told, &self.answer) {
            (_, Some(Answer::Unsent(_))) => Shown::Unsent,
            // Its word was not heeded.
            (Some(told), Some(Answer::Status(200..=299))) if told.enforced && !told.stripped => {
                Shown::Passed
            }
            (Some(told), _) if told.enforced => Shown::Blocked,
            (Some(_), _) => Shown::Recorded,
            (None, Some(Answer::Failed(_))) => Shown::Unreachable,
            (None, _) if waits => Shown::Waiting,
            (None, Some(Answer::Status(400..))) => Shown::Elsewhere,
            (None, Some(Answer::Status(_))) => Shown::Passed,
            (None, None) => Shown::Unreachable,
        }
    }

    /// Whether another must be sent for this document.
    #[must_use]
    pub fn is_stale(&self, digest: &str, now_ms: i64) -> bool {
        let after_ms = match self.shows(now_ms) {
            Shown::Blocked | Shown::Unsent => AGAIN_MS,
            _ => SOON_MS,
        };
        self.digest != digest || now_ms.saturating_sub(self.sent_ms) >= after_ms
    }

    /// Whether what an ingress point tells of a marked request is about this probe: the same
    /// request, in its time, and no other event was. Whoever has learnt the mark cannot hide
    /// requests of their own with it.
    #[must_use]
    pub fn is_told_by(&self, event: &Marked<'_>) -> bool {
        let path = event.target.split('?').next().unwrap_or_default();
        let same = |told: &Told| (&*told.ingress, &*told.reference) == event.name;
        self.told.as_ref().is_none_or(same)
            && self.method == event.method
            && self.host.eq_ignore_ascii_case(event.host)
            && is_same_path(&self.path, path)
            && self.sent_ms.abs_diff(event.time_ms) <= PATIENCE_MS.unsigned_abs()
    }
}

/// Whether they are one path: the case of hexadecimal digits after `%` does not count (RFC 3986,
/// 6.2.2.1), and proxies change it.
fn is_same_path(one: &str, other: &str) -> bool {
    let mut digits = 0;
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(one, other)| {
            let is_digit = digits > 0;
            digits = match one {
                b'%' => 2,
                _ => digits - i32::from(is_digit),
            };
            one == other || is_digit && one.eq_ignore_ascii_case(&other)
        })
}

/// An event with a mark, as far as it tells whether it is of a probe.
#[derive(Debug, Clone, Copy)]
pub struct Marked<'a> {
    /// Whose event it is, and its reference.
    pub name: (&'a str, &'a str),
    /// The request's method.
    pub method: &'a str,
    /// The host that it named, without a port.
    pub host: &'a str,
    /// Its target.
    pub target: &'a str,
    /// When it came.
    pub time_ms: i64,
}

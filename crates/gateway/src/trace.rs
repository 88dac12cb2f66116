//! The trace that a request belongs to, across those who pass it on (W3C Trace Context).

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::events::Reference;
use crate::request_id::one;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Where a request stands in a trace, as a `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    trace: [u8; 32],
    parent: [u8; 16],
    /// Who began the trace wants it to be recorded.
    sampled: bool,
}

impl Place {
    /// What the headers say; none: nothing, or what cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::read(one(headers, &TRACEPARENT)?.as_bytes())
    }

    /// Reads version, trace, parent and flags. Later versions may have more behind them.
    fn read(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|&byte| byte == b'-');
        let version = digits::<2>(parts.next()?)?;
        let trace = digits::<32>(parts.next()?)?;
        let parent = digits::<16>(parts.next()?)?;
        let [_, flags] = digits::<2>(parts.next()?)?;
        let whole = version != *b"ff" && (version != *b"00" || parts.next().is_none());
        let set = |part: &[u8]| part.iter().any(|&byte| byte != b'0');
        (whole && set(&trace) && set(&parent)).then_some(Self {
            trace,
            parent,
            sampled: char::from(flags)
                .to_digit(16)
                .is_some_and(|flags| flags & 1 == 1),
        })
    }

    pub(crate) fn trace(&self) -> &str {
        std::str::from_utf8(&self.trace).unwrap_or_default()
    }

    pub(crate) fn parent(&self) -> &str {
        std::str::from_utf8(&self.parent).unwrap_or_default()
    }
}

/// Lower-case hexadecimal digits, so many.
fn digits<const N: usize>(part: &[u8]) -> Option<[u8; N]> {
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let part: [u8; N] = part.try_into().ok()?;
    part.iter().all(hex).then_some(part)
}

/// What the next hop is told of the trace.
///
/// A request that has a span of its own here, named by its reference, goes on as a part of that:
/// of the trace that it came in, or else of one that begins here. Without one, what can be read
/// stays as it is. What cannot, goes: the next hop could only begin anew as well.
pub(crate) fn pass_on(headers: &mut HeaderMap, place: Option<Place>, span: Option<Reference>) {
    // PERF: as in `forward::prepare`, one look at the names; most requests have neither.
    let is_ours = |name: &HeaderName| matches!(name.as_str(), "traceparent" | "tracestate");
    if span.is_none() && !headers.keys().any(is_ours) {
        return;
    }
    if place.is_none() && (span.is_some() || Place::of(headers).is_none()) {
        headers.remove(&TRACEPARENT);
        // It belongs to a trace that is not known.
        headers.remove(&TRACESTATE);
    }
    let Some(span) = span else { return };
    let own = match place {
        Some(place) => {
            let flags = u8::from(place.sampled);
            format!("00-{}-{span}-{flags:02}", place.trace())
        }
        None => format!("00-{:016}{span}-{span}-01", 0),
    };
    if let Ok(own) = HeaderValue::try_from(own) {
        headers.insert(TRACEPARENT, own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_as_its_version_says() {
        let whole = |version: &str, end: &str| format!("{version}-{TRACE}-{PARENT}-{end}");
        let nothing = "0".repeat(32);
        let cases = [
            (whole("00", "01"), Some(true)),
            (whole("00", "00"), Some(false)),
            (whole("00", "fe"), Some(false)),
            (whole("00", "ff"), Some(true)),
            (whole("01", "01"), Some(true)),
            (whole("01", "01-more"), Some(true)),
            (whole("00", "01-more"), None),
            (whole("00", "01-"), None),
            (whole("00", "1"), None),
            (whole("0", "01"), None),
            (whole("ff", "01"), None),
            (whole("00", "01").replace(TRACE, &nothing), None),
            (whole("00", "01").replace(PARENT, &nothing[..16]), None),
            (whole("00", "01").to_uppercase(), None),
            (whole("00", "0g"), None),
            (format!("00-{TRACE}"), None),
            (String::new(), None),
        ];
        for (value, expected) in cases {
            let place = Place::read(value.as_bytes());
            assert_eq!(place.map(|it| it.sampled), expected, "{value}");
            if let Some(place) = place {
                assert_eq!((place.trace(), place.parent()), (TRACE, PARENT), "{value}");
            }
        }
    }
}

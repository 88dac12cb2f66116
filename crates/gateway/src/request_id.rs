//! By what a request is known, here and to those who pass it on.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names a request to the next hop, and that a trusted proxy may have set.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// An id that is taken from others, in bytes.
const ID_BYTES: usize = 128;

/// The id that a trusted proxy gave: its `X-Request-Id`, or the trace of its `traceparent`.
pub(crate) fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let named = one(headers, &REQUEST_ID).filter(|id| is_plain(id.as_bytes()));
    named.cloned().or_else(|| {
        let trace = trace_of(one(headers, &TRACEPARENT)?.as_bytes())?;
        HeaderValue::from_bytes(trace).ok()
    })
}

/// A header, unless it is there twice: then nobody knows which is meant.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// What can stand in a log, a page and a header as it is.
fn is_plain(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=ID_BYTES).contains(&id.len()) && id.iter().all(plain)
}

/// The trace in a `traceparent` (W3C Trace Context): version, trace, parent, flags.
fn trace_of(value: &[u8]) -> Option<&[u8]> {
    let hex = |part: &[u8]| {
        part.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = value.split(|&byte| byte == b'-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let sizes = [version.len(), trace.len(), parent.len(), flags.len()] == [2, 32, 16, 2];
    let whole = version != b"ff" && (version != b"00" || parts.next().is_none());
    let set = |part: &[u8]| part.iter().any(|&byte| byte != b'0');
    let good = sizes && whole && [version, trace, parent, flags].iter().all(|part| hex(part));
    (good && set(trace) && set(parent)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers, and the id that they give.
    type Case<'a> = (&'a [(HeaderName, &'a str)], Option<&'a str>);

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn ids_are_taken_where_they_read_one_way() {
        let parent =
            |version: &str, end: &str| format!("{version}-{TRACE}-00f067aa0ba902b7-01{end}");
        let long = "a".repeat(129);
        let cases: &[Case<'_>] = &[
            (&[(REQUEST_ID, "a-1:b")], Some("a-1:b")),
            (&[(REQUEST_ID, "a"), (REQUEST_ID, "b")], None),
            (&[(REQUEST_ID, "a\"b")], None),
            (&[(REQUEST_ID, &long)], None),
            (&[(REQUEST_ID, "")], None),
            (&[(TRACEPARENT, &parent("00", ""))], Some(TRACE)),
            (&[(TRACEPARENT, &parent("00", "-x"))], None),
            (&[(TRACEPARENT, &parent("01", "-x"))], Some(TRACE)),
            (&[(TRACEPARENT, &parent("ff", ""))], None),
            (
                &[(
                    TRACEPARENT,
                    &parent("00", "").replace('4', "0").to_uppercase(),
                )],
                None,
            ),
            (
                &[(REQUEST_ID, "a"), (TRACEPARENT, &parent("00", ""))],
                Some("a"),
            ),
            (
                &[(REQUEST_ID, " "), (TRACEPARENT, &parent("00", ""))],
                Some(TRACE),
            ),
        ];
        for (headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.append(name, HeaderValue::from_str(value).unwrap());
            }
            let given = given(&map);
            assert_eq!(
                given.as_ref().map(|id| id.to_str().unwrap()),
                *expected,
                "{headers:?}"
            );
        }
    }
}

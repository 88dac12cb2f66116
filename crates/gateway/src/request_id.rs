//! By what a request is known, here and to those who pass it on.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::Place;

/// The header that names a request to the next hop, and that a trusted proxy may have set.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// An id that is taken from others, in bytes.
const ID_BYTES: usize = 128;

/// The id that a trusted proxy gave: its `X-Request-Id`, or the trace of its `traceparent`.
pub(crate) fn given(headers: &HeaderMap, place: Option<&Place>) -> Option<HeaderValue> {
    let named = one(headers, &REQUEST_ID).filter(|id| is_plain(id.as_bytes()));
    let trace = || HeaderValue::from_str(place?.trace()).ok();
    named.cloned().or_else(trace)
}

/// A header, unless it is there twice: then nobody knows which is meant.
pub(crate) fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// What can stand in a log, a page and a header as it is.
fn is_plain(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=ID_BYTES).contains(&id.len()) && id.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers, and the id that they give.
    type Case<'a> = (&'a [(&'static str, &'a str)], Option<&'a str>);

    #[test]
    fn ids_are_taken_where_they_read_one_way() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let long = "a".repeat(129);
        let cases: &[Case<'_>] = &[
            (&[("x-request-id", "a-1:b")], Some("a-1:b")),
            (&[("x-request-id", "a"), ("x-request-id", "b")], None),
            (&[("x-request-id", "a\"b")], None),
            (&[("x-request-id", &long)], None),
            (&[("x-request-id", "")], None),
            (&[("traceparent", &parent)], Some(trace)),
            (&[("traceparent", &parent), ("traceparent", &parent)], None),
            (&[("traceparent", trace)], None),
            (
                &[("x-request-id", "a"), ("traceparent", &parent)],
                Some("a"),
            ),
            (
                &[("x-request-id", " "), ("traceparent", &parent)],
                Some(trace),
            ),
        ];
        for (headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.append(*name, HeaderValue::from_str(value).unwrap());
            }
            let given = given(&map, Place::of(&map).as_ref());
            assert_eq!(
                given.as_ref().map(|id| id.to_str().unwrap()),
                *expected,
                "{headers:?}"
            );
        }
    }
}

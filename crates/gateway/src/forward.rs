//! Makes heads those of the next hop.

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, TE, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::request_id::REQUEST_ID;
use crate::server::Connection;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Makes a request's headers those of the next hop.
///
/// `Host` stays. Only WebSocket may upgrade: another protocol, such as `h2c`, would carry
/// requests past inspection.
pub(crate) fn prepare(
    headers: &mut HeaderMap,
    host: Option<HeaderValue>,
    id: HeaderValue,
    connection: &Connection,
    tunnel: bool,
    uncompressed: bool,
) {
    // PERF: one look at the names is cheaper than a search by hash for each.
    let (mut hop, mut expect, mut forwarded) = (false, false, false);
    for name in headers.keys() {
        match name.as_str() {
            "expect" => expect = true,
            "forwarded" => forwarded = true,
            name => hop |= is_hop(name),
        }
    }
    if hop {
        let trailers = headers
            .get(TE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
        hop_by_hop(headers);
        if trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
    if expect {
        headers.remove(EXPECT);
    }
    if tunnel {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    if uncompressed {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let known = connection.is_trusted.then(|| {
        let lines = headers.get_all(&FORWARDED_FOR).iter();
        lines.map(HeaderValue::as_bytes).collect::<Vec<_>>()
    });
    let client = match known {
        Some(mut known) if !known.is_empty() => {
            known.push(connection.peer_value.as_bytes());
            HeaderValue::from_bytes(&known.join(&b", "[..])).ok()
        }
        _ => None,
    };
    if forwarded && !connection.is_trusted {
        headers.remove(FORWARDED);
    }
    // What is inserted from here on makes the map grow once, not twice.
    headers.reserve(4);
    headers.insert(
        FORWARDED_FOR,
        client.unwrap_or_else(|| connection.peer_value.clone()),
    );
    headers.insert(REQUEST_ID, id);
    let believed = |name| connection.is_trusted && headers.contains_key(name);
    let (host_known, proto_known) = (believed(&FORWARDED_HOST), believed(&FORWARDED_PROTO));
    if !host_known {
        match host {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
    if !proto_known {
        let proto = if connection.is_tls { "https" } else { "http" };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
}

/// Removes what is meant for one hop only, and what `Connection` names. It cannot name away
/// what the application decides by.
pub(crate) fn hop_by_hop(headers: &mut HeaderMap) {
    const KEEP: [HeaderName; 4] = [HOST, CONTENT_LENGTH, COOKIE, http::header::AUTHORIZATION];
    if !headers.keys().any(|name| is_hop(name.as_str())) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .filter(|name| !KEEP.contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
    while let Some(name) = headers.keys().find(|name| is_hop(name.as_str())).cloned() {
        headers.remove(name);
    }
}

fn is_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

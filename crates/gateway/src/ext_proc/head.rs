//! Heads, from what Envoy shows of them.

use std::net::SocketAddr;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use prost::Message;

use super::messages::{HttpHeaders, Lines, Shown};
use crate::config::Network;
use crate::framing::{Refusal, target};
use crate::proxy::Way;
use crate::server::Connection;

/// Whether these bytes are a message that Envoy may begin with.
#[doc(hidden)]
pub fn shown_reads(bytes: &[u8]) -> bool {
    Shown::decode(bytes).is_ok_and(|shown| parts(&shown).is_ok())
}

/// The head of a request, and the way that it came.
pub(super) fn request(
    shown: &Shown,
    connection: &Connection,
    trusted: &[Network],
) -> Result<(Parts, Way), Refusal> {
    let (head, bodiless) = parts(shown)?;
    let attribute = |name| attribute(shown, name).and_then(|text| text.parse::<SocketAddr>().ok());
    let client = attribute("source.address");
    let way = Way {
        client: client.unwrap_or_else(|| connection.client(&head.headers, trusted)),
        server: attribute("destination.address").unwrap_or(connection.local),
        bodiless,
    };
    Ok((head, way))
}

fn parts(shown: &Shown) -> Result<(Parts, bool), Refusal> {
    let none = Refusal("there is no head");
    let HttpHeaders {
        headers: Some(lines),
        end_of_stream,
    } = shown.request_headers.as_ref().ok_or(none)?
    else {
        return Err(none);
    };
    let (mut head, ()) = Request::new(()).into_parts();
    let named = |name: &str| {
        let line = lines.headers.iter().find(|line| line.key == name);
        line.map(super::messages::Line::bytes)
    };
    let method = named(":method").and_then(|method| Method::from_bytes(method).ok());
    head.method = method.ok_or(Refusal("the method is none"))?;
    head.uri = target(named(":path").unwrap_or_default())?;
    head.version = match attribute(shown, "request.protocol") {
        Some("HTTP/2" | "HTTP/3") => Version::HTTP_2,
        Some("HTTP/1.0") => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    head.headers = header_lines(lines)?;
    if let Some(host) = named(":authority") {
        let host = HeaderValue::from_bytes(host);
        let host = host.map_err(|_| Refusal("Host is not a host"))?;
        head.headers.insert(HOST, host);
    }
    let tunnel = !end_of_stream && is_tunnel(&head);
    if tunnel
        && [CONTENT_LENGTH, TRANSFER_ENCODING]
            .iter()
            .any(|name| head.headers.contains_key(name))
    {
        // Envoy takes it for a part of the tunnel, which has no end.
        return Err(Refusal("a request for another protocol has a body"));
    }
    Ok((head, *end_of_stream || tunnel))
}

/// Whether what follows the head is a tunnel.
fn is_tunnel(head: &Parts) -> bool {
    let mut named = head.headers.get_all(CONNECTION).iter();
    let upgrades = named.any(|line| {
        let mut words = line.as_bytes().split(|&byte| byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    });
    upgrades && head.headers.contains_key(UPGRADE) && head.version != Version::HTTP_2
}

fn attribute<'a>(shown: &'a Shown, name: &str) -> Option<&'a str> {
    let mut filters = shown.attributes.values();
    let found = filters.find_map(|filter| filter.fields.get(name))?;
    found.text.as_deref()
}

fn header_lines(lines: &Lines) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::with_capacity(16);
    for line in lines
        .headers
        .iter()
        .filter(|line| !line.key.starts_with(':'))
    {
        let name = HeaderName::from_bytes(line.key.as_bytes());
        let name = name.map_err(|_| Refusal("a header's name is none"))?;
        let value = HeaderValue::from_bytes(line.bytes());
        let value = value.map_err(|_| Refusal("a header's value is none"))?;
        let appended = headers.try_append(name, value);
        appended.map_err(|_| Refusal("there are too many headers"))?;
    }
    Ok(headers)
}

/// Whether all of a body is here that has a length. Envoy does not say whether trailers follow,
/// or more than it can hold.
pub(super) fn is_whole(head: &Parts, body: &[u8]) -> bool {
    let said = head.headers.get(CONTENT_LENGTH);
    let said = said.and_then(|said| said.to_str().ok()?.parse::<usize>().ok());
    said == Some(body.len())
}

/// The head of a response; header lines that are none are left out.
pub(super) fn response(shown: &HttpHeaders) -> http::response::Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    let lines = shown.headers.as_ref();
    for line in lines.iter().flat_map(|lines| &lines.headers) {
        if line.key == ":status" {
            head.status = StatusCode::from_bytes(line.bytes()).unwrap_or(StatusCode::OK);
        } else if let Ok(name) = HeaderName::from_bytes(line.key.as_bytes())
            && let Ok(value) = HeaderValue::from_bytes(line.bytes())
        {
            // Beyond tens of thousands of lines nothing is looked at.
            let _: Result<_, _> = head.headers.try_append(name, value);
        }
    }
    head
}

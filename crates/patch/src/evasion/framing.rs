//! Methods, versions, and how the length of a body is told.

use super::catalogue::{Evasion, Group};
use crate::request::Request;

pub(super) const ALL: &[Evasion] = &[
    of("body in chunks", "all servers of HTTP/1.1", |request| {
        (!request.body.is_empty()).then(|| Request {
            chunked: true,
            ..request.clone()
        })
    }),
    of("HTTP/1.0", "all servers", |request| {
        let body_ends = !request.chunked;
        body_ends.then(|| Request {
            version: b"HTTP/1.0".to_vec(),
            ..request.clone()
        })
    }),
    of(
        "the method POST for GET",
        "routers that take any method",
        |request| (request.method == b"GET").then(|| method(request, "POST")),
    ),
    of(
        "the method GET for another",
        "routers that take any method",
        |request| (request.method != b"GET").then(|| method(request, "GET")),
    ),
    of(
        "the method HEAD for GET",
        "servers that run the whole request",
        |request| (request.method == b"GET").then(|| method(request, "HEAD")),
    ),
    of(
        "the method PUT for POST",
        "routers that take any method",
        |request| (request.method == b"POST").then(|| method(request, "PUT")),
    ),
    of(
        "the method in small letters",
        "PHP and others that do not mind case",
        |request| {
            let method_name = String::from_utf8_lossy(&request.method).to_ascii_lowercase();
            Some(method(request, &method_name))
        },
    ),
    of(
        "the method in X-HTTP-Method-Override",
        "Spring, Symfony, Rack and others with overrides",
        |request| {
            let overridden = String::from_utf8_lossy(&request.method).into_owned();
            let mut request = method(request, "POST");
            request.set_header("X-HTTP-Method-Override", &overridden);
            Some(request)
        },
    ),
    of(
        "a body with GET",
        "servers that do not mind it",
        |request| {
            let bare = request.method == b"GET" && request.body.is_empty();
            bare.then(|| {
                let mut request = Request {
                    body: b"x=1".to_vec(),
                    ..request.clone()
                };
                request.set_header("Content-Type", "application/x-www-form-urlencoded");
                request
            })
        },
    ),
    of(
        "a body without a type",
        "frameworks that guess",
        |request| {
            let mut changed = request.clone();
            let typed = |name: &[u8]| name.eq_ignore_ascii_case(b"content-type");
            changed.headers.retain(|(name, _)| !typed(name));
            (!request.body.is_empty()).then_some(changed)
        },
    ),
    of(
        "two content types, the first one harmless",
        "servers in which the last one counts",
        |request| {
            let typed = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-type");
            let at = request.headers.iter().position(typed)?;
            let mut request = request.clone();
            let line = (b"Content-Type".to_vec(), b"text/plain".to_vec());
            request.headers.insert(at, line);
            Some(request)
        },
    ),
    of(
        "two content types, the last one harmless",
        "servers in which the first one counts",
        |request| {
            let typed = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-type");
            request.headers.iter().find(|line| typed(line))?;
            let mut request = request.clone();
            let line = (b"Content-Type".to_vec(), b"text/plain".to_vec());
            request.headers.push(line);
            Some(request)
        },
    ),
    of(
        "the content type in capitals",
        "all that read media types",
        |request| {
            let mut request = request.clone();
            for (name, value) in &mut request.headers {
                // A boundary has case.
                if name.eq_ignore_ascii_case(b"content-type") && !value.contains(&b'=') {
                    value.make_ascii_uppercase();
                }
            }
            Some(request)
        },
    ),
];

const fn of(
    name: &'static str,
    reader: &'static str,
    change: fn(&Request) -> Option<Request>,
) -> Evasion {
    Evasion::request(Group::Framing, name, reader, change)
}

fn method(request: &Request, name: &str) -> Request {
    Request {
        method: name.into(),
        ..request.clone()
    }
}

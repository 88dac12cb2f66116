//! Other proxies ask before they forward: nginx's `auth_request`, `forwardAuth` of Traefik,
//! `forward_auth` of Caddy.
//!
//! The question is a request with the client's headers; what it was about stands in
//! `X-Forwarded-Method`, `X-Forwarded-Uri` and `X-Forwarded-Host`. The answer is 204, go on,
//! or a refusal that the proxy gives to the client. Most proxies send the head alone: what
//! stands in a body is then not seen, nor is the response, and nothing can be taken out.

use engine::Strip;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Response, StatusCode, Uri};

use crate::body::Body;
use crate::framing::Refusal;
use crate::halt::Halt;

const METHOD: &str = "x-forwarded-method";
const TARGET: &str = "x-forwarded-uri";
const HOST_NAMED: &str = "x-forwarded-host";

/// Makes a question's head that of the request it is about.
pub(crate) fn original(head: &mut Parts) -> Result<(), Refusal> {
    let method = one(&mut head.headers, METHOD)?;
    let method = method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let Some(method) = method else {
        return Err(Refusal("X-Forwarded-Method does not say the method"));
    };
    let target = one(&mut head.headers, TARGET)?;
    let target = target.and_then(|target| target_of(target.as_bytes()));
    let Some(target) = target else {
        return Err(Refusal("X-Forwarded-Uri does not say the target"));
    };
    if let Some(host) = one(&mut head.headers, HOST_NAMED)? {
        head.headers.insert(HOST, host);
    }
    head.method = method;
    head.uri = Uri::from(target);
    Ok(())
}

/// A path with its query, or `*`; what would be cut off of it, as a fragment is, is refused.
fn target_of(bytes: &[u8]) -> Option<PathAndQuery> {
    let whole = bytes == b"*" || bytes.starts_with(b"/") && !bytes.contains(&b'#');
    PathAndQuery::try_from(bytes).ok().filter(|_| whole)
}

/// Takes out a header that must not stand there twice.
fn one(headers: &mut HeaderMap, name: &str) -> Result<Option<http::HeaderValue>, Refusal> {
    if headers.get_all(name).iter().nth(1).is_some() {
        return Err(Refusal("a forwarding header stands there twice"));
    }
    Ok(headers.remove(name))
}

/// What is answered where no rule has stopped the request.
pub(crate) fn verdict(strips: &[Strip]) -> Result<Response<Body>, Halt> {
    if !strips.is_empty() {
        // The asking proxy would forward it as it came.
        let why = "a part must be taken out, which only a gateway in its path can do";
        return Err(Halt::Request(StatusCode::FORBIDDEN, why));
    }
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A refusal as every asking proxy understands it: nginx takes all but 401 and 403 for an
/// error of the one it has asked. Where nothing was decided, that is right.
pub(crate) fn refusal(status: StatusCode) -> StatusCode {
    match status.is_client_error() || status.is_redirection() || status.is_success() {
        true if status != StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
        _ => status,
    }
}

//! What a client sees when it does not get its application's answer.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use crate::body::Body;

/// The name of a refusal's event, kept with its page.
#[derive(Clone)]
pub(crate) struct Reference(pub(crate) String);

/// The page: HTML, or a problem document (RFC 9457) where the client prefers JSON.
///
/// It names the reference and nothing of the rule: what stopped an attack helps the next.
pub(crate) fn page(status: StatusCode, reference: &str, json: bool) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Refused");
    let (kind, text) = if json {
        let text = format!(
            "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{},\"reference\":\"{reference}\"}}\n",
            status.as_u16()
        );
        ("application/problem+json", text)
    } else {
        let text = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body><h1>{title}</h1>\n<p>This request was not passed on. If you think that is wrong, \
             tell the operator this reference: <code>{reference}</code></p></body></html>\n"
        );
        ("text/html; charset=utf-8", text)
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let reference = Reference(reference.to_owned());
    response.extensions_mut().insert(reference);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Whether `Accept` gives JSON more weight than HTML.
pub(crate) fn prefers_json(accept: Option<&HeaderValue>) -> bool {
    let (mut json, mut html) = (0.0, 0.0);
    let line = accept.and_then(|accept| accept.to_str().ok());
    for item in line.unwrap_or_default().split(',') {
        let mut parts = item.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=")?.parse().ok())
            .unwrap_or(1.0_f32);
        let best = match kind {
            "application/json" | "application/problem+json" => &mut json,
            "text/html" | "application/xhtml+xml" => &mut html,
            _ if kind.ends_with("+json") => &mut json,
            _ => continue,
        };
        *best = weight.max(*best);
    }
    json > html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_clients_that_prefer_it() {
        let cases = [
            ("application/json", true),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("text/html;q=0.5, application/json", true),
            ("application/json;q=0.1, text/html", false),
            ("application/vnd.api+json", true),
            ("*/*", false),
            ("", false),
        ];
        for (accept, expected) in cases {
            let value = HeaderValue::from_static(accept);
            assert_eq!(prefers_json(Some(&value)), expected, "{accept}");
        }
    }
}

//! Takes out of a request what patches say must not reach the application.

use std::borrow::Cow;

use engine::Strip;
use http::header::{COOKIE, HOST};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri};

/// Strips a request's head.
pub(crate) fn strip(request: &mut http::request::Parts, strips: &[Strip]) {
    for each in strips {
        match each {
            Strip::Header(name) => {
                // Without Host nothing can be forwarded.
                if let Ok(name) = HeaderName::try_from(name.as_str())
                    && name != HOST
                {
                    request.headers.remove(name);
                }
            }
            Strip::Cookie(name) => strip_cookie(request, name),
            Strip::QueryParameter(name) => strip_parameter(request, name),
        }
    }
}

fn strip_cookie(request: &mut http::request::Parts, name: &str) {
    let Some(lines) = request.headers.contains_key(COOKIE).then(|| {
        let lines = request.headers.get_all(COOKIE).iter();
        lines
            .map(|line| without_cookie(line.as_bytes(), name))
            .collect::<Vec<_>>()
    }) else {
        return;
    };
    request.headers.remove(COOKIE);
    let values = lines.iter().filter(|line| !line.is_empty());
    for value in values.filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        request.headers.append(COOKIE, value);
    }
}

fn without_cookie(line: &[u8], name: &str) -> Vec<u8> {
    let kept: Vec<&[u8]> = line
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| {
            let end = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            pair.get(..end).map(<[u8]>::trim_ascii) != Some(name.as_bytes())
        })
        .collect();
    kept.join(&b"; "[..])
}

fn strip_parameter(request: &mut http::request::Parts, name: &str) {
    let Some(query) = request.uri.query() else {
        return;
    };
    let is_named = |pair: &&str| {
        let (key, _) = pair.split_once('=').unwrap_or((pair, ""));
        *percent_decoded(key.as_bytes()) == *name.as_bytes()
    };
    if !query.split('&').any(|pair| is_named(&pair)) {
        return;
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_named(pair)).collect();
    let path = request.uri.path();
    let target = if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    };
    let mut parts = request.uri.clone().into_parts();
    if let Ok(target) = PathAndQuery::try_from(target) {
        parts.path_and_query = Some(target);
    }
    if let Ok(uri) = Uri::from_parts(parts) {
        request.uri = uri;
    }
}

/// `%41` and `+` decoded, once.
pub(crate) fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(engine::body::percent::form_decoded(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(strips: &[Strip]) -> http::request::Parts {
        let request = http::Request::builder()
            .uri("/p?a=1&%62=2&c=3&b")
            .header("host", "h")
            .header("x-a", "1")
            .header("x-a", "2")
            .header("cookie", "s=1; t=2;s=3")
            .body(())
            .unwrap();
        let mut parts = request.into_parts().0;
        strip(&mut parts, strips);
        parts
    }

    #[test]
    fn headers_of_a_name_go_all_but_host() {
        let parts = stripped(&[Strip::Header("x-a".into()), Strip::Header("host".into())]);
        assert!(!parts.headers.contains_key("x-a"));
        assert_eq!(parts.headers["host"], "h");
    }

    #[test]
    fn cookies_of_a_name_go_all() {
        assert_eq!(
            stripped(&[Strip::Cookie("s".into())]).headers["cookie"],
            "t=2"
        );
        let parts = stripped(&[Strip::Cookie("s".into()), Strip::Cookie("t".into())]);
        assert!(!parts.headers.contains_key("cookie"));
    }

    #[test]
    fn parameters_of_a_decoded_name_go_all() {
        let target = |names: &[&str]| {
            let strips: Vec<_> = names
                .iter()
                .map(|&name| Strip::QueryParameter(name.into()))
                .collect();
            stripped(&strips).uri.to_string()
        };
        assert_eq!(target(&["b"]), "/p?a=1&c=3");
        assert_eq!(target(&["a", "b", "c"]), "/p");
        assert_eq!(target(&["d"]), "/p?a=1&%62=2&c=3&b");
    }
}

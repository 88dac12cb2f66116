//! Which requests the shop answers at all.
//!
//! The shop runs shell commands for whoever asks. It listens on loopback, but a web page
//! in the same machine's browser reaches loopback too. Such a page's requests say that
//! they are cross-site, or come with the page's own host name (a name that was made to
//! point to loopback). Names that nobody can register are let through, so that the shop
//! can be demonstrated under a name behind a gateway; whoever points such a name to
//! loopback on this machine opens the shop to the pages that guess it.

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

const RESERVED: &[&str] = &["localhost", "test", "example", "invalid", "internal"];

/// Whether the request can be one that no web page of a stranger has made.
pub(crate) fn admits(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let fetched_by = text("sec-fetch-site").unwrap_or("none");
    let host = text(HOST.as_str()).is_none_or(is_private_name);
    let origin = text(ORIGIN.as_str()).is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some_and(is_private_name)
    });
    matches!(fetched_by, "none" | "same-origin" | "same-site") && host && origin
}

/// Whether a host, with or without a port, is a loopback address, one label, or under a
/// reserved name.
fn is_private_name(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next() == Some("::1");
    }
    let name = host.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.parse::<std::net::Ipv4Addr>() {
        return address.is_loopback();
    }
    match name.rsplit_once('.') {
        Some((_, last)) => RESERVED.contains(&last),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_web_page_is_not_answered() {
        let cases = [
            (&[("host", "127.0.0.1:8080")][..], true),
            (&[("host", "[::1]:8080")], true),
            (&[("host", "localhost")], true),
            (&[("host", "shop.example:80")], true),
            (&[("host", "app")], true),
            (&[], true),
            (&[("host", "evil.com")], false),
            (&[("host", "192.0.2.1")], false),
            (&[("host", "app"), ("origin", "https://evil.com")], false),
            (&[("host", "app"), ("origin", "null")], false),
            (&[("host", "app"), ("origin", "http://app:80")], true),
            (&[("host", "app"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "app"), ("sec-fetch-site", "same-origin")], true),
        ];
        for (headers, admitted) in cases {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(admits(&map), admitted, "{headers:?}");
        }
    }
}

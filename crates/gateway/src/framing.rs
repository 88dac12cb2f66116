//! One reading only: requests that two servers could read differently are refused.
//!
//! A request that the gateway and the application cut apart at different places smuggles a
//! second one past inspection. Who refuses what:
//!
//! | Case | Refused by |
//! |---|---|
//! | bare LF, in the head or between chunks | [`Lines::scan`], [`crate::sniff`] |
//! | several `Content-Length`, a list, a sign; `Content-Length` and `Transfer-Encoding` | [`head`] |
//! | `Transfer-Encoding` other than `chunked` once, or in HTTP/1.0 | [`head`] |
//! | no `Host` or several; one that differs from the target's | [`head`], [`settle`] for HTTP/2 |
//! | a target of no form that belongs to its method, a fragment, `CONNECT` | [`head`], [`settle`] for HTTP/2 |
//! | a folded line | [`head`], and hyper |
//! | a line without colon, a space before it | hyper |
//! | bare CR, NUL, bytes that names and values may not have | hyper |
//! | wrong chunk sizes and ends | hyper |
//! | connection headers, wrong lengths in HTTP/2 | the h2 crate |
//! | names that CGI reads as another header: `Content_Length` | [`settle`] |
//!
//! hyper settles most of the first six silently, so [`crate::sniff`] asks [`head`] about the raw
//! bytes before hyper sees their end.

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use memchr::{memchr, memchr_iter};

/// Why a request is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) &'static str);

/// How long a request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes; 0 also if nothing is said.
    Exact(u64),
    /// It comes in chunks.
    Chunked,
}

/// What is known of the bytes of a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The head ends before this offset.
    Complete(usize),
    /// An empty line stands before the head.
    Blank,
    /// More bytes are needed.
    Partial,
    /// The LF at this offset is bare.
    BareLf(usize),
}

/// Where the lines of a head end: the offsets of their LF.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    /// Forgets the last head.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
        // A head of thousands of short lines was refused; its room is given back.
        self.0.shrink_to(128);
    }

    /// Looks for the end of a head, beginning at `from`; what stands before has been scanned.
    pub(crate) fn scan(&mut self, bytes: &[u8], from: usize) -> Scan {
        for lf in memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()).map(|at| at + from) {
            let before = bytes.get(..lf).unwrap_or_default();
            let Some((b'\r', line)) = before.split_last() else {
                return Scan::BareLf(lf);
            };
            match line.last() {
                None => return Scan::Blank,
                Some(b'\n') => return Scan::Complete(lf + 1),
                Some(_) => self.0.push(lf),
            }
        }
        Scan::Partial
    }

    /// The lines, without their CR LF.
    fn of<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut from = 0;
        self.0.iter().map(move |&lf| {
            let line = bytes.get(from..lf.saturating_sub(1)).unwrap_or_default();
            from = lf + 1;
            line
        })
    }
}

/// Judges a complete head of HTTP/1 whose lines were found by [`Lines::scan`].
pub(crate) fn head(bytes: &[u8], lines: &Lines) -> Result<Length, Refusal> {
    let mut lines = lines.of(bytes);
    let request = RequestLine::parse(lines.next().unwrap_or_default())?;
    let mut length = None;
    let mut chunked = false;
    let mut host = None;
    for line in lines {
        // PERF: the first byte tells most headers apart.
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b' ' | b'\t') => return Err(Refusal("a header line is folded")),
            Some(b'h') => {
                if let Some(value) = value(line, b"host:") {
                    once(&mut host, value, "there are several Host headers")?;
                }
            }
            Some(b'c') => {
                if let Some(value) = value(line, b"content-length:") {
                    let several = "there are several Content-Length headers";
                    once(&mut length, decimal(value)?, several)?;
                }
            }
            Some(b't') => {
                if let Some(value) = value(line, b"transfer-encoding:") {
                    if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                        return Err(Refusal("Transfer-Encoding is not chunked, once"));
                    }
                    chunked = true;
                }
            }
            _ => {}
        }
    }
    if chunked && length.is_some() {
        return Err(Refusal(
            "there are both Content-Length and Transfer-Encoding",
        ));
    }
    if chunked && request.old {
        return Err(Refusal("HTTP/1.0 knows no Transfer-Encoding"));
    }
    match host {
        None if !request.old => return Err(Refusal("there is no Host header")),
        Some(host) if !is_host(host) => return Err(Refusal("Host is not a host")),
        _ => {}
    }
    if let Some(authority) = request.authority
        && !host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
    {
        return Err(Refusal("the target names another host than Host does"));
    }
    Ok(if chunked {
        Length::Chunked
    } else {
        Length::Exact(length.unwrap_or(0))
    })
}

fn once<T>(slot: &mut Option<T>, value: T, why: &'static str) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal(why)),
    }
}

/// What stands behind this name and colon. A space between them is refused by hyper.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (own, value) = line.split_at_checked(name.len())?;
    own.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

struct RequestLine<'a> {
    /// In a target of absolute form.
    authority: Option<&'a [u8]>,
    /// HTTP/1.0.
    old: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = text.split(|&byte| byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal(
                "the request line is not method, target and version",
            ));
        };
        let old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Refusal("the version is not HTTP/1.1 or HTTP/1.0")),
        };
        if method == b"CONNECT" {
            return Err(Refusal("this is not a forward proxy"));
        }
        if memchr(b'#', target).is_some() {
            return Err(Refusal("the target has a fragment"));
        }
        let authority = match target {
            [b'/', ..] => None,
            b"*" if method == b"OPTIONS" => None,
            _ => Some(absolute(target).ok_or(Refusal("the target has no known form"))?),
        };
        Ok(Self { authority, old })
    }
}

/// The target of a request that another proxy shows: a path with its query, `*`, or an absolute
/// URL of the web.
pub(crate) fn target(bytes: &[u8]) -> Result<Uri, Refusal> {
    let unknown = |_| Refusal("the target has no known form");
    if memchr(b'#', bytes).is_some() {
        return Err(Refusal("the target has a fragment"));
    }
    match bytes {
        b"*" | [b'/', ..] => PathAndQuery::try_from(bytes)
            .map(Uri::from)
            .map_err(unknown),
        _ if absolute(bytes).is_some() => Uri::try_from(bytes).map_err(unknown),
        _ => Err(Refusal("the target has no known form")),
    }
}

/// The authority of `http://authority/…`.
fn absolute(target: &[u8]) -> Option<&[u8]> {
    let after = |scheme: &[u8]| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after(b"http://").or_else(|| after(b"https://"))?;
    let end = rest.iter().position(|byte| b"/?".contains(byte));
    rest.get(..end.unwrap_or(rest.len()))
}

fn decimal(value: &[u8]) -> Result<u64, Refusal> {
    let refuse = Refusal("Content-Length is not a number");
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(refuse);
    }
    let text = std::str::from_utf8(value).map_err(|_| refuse)?;
    text.parse().map_err(|_| refuse)
}

fn is_host(value: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(byte);
    !value.is_empty() && value.iter().all(allowed)
}

/// Judges what hyper made of the head, whatever the version, and gives HTTP/2 requests the form
/// of HTTP/1: one `Host`, one `Cookie`.
pub(crate) fn settle(request: &mut http::request::Parts, most: usize) -> Result<(), Refusal> {
    let headers = &mut request.headers;
    if request.method == Method::CONNECT {
        return Err(Refusal("this is not a forward proxy"));
    }
    if headers.keys().any(|name| reads_as_another(name.as_str())) {
        return Err(Refusal("a header's name reads as another's"));
    }
    if request.version != Version::HTTP_2 {
        return Ok(());
    }
    if headers.len() > most {
        return Err(Refusal("there are too many headers"));
    }
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Refusal("there are several Content-Length headers"));
    }
    one_host(headers, request.uri.authority())?;
    one_cookie(headers)
}

/// One `Host`, the same as the target's authority.
pub(crate) fn one_host(
    headers: &mut HeaderMap,
    authority: Option<&Authority>,
) -> Result<(), Refusal> {
    let mut named = headers.get_all(HOST).iter();
    let host = named.next();
    if named.next().is_some() {
        return Err(Refusal("there are several Host headers"));
    }
    match (host, authority) {
        (Some(host), Some(authority))
            if !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            return Err(Refusal("the target names another host than Host does"));
        }
        (Some(_), _) => {}
        (None, None) => return Err(Refusal("there is no Host header")),
        (None, Some(authority)) => {
            let value = HeaderValue::from_str(authority.as_str())
                .map_err(|_| Refusal("the authority is not a host"))?;
            headers.insert(HOST, value);
        }
    }
    if headers
        .get(HOST)
        .is_some_and(|host| is_host(host.as_bytes()))
    {
        Ok(())
    } else {
        Err(Refusal("Host is not a host"))
    }
}

/// HTTP/2 may cut `Cookie` in pieces, HTTP/1 must not.
fn one_cookie(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let pieces: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if pieces.len() > 1 {
        let joined = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
            .map_err(|_| Refusal("Cookie is not a header value"))?;
        headers.insert(COOKIE, joined);
    }
    Ok(())
}

/// CGI and its heirs write `-` as `_`: for them `Content_Length` is `Content-Length`.
fn reads_as_another(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "content-length",
        "transfer-encoding",
        "content-type",
        "content-encoding",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    // PERF: few names are of such a length.
    matches!(name.len(), 9 | 12 | 14..=17)
        && memchr(b'_', name.as_bytes()).is_some()
        && NAMES.contains(&name.replace('_', "-").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_wherever_reads_cut_it() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        let end = text.len() - 4;
        for cut in 0..end {
            let mut lines = Lines::default();
            assert_eq!(lines.scan(&text[..cut], 0), Scan::Partial);
            assert_eq!(lines.scan(text, cut), Scan::Complete(end));
            let found: Vec<&[u8]> = lines.of(text).collect();
            assert_eq!(found, [&b"GET / HTTP/1.1"[..], b"Host: a"]);
        }
        let scan = |text: &[u8]| Lines::default().scan(text, 0);
        assert_eq!(scan(b"GET / HTTP/1.1\nHost"), Scan::BareLf(14));
        assert_eq!(scan(b"\r\nGET /"), Scan::Blank);
        assert_eq!(scan(b"\nGET /"), Scan::BareLf(0));
    }

    #[test]
    fn the_length_of_a_body_is_read_one_way() {
        let cases = [
            ("", Length::Exact(0)),
            ("Content-Length: 5\r\n", Length::Exact(5)),
            ("transfer-encoding:Chunked\r\n", Length::Chunked),
        ];
        for (line, expected) in cases {
            let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n");
            let mut lines = Lines::default();
            lines.scan(text.as_bytes(), 0);
            assert_eq!(head(text.as_bytes(), &lines), Ok(expected));
        }
    }

    #[test]
    fn names_that_cgi_would_confuse_are_known() {
        assert!(reads_as_another("content_length"));
        assert!(reads_as_another("x-forwarded_for"));
        assert!(!reads_as_another("content-length"));
        assert!(!reads_as_another("my_header"));
    }
}

//! The web server before the rules.

use super::ftw::Request;

/// Whether a web server takes the request at all: what is no HTTP is answered
/// 400 and seen by no rule.
pub(crate) fn accepts(request: &Request) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let method = !request.method.is_empty() && request.method.iter().all(token);
    let visible = |byte: &u8| *byte > b' ' && !matches!(*byte, 0x7f | b'#');
    let visible = request.target.iter().all(visible);
    let authority = request.method == b"CONNECT";
    let target = match request.target.first() {
        Some(b'/') => !authority,
        Some(b'*') => request.target.len() == 1,
        Some(_) if authority => request
            .target
            .rsplit(|&byte| byte == b':')
            .next()
            .is_some_and(|port| {
                port.len() < request.target.len() && port.iter().all(u8::is_ascii_digit)
            }),
        Some(_) => request.target.starts_with(b"http"),
        None => false,
    };
    let version = request
        .version
        .strip_prefix(b"HTTP/")
        .is_some_and(|version| matches!(version, [b'0'..=b'9', b'.', b'0'..=b'9']));
    let length = request.headers.iter().all(|(name, value)| {
        !name.eq_ignore_ascii_case(b"content-length") || value.iter().all(u8::is_ascii_digit)
    });
    let host = request.version != b"HTTP/1.1"
        || request.header("host").is_none_or(|host| !host.is_empty());
    method && visible && target && version && length && host
}

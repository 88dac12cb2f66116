//! The `Cookie` header, as RFC 6265 section 4.2 has it and servers read it; with
//! `SecCookieFormat 1`, as RFC 2965 had it.

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;
use crate::plan::ir::Settings;

/// Splits a header value at `;`; names and values are trimmed and not decoded.
pub(crate) fn parse(header: &[u8], settings: &Settings, limits: &Limits, sink: &mut dyn Sink) {
    let separator =
        |&byte: &u8| byte == settings.cookie_separator || settings.cookie_version_1 && byte == b',';
    let pairs = header.split(separator).map(<[u8]>::trim_ascii);
    for (count, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
        if count == limits.arguments {
            sink.anomaly(Anomaly::TooManyArguments);
            return;
        }
        let (name, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (pair.get(..at), pair.get(at + 1..)),
            None => (Some(pair), None),
        };
        let name = name.unwrap_or_default().trim_ascii_end();
        let mut value = value.unwrap_or_default().trim_ascii_start();
        if settings.cookie_version_1 {
            // `$Version`, `$Path` and `$Domain` are about cookies and are none.
            if name.starts_with(b"$") {
                continue;
            }
            let inside = value.strip_prefix(b"\"");
            value = inside
                .and_then(|inside| inside.strip_suffix(b"\""))
                .unwrap_or(value);
        }
        sink.field(Kind::Cookie, name, value);
    }
}

//! The `Cookie` header, as RFC 6265 section 4.2 has it and servers read it.

use super::{Anomaly, Kind, Sink};
use crate::limits::Limits;

/// Splits a header value at `;`; names and values are trimmed and not decoded.
pub(crate) fn parse(header: &[u8], limits: &Limits, sink: &mut dyn Sink) {
    let pairs = header.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
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
        sink.field(
            Kind::Cookie,
            name,
            value.unwrap_or_default().trim_ascii_start(),
        );
    }
}

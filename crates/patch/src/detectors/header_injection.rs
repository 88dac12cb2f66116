//! Line breaks that begin another header or response (CWE-93, CWE-113).

use super::{Detector, rx};
use crate::document::Decode;

/// `header-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "header-injection",
    summary: "a line break followed by a header that changes a response or request",
    decode: &[Decode::Url, Decode::Url],
    checks: &[
        rx(
            r"(?i)(?:[\r\n]|\xe5\x98[\x8a\x8d]|\x{0a}|%0[ad])\s*(?:set-cookie2?|location|content-(?:type|length|disposition|encoding|security-policy)|transfer-encoding|host|refresh|link|x-[\w-]+|access-control-[\w-]+|connection|cache-control|status|http/\d)\s*[:.\d]",
        ),
        rx(r"(?i)\r\n[\w-]{2,40}:\s?[\w-]+=[\w-]+"),
        // A response of its own, or script behind an empty line.
        rx(r"(?i)\r?\n\s*\r?\n\s*<(?:script|html|svg|img|body|iframe)\b"),
    ],
};

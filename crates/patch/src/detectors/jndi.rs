//! JNDI look-ups (CVE-2021-44228 and its kin).

use super::{Detector, rx};
use crate::document::Decode;

/// `jndi`
pub(super) const DETECTOR: Detector = Detector {
    name: "jndi",
    summary: "a Log4j look-up that reaches JNDI, written out or put together from others",
    decode: &[Decode::Url, Decode::Url, Decode::Html, Decode::Js],
    checks: &[rx(
        r"(?i)\$\s*\{\s*(?:jndi\b|[^}]*\$\s*\{|(?:lower|upper|env|sys|date|main|ctx|k8s|web|bundle|log4j|java|docker|spring|sd|map|marker|base64|::?)\s*:)|\b(?:ldaps?|rmi|iiop|corbaname|nis|nds|dns)\s*:\s*//[^\s]*\}",
    )],
};

//! Filters of directories in a value (CWE-90; RFC 4515).

use super::{Detector, rx};
use crate::document::Decode;

/// `ldap-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "ldap-injection",
    summary: "what ends a filter of a directory and begins another",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"\*(?:\s*\))+\s*(?:\(|\x00)|\)\s*\(\s*[|&!]|\(\s*[|&!]\s*\(|\)\s*\(?\s*[\w.;-]+\s*[~<>]?=\s*\*",
    )],
};

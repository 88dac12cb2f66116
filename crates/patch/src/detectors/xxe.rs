//! XML external entities (CWE-611).

use super::{Detector, rx};

/// `xxe`
pub(super) const DETECTOR: Detector = Detector {
    name: "xxe",
    summary: "a document type, an entity declaration or an XInclude",
    decode: &[],
    checks: &[rx(
        r"(?i)<!\s*(?:doctype|entity)\b|<\?xml-stylesheet\b|\bhttp://www\.w3\.org/2001/XInclude\b",
    )],
};

//! XML external entities (CWE-611).

use super::{Detector, rx};

/// `xxe`
pub(super) const DETECTOR: Detector = Detector {
    name: "xxe",
    summary: "a document type, an entity declaration or an XInclude",
    decode: &[],
    checks: &[
        rx(
            r"(?i)<!\s*(?:doctype|entity)\b|<\?xml-stylesheet\b|\bhttp://www\.w3\.org/2001/XInclude\b",
        ),
        // In UTF-16 or UTF-32, where bodies are looked at as they come.
        rx(
            r"(?i)<\x00{1,3}!\x00{1,3}(?:d\x00{1,3}o\x00{1,3}c\x00{1,3}t\x00{1,3}y\x00{1,3}p\x00{1,3}e|e\x00{1,3}n\x00{1,3}t\x00{1,3}i\x00{1,3}t\x00{1,3}y)",
        ),
    ],
};

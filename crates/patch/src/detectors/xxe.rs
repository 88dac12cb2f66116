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
        rx(concat!(
            r"(?i)<\x00{1,3}(?:!\x00{1,3}(?:\s\x00{1,3})*(?:",
            r"d\x00{1,3}o\x00{1,3}c\x00{1,3}t\x00{1,3}y\x00{1,3}p\x00{1,3}e|",
            r"e\x00{1,3}n\x00{1,3}t\x00{1,3}i\x00{1,3}t\x00{1,3}y)",
            r"|\?\x00{1,3}x\x00{1,3}m\x00{1,3}l\x00{1,3}-\x00{1,3}s\x00{1,3}t\x00{1,3}y\x00{1,3}l\x00{1,3}e\x00{1,3}s\x00{1,3}h\x00{1,3}e\x00{1,3}e\x00{1,3}t)",
            r"|/\x00{1,3}2\x00{1,3}0\x00{1,3}0\x00{1,3}1\x00{1,3}/\x00{1,3}X\x00{1,3}I\x00{1,3}n\x00{1,3}c\x00{1,3}l\x00{1,3}u\x00{1,3}d\x00{1,3}e",
        )),
    ],
};

//! Paths that a filter and an application read differently (CWE-22, CWE-288, CWE-436).

use super::{Detector, rx};

/// `path-confusion`
pub(super) const DETECTOR: Detector = Detector {
    name: "path-confusion",
    summary: "parameters of segments, encoded slashes, dots and question marks, empty segments or backslashes",
    decode: &[],
    // Of the target as received; what follows the first `?` is no path.
    checks: &[rx(
        r"(?i)\A[^?]*(?:/\.{0,2};|;[^/?]*/|;\z|;\?|/\.\.?(?:[/?]|\z)|%2e|%2f|%5c|%25|%3b|%3f|%23|%0[0-9a-f]|%u00|\\|//|[\x80-\xff])",
    )],
};

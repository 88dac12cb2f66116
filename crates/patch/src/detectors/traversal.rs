//! Paths that lead out of where they should stay (CWE-22).

use super::{Check, Detector, rx};
use crate::document::Decode;

/// A `..` segment: between slashes of either kind, over-long UTF-8 forms and
/// Tomcat's `..;` included.
const DOTS: Check = rx(
    r"(?:^|[/\\=;,&?]|\xc0\xaf|\xe0\x80\xaf|\xc1\x9c)(?:\.|\xc0\xae|\xe0\x80\xae){2,}(?:[/\\;,&?\x00]|\xc0\xaf|\xe0\x80\xaf|\xc1\x9c|$)",
);

/// `traversal: dot-segments`
pub(super) const DOT_SEGMENTS: Detector = Detector {
    name: "traversal: dot-segments",
    summary: "a `..` segment between slashes or backslashes",
    decode: &[Decode::Url, Decode::Url],
    checks: &[DOTS],
};

/// `traversal: absolute`
pub(super) const ABSOLUTE: Detector = Detector {
    name: "traversal: absolute",
    summary: "a `..` segment, an absolute path, a drive, a file: URL or a zero byte",
    decode: &[Decode::Url, Decode::Url],
    checks: &[DOTS, rx(r"(?i)\A\s*(?:[/\\~]|[a-z]:|file:)|\x00")],
};

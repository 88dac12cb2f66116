//! Cross-site scripting (CWE-79): libinjection's states and what they miss.

use super::{Check, Detector, rx};
use crate::document::Decode;

/// `xss`
pub(super) const DETECTOR: Detector = Detector {
    name: "xss",
    summary: "markup or a URL that runs script in a browser",
    decode: &[
        Decode::Url,
        Decode::Url,
        Decode::Html,
        Decode::Js,
        Decode::Nulls,
    ],
    checks: &[
        Check {
            operator: "detectXSS",
            argument: "",
            spaced: None,
        },
        rx(
            r"(?i)<\s*/?\s*(?:script|iframe|frame|object|embed|svg|math|meta|base|link|style|applet|template|xml|xss|marquee|isindex|body|html)\b",
        ),
        rx(r#"(?i)(?:[\s"'`/<]|\A)on[a-z]{3,25}\s*="#),
        // An attribute is left before any tag was begun.
        rx(r#"(?i)\A[^<>"']{0,200}["']\s*/?\s*>\s*<[a-z]"#),
        // Script without markup, where a value stands within script already.
        rx(
            r"(?i)(?:\b(?:alert|confirm|prompt|print)\s*(?:\(\s*(?:document|window|self|top|parent|this|location|origin|string|['\x22`/\d])|`|\.(?:bind|call|apply)\b)|['\x22;`)}>{=]\s*(?:alert|confirm|prompt|print)\s*\(|(?:[=+;{}!&|\[]\s*|[\w\])]\(\s*|['\x22`)]\s*-\s*|,)document\s*\.\s*(?:domain|cookie)\b|\bdocument\s*\.\s*(?:domain|cookie)\s*(?:\+|-\s*['\x22`(])|\bdocument\s*\.\s*write(?:ln)?\s*[(`]|\bstring\s*\.\s*fromcharcode\b|\bwindow\s*\[)",
        ),
        // Browsers ignore white space and control bytes within the scheme.
        rx(
            r"(?i)(?:j[\s\x00-\x1f]*a[\s\x00-\x1f]*v[\s\x00-\x1f]*a|v[\s\x00-\x1f]*b)[\s\x00-\x1f]*s[\s\x00-\x1f]*c[\s\x00-\x1f]*r[\s\x00-\x1f]*i[\s\x00-\x1f]*p[\s\x00-\x1f]*t[\s\x00-\x1f]*:|data\s*:\s*(?:text/html|image/svg|application/x?html)",
        ),
    ],
};

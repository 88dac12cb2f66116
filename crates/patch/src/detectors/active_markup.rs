//! Markup that runs script, in a field where other markup is welcome (CWE-79).

use super::{Detector, rx};
use crate::document::Decode;

/// `active-markup`
pub(super) const DETECTOR: Detector = Detector {
    name: "active-markup",
    summary: "a script element, an event handler or a script URL in markup; other markup and escaped code passes",
    decode: &[Decode::Url, Decode::Nulls],
    checks: &[
        // A script element that loads or holds something; its bare name is prose.
        rx(
            r"(?i)<\s*script\b[^>]*(?:[\s/]src\b|>\s*(?:[^<\s]*[(=`\[.]|(?:var|let|const|new|import|function)\b|<\s*/\s*script))|<\s*(?:applet|object|embed|meta|base|isindex)\s[^>]*=",
        ),
        rx(
            r"(?is)<[a-z!/][^>]*?[\s/'\x22]on[a-z]{3,25}\s*=|[\x22']\s*/?\s*(?:(?:autofocus|style|id|class|tabindex|contenteditable|accesskey|type|value|src|href)\b(?:\s*=\s*[^\s>]{0,100})?[\s/]+){0,4}on[a-z]{3,25}\s*=\s*\S",
        ),
        rx(
            r"(?is)<[a-z][^>]*?(?:j[\s\x00-\x1f]*a[\s\x00-\x1f]*v[\s\x00-\x1f]*a|v[\s\x00-\x1f]*b)[\s\x00-\x1f]*s[\s\x00-\x1f]*c[\s\x00-\x1f]*r[\s\x00-\x1f]*i[\s\x00-\x1f]*p[\s\x00-\x1f]*t[\s\x00-\x1f]*:|<[a-z][^>]*?(?:srcdoc|formaction)\s*=",
        ),
        rx(
            r"(?i)<\s*(?:svg|math|style|iframe|link)\b[^>]*(?:onload|src\s*=\s*['\x22]?(?:data|javascript)|srcdoc|@import)",
        ),
    ],
};

//! Java expression languages (CWE-917): OGNL, SpEL, MVEL, EL.

use super::{Detector, rx};
use crate::document::Decode;

/// `expression-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "expression-injection",
    summary: "OGNL, SpEL, EL or another expression that reaches Java classes",
    decode: &[Decode::Url, Decode::Url, Decode::Html, Decode::Js],
    checks: &[
        // Also where a text is left first, as OGNL in a tag of Struts.
        rx(r"[%$#*@]\{|'[\s+]+\{[^{}]*[*+(.@][^{}]*\}[\s+]+'"),
        rx(
            r"(?i)\bjava(?:x)?\s*\.\s*(?:lang|io|net|util|script|naming)\b|(?-i:\bT\()\s*[\w.]+\s*\)\s*\.|\.\s*(?:getClass|class|forName|getRuntime|newInstance|getMethods?|getDeclared\w+|defineClass)\b|\bProcessBuilder\b|\bRuntime\b\s*[.@]|#_?memberAccess|@[\w.]+@\w+|\bognl\b|\bclass\.(?:module\.)?classLoader\b",
        ),
    ],
};

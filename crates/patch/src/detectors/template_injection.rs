//! Server-side template injection (CWE-1336).

use super::{Detector, rx};
use crate::document::Decode;

/// `template-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "template-injection",
    summary: "the opening of an expression in a common template language",
    decode: &[Decode::Url, Decode::Url, Decode::Html],
    // An upper-case name alone is a variable of a shell.
    // Jinja, Twig, Handlebars; EL, FreeMarker, Thymeleaf; ERB, EJS, JSP; Razor; Smarty; Velocity;
    // directives of FreeMarker; elements that include files.
    checks: &[rx(
        r"\{\{|\{%|\{#|[#*~@]\{|\$\{\s*(?:[^A-Z}\s]|[A-Z][A-Z0-9_]*[^A-Z0-9_}])|<%|\[\[\s*\$|@\(|(?i:\{\s*(?:php|literal|if|include|\$smarty)\b)|#(?:set|if|foreach|include|parse)\s*\(|<[#@][A-Za-z]|(?i:<(?:[a-z]{1,10}:)?(?:cf)?include\b)",
    )],
};

//! SQL injection (CWE-89): libinjection's fingerprints and what they miss.

use super::{Check, Detector, rx};
use crate::document::Decode;

/// `sql-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "sql-injection",
    summary: "a value that changes the meaning of an SQL statement",
    decode: &[Decode::Url, Decode::Url, Decode::Nulls, Decode::Comments],
    checks: &[
        Check {
            operator: "detectSQLi",
            argument: "",
        },
        rx(r"(?i)\bunion\b(?:[\s(]|/\*.*?\*/)+(?:(?:all|distinct)\b(?:[\s(]|/\*.*?\*/)*)?select\b"),
        // Functions that wait, read files or carry data out in errors.
        rx(
            r"(?i)\b(?:sleep|benchmark|pg_sleep|randomblob|load_extension|load_file|extractvalue|updatexml|xp_\w+|dbms_\w+\.\w+|utl_\w+\.\w+)\s*\(|\bwaitfor\s+(?:delay|time)\b|\binto\s+(?:out|dump)file\b",
        ),
        // A closed string, then logic.
        rx(
            r#"(?i)['"`)]\s*(?:\|\||&&|\b(?:or|and|xor|like|rlike|regexp|having|between)\b)\s*(?:not\s+)?[('"`]*\s*(?:[\w.@]+|['"`])\s*['"`)]*\s*(?:=|<|>|!|\bis\b|\blike\b|\bin\b|\bbetween\b|--|#|/\*)"#,
        ),
        // A second statement.
        rx(
            r"(?i);\s*(?:(?:drop|alter|create|truncate)\s+(?:table|database|user|view|index|trigger|function)\b|insert\s+into\b|update\s+\S+\s+set\b|delete\s+from\b|select\b.*\bfrom\b|exec(?:ute)?\b|attach\s+database\b|shutdown\b)",
        ),
        // A sub-select, and a comment that cuts a statement off after a quote.
        rx(
            r#"(?i)\(\s*select\b.*\bfrom\b|\(\s*select\s+[\w@('"]|['"`]\s*\)*\s*(?:--(?:[\s+]|\z)|/\*)"#,
        ),
    ],
};

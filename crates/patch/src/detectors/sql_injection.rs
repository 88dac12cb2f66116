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
            spaced: None,
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

/// `sql-syntax`
pub(super) const SYNTAX: Detector = Detector {
    name: "sql-syntax",
    summary: "a value that closes a string or number and goes on in SQL; prose about SQL, and statements quoted whole, pass",
    decode: &[Decode::Url, Decode::Url, Decode::Nulls, Decode::Comments],
    checks: &[
        rx(
            r"(?i)\bunion\b(?:[\s(+]|/\*.*?\*/)+(?:(?:all|distinct)\b(?:[\s(+]|/\*.*?\*/)*)?select\b(?:\s*[(*'\x22@\d-]|\s+\w+\s*(?:[,(.]|\bfrom\b|--|#|/\*|\z))",
        ),
        // Functions that wait or carry data out, where an expression may stand.
        rx(
            r"(?i)(?:['\x22()=,|+*/<>-]|\b(?:select|and|or|xor|then|else|when|by|like|in|where)\b)\s*(?:sleep|benchmark|pg_sleep|randomblob|load_extension|load_file|extractvalue|updatexml|gtid_subset|exp\s*\(\s*~|xp_\w+|dbms_\w+\.\w+|utl_\w+\.\w+)\s*\(\s*['\x22(\d@sn~]|\A\s*(?:sleep|benchmark|pg_sleep|randomblob|load_file|extractvalue|updatexml)\s*\([^()]*\)\s*(?:\z|[^\w\s])|\bwaitfor\s+(?:delay|time)\s*['\x22(]|\binto\s+(?:out|dump)file\s*['\x22]|\bprocedure\s+analyse\b|\bxp_cmdshell\b",
        ),
        // A closed string or number, then logic.
        rx(
            r"(?i)(?:['\x22`)]|\A\s*-?[\d.]+)\s*\)*\s*(?:\|\||&&|\b(?:or|and|xor|like|rlike|regexp|having|between|not|where)\b)\s*(?:not\s+|binary\s+)?[('\x22`]*\s*-?(?:[\w.@]+|['\x22`])?\s*['\x22`)]*\s*(?:=|<|>|!=|\blike\b|\brlike\b|\bregexp\b|\bin\s*\(|\bbetween\b)\s*['\x22(\d@\w~-]",
        ),
        // A sub-select in the place of a value.
        rx(
            r"(?i)(?:\A\s*|['\x22`\d)]\s*(?:\|\||&&|\b(?:and|or|xor|like|rlike|regexp|in|not|where)\b|[-+*/=<>,%^|&])\s*(?:(?:not|if|case|exists|ascii|ord|extractvalue|elt|make_set|substr\w*|mid|cast|convert|length)\b[\s(]*)*)\(+\s*(?:select|case\s+when)\b",
        ),
        // Another statement, or a comment that cuts the rest off.
        rx(
            r"(?i)['\x22`\d)]\s*;\s*(?:(?:drop|alter|create|truncate)\s+(?:table|database|user|view|index|trigger|function)\b|insert\s+into\b|update\s+\S+\s+set\b|delete\s+from\b|exec(?:ute)?\b|attach\s+database\b|shutdown\b|select\b|declare\b|waitfor\b)|['\x22`]\s*\)*\s*(?:--[\s+-]*\z|#\s*\z|/\*)|['\x22`)\d]\s*(?:order|group)\s+by\s+\d+",
        ),
    ],
};

//! SQL: comments, white space, other words for the same.

use super::super::catalogue::{Evasion, Group};
use super::super::fields::replaced;
use super::{has, is_word, words};

const ALL_SQL: &str = "all databases";
const MYSQL: &str = "MySQL and MariaDB";

pub(in super::super) const ALL: &[Evasion] = &[
    of("comments for spaces", ALL_SQL, |value| {
        replaced(value, " ", "/**/")
    }),
    of("comments with words for spaces", ALL_SQL, |value| {
        replaced(value, " ", "/*a b*/")
    }),
    of("nested comments for spaces", "PostgreSQL", |value| {
        replaced(value, " ", "/*/**/*/")
    }),
    of("line comments for spaces", ALL_SQL, |value| {
        replaced(value, " ", "--x\n")
    }),
    of("# comments for spaces", MYSQL, |value| {
        replaced(value, " ", "#x\n")
    }),
    of("no-break spaces for spaces", MYSQL, |value| {
        let wide = |&byte: &u8| if byte == b' ' { 0xa0 } else { byte };
        value.iter().map(wide).collect()
    }),
    of("plus signs for spaces", "values within numbers", |value| {
        replaced(value, " ", "+")
    }),
    of("keywords in versioned comments", MYSQL, |value| {
        words(
            value,
            &[
                ("union", "/*!50000UNION*/"),
                ("select", "/*!50000SELECT*/"),
                ("or", "/*!50000OR*/"),
                ("and", "/*!50000AND*/"),
            ],
        )
    }),
    of("UNION ALL for UNION", ALL_SQL, |value| {
        words(value, &[("union", "UNION ALL")])
    }),
    of("UNION DISTINCT for UNION", ALL_SQL, |value| {
        words(value, &[("union", "UNION DISTINCT")])
    }),
    of("SELECT ALL for SELECT", ALL_SQL, |value| {
        words(value, &[("select", "SELECT ALL")])
    }),
    of("signs for OR and AND", MYSQL, |value| {
        words(value, &[("or", "||"), ("and", "&&")])
    }),
    of("XOR for OR", MYSQL, |value| words(value, &[("or", "XOR")])),
    of("LIKE for equals", ALL_SQL, |value| {
        replaced(value, "=", " LIKE ")
    }),
    of("<> for equals", ALL_SQL, |value| {
        replaced(value, "1=1", "1<>2")
    }),
    of("IN for equals", ALL_SQL, |value| {
        replaced(value, "1=1", "1 IN(1)")
    }),
    of("BETWEEN for equals", ALL_SQL, |value| {
        replaced(value, "1=1", "1 BETWEEN 0 AND 2")
    }),
    of("IS TRUE for equals", ALL_SQL, |value| {
        replaced(value, "1=1", "1 IS NOT NULL")
    }),
    of("other numbers", ALL_SQL, |value| {
        replaced(value, "1=1", "7369=7369")
    }),
    of("numbers in exponents", MYSQL, |value| {
        words(value, &[("1", "1e0")])
    }),
    of(
        "numbers in hexadecimal",
        "MySQL, SQLite, SQL Server",
        |value| words(value, &[("1", "0x1"), ("2", "0x2")]),
    ),
    of("numbers as sums", ALL_SQL, |value| {
        words(value, &[("1", "2-1")])
    }),
    of("numbers as texts", ALL_SQL, |value| {
        words(value, &[("1", "'1'")])
    }),
    of("columns in parentheses", ALL_SQL, |value| {
        words(value, &[("1", "(1)"), ("null", "(NULL)")])
    }),
    of("texts in hexadecimal", MYSQL, hexadecimal),
    of("a national text", MYSQL, |value| {
        replaced(value, "='", "=n'")
    }),
    of("quotes for quotes", "MySQL, SQLite", |value| {
        replaced(value, "'", "\"")
    }),
    of(
        "a backslash before quotes",
        "MySQL, where quotes are only doubled",
        |value| replaced(value, "'", "\\'"),
    ),
    of(
        "a multi-byte letter before quotes",
        "MySQL with GBK",
        |value| {
            let mut result = Vec::new();
            for &byte in value {
                match byte {
                    b'\'' => result.extend_from_slice(b"\xbf'"),
                    other => result.push(other),
                }
            }
            result
        },
    ),
    of("another comment at the end", MYSQL, |value| end(value, "#")),
    of("a block comment at the end", "MySQL, SQLite", |value| {
        end(value, "/*")
    }),
    of(
        "a semicolon and a zero byte at the end",
        "SQLite, Access",
        |value| end(value, ";\0"),
    ),
    of("a plus sign after the comment", ALL_SQL, |value| {
        end(value, "--+")
    }),
    of("a parenthesis closed", ALL_SQL, |value| {
        match value.iter().position(|&byte| byte == b'\'') {
            Some(at) => {
                let (before, after) = value.split_at(at + 1);
                [before, b")", after].concat()
            }
            None => value.to_vec(),
        }
    }),
    of("no space around quotes", ALL_SQL, |value| {
        [("' ", "'"), (" '", "'")]
            .iter()
            .fold(value.to_vec(), |value, (from, to)| {
                replaced(&value, from, to)
            })
    }),
    of("quoted names of tables and columns", MYSQL, |value| {
        after_from(value, b"`", b"`")
    }),
    of(
        "names of tables in brackets",
        "SQL Server, SQLite",
        |value| after_from(value, b"[", b"]"),
    ),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Sql, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    const KEYWORDS: &[&str] = &[
        "select",
        "union",
        " or ",
        " and ",
        "'or",
        "/or",
        "||",
        "&&",
        "insert",
        "update",
        "sleep",
        "waitfor",
        "benchmark",
        "order by",
        "having",
        "exec",
    ];
    has(value, KEYWORDS) || value.contains(&b'\'') || has(value, &["--"])
}

/// `'ab'` as `0x6162`.
fn hexadecimal(value: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = value;
    while let Some(open) = rest.windows(2).position(|pair| pair == b"='") {
        let (before, text) = rest.split_at(open + 1);
        let text = text.get(1..).unwrap_or_default();
        let Some(close) = text.iter().position(|&byte| byte == b'\'') else {
            break;
        };
        let (text, after) = text.split_at(close);
        result.extend_from_slice(before);
        result.extend_from_slice(b"0x");
        result.extend(
            text.iter()
                .flat_map(|byte| format!("{byte:02x}").into_bytes()),
        );
        rest = after.get(1..).unwrap_or_default();
    }
    result.extend_from_slice(rest);
    result
}

/// The comment at the end becomes something else.
fn end(value: &[u8], other: &str) -> Vec<u8> {
    let trimmed = value.trim_ascii_end();
    // `-- -` keeps the space from being trimmed away.
    let trimmed = trimmed
        .strip_suffix(b"-- -")
        .or(trimmed.strip_suffix(b"--"));
    match trimmed.or(value.strip_suffix(b"#")) {
        Some(open) => [open, other.as_bytes()].concat(),
        None => value.to_vec(),
    }
}

/// The word after FROM in quotes.
fn after_from(value: &[u8], open: &[u8], close: &[u8]) -> Vec<u8> {
    let small = value.to_ascii_lowercase();
    let Some(at) = small.windows(5).position(|window| window == b"from ") else {
        return value.to_vec();
    };
    let (before, rest) = value.split_at(at + 5);
    let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
    let (name, after) = rest.split_at(length);
    if name.is_empty() {
        return value.to_vec();
    }
    [before, open, name, close, after].concat()
}

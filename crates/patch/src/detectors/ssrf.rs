//! Server-side request forgery (CWE-918).

use super::{Detector, rx};
use crate::document::Decode;

const DECODE: &[Decode] = &[
    Decode::Url,
    Decode::Url,
    Decode::NoWhitespace,
    Decode::Nulls,
];

/// Hosts: loopback, private, link-local, carrier-grade NAT, metadata.
macro_rules! inner_hosts {
    () => {
        concat!(
            r"(?:(?:[^/\\?#:]+\.)?localhost(?:[.:/\\?#]|\z)|(?:[^/\\?#:]+\.)?(?:localdomain|local|internal|intranet|corp|lan|home)(?:[:/\\?#]|\.?\z)|",
            r"(?:[^/\\?#:]+\.)?(?:nip|sslip|xip)\.io|(?:[^/\\?#:]+\.)?(?:localtest\.me|lvh\.me)|",
            r"metadata\b|instance-data\b|",
            r"(?:0|10|127)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|198\.1[89]\.|2(?:2[4-9]|[345]\d)\.|",
            // One, two or three numbers, octal and hexadecimal ones, IPv6.
            r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,2}\.?(?:[:/\\?#]|\z)|(?:[\dxa-f]+\.){0,3}0(?:x[0-9a-f]+|\d+)(?:\.|[:/\\?#]|\z)|\[)",
        )
    };
}

/// User information, and letters that are read as ASCII ones (full-width, enclosed, raised);
/// other languages' letters are names of their own.
macro_rules! odd_authority {
    () => {
        r"(?:@|\xc2[\xaa\xb2\xb3\xb9\xba]|\xe2(?:\x81|\x82|\x84|\x85|\x91|\x92|\x93)|\xe3\x80\x82|\xef(?:\xbc|\xbd)|\xf0(?:\x9d[\x90-\x9f]|\x9f\x84|\x9f\x85))"
    };
}

/// `ssrf: internal`
pub(super) const INTERNAL: Detector = Detector {
    name: "ssrf: internal",
    summary: "a URL with a scheme other than http and https, with user information, or to a private, local or metadata address in any notation",
    decode: DECODE,
    checks: &[
        rx(
            r"(?i)(?:\A|[^a-z0-9+.-])(?:file|gopher|dict|ftps?|tftp|ldaps?|sftp|jar|netdoc|phar|php|data|expect|ogg|ssh2|rar|zip|glob|rmi|smb|unix|imaps?|pop3s?|smtps?|telnet|mailto|view-source|local_file):",
        ),
        rx(concat!(
            r"(?i)(?:https?:|\A|[=\s])[/\\]{2,}(?:[^/\\?#]*@)?",
            inner_hosts!()
        )),
        rx(concat!(r"[/\\]{2}[^/\\?#]*", odd_authority!())),
        // Behind `http:` no slash is needed where browsers' rules for URLs are followed.
        // These drop tabs and ends of lines and read blanks before `@`, but refuse a blank
        // in a host: `HTTP: 404` is text.
        rx(concat!(
            r"(?i)\Ahttps?:[/\\]?(?:[^/\\?#]*@)?",
            inner_hosts!()
        ))
        .where_spaced(
            r"\A[\x00-\x20]*[A-Za-z\t\r\n]+:[\t\r\n]*[/\\]?(?:[^/\\?#]*@)?[^\x20\x0b\x0c/\\?#]*(?:[/\\?#]|[\x00-\x20]*\z)",
        ),
        rx(concat!(
            r"\A(?i:https?):[/\\]?[^/\\?#]*",
            odd_authority!()
        ))
        .where_spaced(
            r"\A[\x00-\x20]*[A-Za-z\t\r\n]+:[\t\r\n]*[/\\]?[^\x20\x0b\x0c/\\?#]*(?:[/\\?#]|[\x00-\x20]*\z)",
        ),
    ],
};

/// `ssrf: any`
pub(super) const ANY: Detector = Detector {
    name: "ssrf: any",
    summary: "any absolute or scheme-relative URL",
    decode: DECODE,
    checks: &[rx(
        r"(?i)(?:\A|[^a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:[/\\]|\A[\s:@.]{0,4}[/\\]{2}|\A[a-z][a-z0-9+.-]{2,20}:[^0-9]",
    )],
};

/// `ssrf: other-host`
pub(super) const OTHER_HOST: Detector = Detector {
    name: "ssrf: other-host",
    summary: "a value that is an absolute or scheme-relative URL, or a list of them, unless it leads to the request's own host",
    decode: DECODE,
    checks: &[rx(
        r"(?i)(?:\A[^a-z0-9<>{]{0,4}|[,;|])[a-z][a-z0-9+.-]{1,20}:[/\\]|\A[\s:@.]{0,4}[/\\]{2}|\A[a-z][a-z0-9+.-]{2,20}:[^0-9]",
    )],
};

/// `ssrf: host`
pub(super) const HOST: Detector = Detector {
    name: "ssrf: host",
    summary: "any absolute or scheme-relative URL, an address, or the name of a host with its domain",
    decode: &[Decode::Url, Decode::Url, Decode::Nulls],
    checks: &[
        rx(
            r"(?i)(?:\A|[^a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:[/\\]|\A[\s:@.]{0,4}[/\\]{2}|\A[a-z][a-z0-9+.-]{2,20}:[^0-9]",
        ),
        rx(
            r"(?i)\A(?:[/\\]{2,})?(?:[^/\\?#@]*@)?(?:[a-z0-9_-]+\.)+(?:[a-z0-9-]{2,}|\d{1,3})(?::\d{1,5})?(?:[/\\?#]|\z)",
        ),
    ],
};
